"""Signals of samples and of histories against sums written out: whose weights, which reals, over what."""

from __future__ import annotations

import statistics
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.data.dataset import dataset
from zerosum.health import signals as module
from zerosum.health.history import History, Snapshot
from zerosum.health.modes import LEAST, ByLabel, _testable
from zerosum.health.sight import _edges, _grey
from zerosum.health.signals import COUNTED, MOVING, REFERENCES, SAMPLES, SampleMeter
from zerosum.health.verdicts import FAR
from zerosum.util import rng
from zerosum.util.luma import LUMA

# Histories


def derived(*snapshots: dict[str, float]) -> dict[str, float]:
    made = History(100)
    for step, signals in enumerate(snapshots):
        made.add(Snapshot(step, 0.0, signals))
    return made.signals[-1]


def test_distances_are_compared_over_the_last_half():
    """Of 14 looks the last seven: 4 5 6 2 2 1 3, whose first and last two have the medians 4.5 and 2."""
    found = derived(
        *({"frechet": v} for v in (90.0, 80.0, 99.0, 70.0, 60.0, 50.0, 40.0, 4.0, 5.0, 6.0, 2.0, 2.0, 1.0, 3.0))
    )
    assert found["trend"] == pytest.approx(2 / 4.5)
    assert found["relapse"] == 3.0 and found["worst"] == 6.0


def test_few_looks_are_compared_over_six():
    assert derived(*({"frechet": v} for v in (9.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)))["worst"] == 6.0


def test_the_centre_moves_by_the_root_mean_square_of_its_axes():
    """It steps by 30, 20, and then 1 to 5 along both axes: 65 in all, 3 in the median of the last five."""
    places = [0.0, 30.0, 50.0, 51.0, 53.0, 56.0, 60.0, 65.0]
    found = derived(*({"centre/0": place, "centre/1": -place} for place in places))
    assert found["travelled"] == pytest.approx(65.0) and found["swing"] == pytest.approx(3.0)


def test_obedience_goes_from_chance_to_that_of_reals():
    known = {"class_chance": 0.2, "class_accuracy_real": 0.8}
    assert derived({"class_accuracy": 0.35, **known})["class_obedience"] == pytest.approx(0.25)
    assert derived({"class_accuracy": 0.2, **known})["class_obedience"] == 0


def test_a_loss_explodes_beside_the_first_one():
    assert derived(*({"loss/g": v} for v in (2.0, 0.5, -6.0)))["explosion/g"] == 3.0
    assert derived(*({"loss/g": v} for v in (0.1, 6.0)))["explosion/g"] == 6.0


def test_how_far_is_too_far():
    """The thresholds that `reproduce health` was recorded with."""
    limits = {(c.signal, c.relation): (c.factor, c.margin, c.threshold) for c in FAR}
    assert limits == {
        ("frechet", ">"): (3.0, 0.0, "frechet_high"),
        ("sight", ">"): (3.0, 0.0, "sight_high"),
        ("stray", ">"): (1.0, 0.17, "stray_high"),
        ("recall", "<"): (0.6, 0.0, "recall_low"),
        ("precision", "<"): (0.6, 0.0, "precision_low"),
        ("distinct", "<"): (0.5, 0.0, "distinct_low"),
        ("spread", "<"): (0.75, 0.0, "spread_low"),
        ("spread", ">"): (1.33, 0.0, "spread_high"),
        ("modes_missing", ">"): (1.0, 0.0, 0.5),
    }


# Samples


def held(points: Tensor, centres: Tensor) -> float:
    """The share of points in the ball of a centre that reaches to its third neighbour."""
    radii = torch.cdist(centres, centres).sort(1).values[:, 3]  # the first is itself
    return float((torch.cdist(points, centres) <= radii).any(1).double().mean())


@pytest.fixture(scope="module")
def cloud() -> tuple[SampleMeter, Tensor, Tensor]:
    """A meter of 1,000 points of unequal deviations, these in the meter's order and units, and fakes in its units."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1000, 2, generator=generator) * torch.tensor([1.0, 5.0])
    meter = SampleMeter(dataset("cloud", x), "x", seed=4)
    real = x[torch.randperm(1000, generator=torch.Generator().manual_seed(4))]
    fakes = torch.randn(COUNTED, 2, generator=generator) * torch.tensor([0.5, 4.0]) + torch.tensor([0.7, 0.0])
    return meter, (real - x.mean(0)) / x.std(0), (fakes - x.mean(0)) / x.std(0)


def compared(cloud: tuple[SampleMeter, Tensor, Tensor]) -> dict[str, float]:
    meter, _, fakes = cloud
    space: Any = meter.space
    return meter.compare(fakes * space.scale + space.centre, fakes[:MOVING] * space.scale + space.centre, None)


def test_recall_and_precision_are_over_those_of_other_reals(cloud: tuple[SampleMeter, Tensor, Tensor]):
    _, real, fakes = cloud
    signals, one, other, few = compared(cloud), real[:SAMPLES], real[SAMPLES : 2 * SAMPLES], fakes[:SAMPLES]
    assert signals["recall"] == pytest.approx(held(one, few) / held(one, other), rel=1e-3)
    assert signals["precision"] == pytest.approx(held(few, one) / held(other, one), rel=1e-3)
    assert signals["lifelike"] == pytest.approx(held(few, one), rel=1e-3)


def test_strays_are_further_from_one_half_than_99_percent_of_the_other(cloud: tuple[SampleMeter, Tensor, Tensor]):
    _, real, fakes = cloud
    far = torch.cdist(real[500:], real[:500]).amin(1).quantile(0.99)
    assert compared(cloud)["stray"] == pytest.approx(
        float((torch.cdist(fakes, real[:500]).amin(1) > far).float().mean())
    )


def test_copying_is_over_the_ratio_of_the_reals(cloud: tuple[SampleMeter, Tensor, Tensor]):
    """Thumbnails of points are the points themselves, unscaled."""
    meter, real, fakes = cloud
    space: Any = meter.space
    units = real * space.scale, fakes[:128] * space.scale
    near = torch.cdist(units[1], units[0]).sort(1).values
    own = torch.cdist(units[0][:128], units[0]).sort(1).values[:, 1:]
    ratio, usual = ((d[:, 0] / d[:, 1]).median() for d in (near, own))
    assert compared(cloud)["copying"] == pytest.approx(float(ratio / usual), rel=1e-3)


def test_principal_axes_are_in_deviations_of_the_reals(cloud: tuple[SampleMeter, Tensor, Tensor]):
    meter = cloud[0]
    along = (meter.real - meter.real.mean(0)) @ meter.axes
    torch.testing.assert_close(along.std(0), torch.ones(along.shape[1]), rtol=1e-3, atol=0)


def test_the_reference_is_1_96_deviations_of_other_reals(
    cloud: tuple[SampleMeter, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
):
    """Twenty draws of reals, none of those that fakes are compared with."""
    meter, drawn = cloud[0], []

    def said(self: SampleMeter, fake: Tensor, seen: Tensor) -> dict[str, float]:
        drawn.append(fake)
        return {"spread": float(len(drawn))}

    monkeypatch.setattr(SampleMeter, "_compared", said)
    numbers = torch.arange(1000.0)[:, None].expand(-1, meter.real.shape[1])
    reference = meter._reference(numbers, torch.Generator().manual_seed(0))
    values = list(range(1, REFERENCES + 1))
    within = 1.96 * statistics.stdev(values)
    assert reference["spread_low"] == pytest.approx(statistics.fmean(values) - within)
    assert reference["spread_high"] == pytest.approx(statistics.fmean(values) + within)
    assert float(torch.cat(drawn).min()) >= SAMPLES and {len(one) for one in drawn} == {SAMPLES}


def test_averaged_weights_are_judged_and_the_last_ones_followed(monkeypatch: pytest.MonkeyPatch):
    """The centre of the last weights moves where that of their average would not."""
    meter, drawn = SampleMeter(dataset("few", torch.randn(20, 2)), "x"), []
    monkeypatch.setattr(meter, "_labels_for", lambda game: None)
    monkeypatch.setattr(meter, "draw", lambda game, count, labels: drawn.append((game, count)))
    meter.measure(SimpleNamespace(game="last", sampler="averaged"))  # type: ignore[arg-type]
    assert drawn == [("averaged", COUNTED), ("last", MOVING)]


def test_labels_are_tested_on_the_half_that_was_not_fitted():
    """Classes are apart in the first half and exchanged in the other: every one of these is wrong."""
    y = torch.arange(80) % 2
    real = torch.where(torch.arange(80) < 40, y, 1 - y)[:, None] + 0.01 * torch.randn(80, 3)
    assert module._Labels(real, y, torch.tensor([0, 1])).accuracy_real == 0


def test_the_spread_within_classes_is_that_of_the_median_class():
    """Two classes as varied as reals, one of a single point."""
    y = torch.arange(90) % 3
    real = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))
    fake = torch.where((y == 2)[:, None], torch.ones(4), real)
    found = module._Labels(real, y, torch.arange(3)).signals(fake, y)
    assert found["class_spread"] == pytest.approx(1.0)


# Modes


def test_a_mode_is_missing_below_a_fifth_of_its_share_however_many_are_expected():
    (named,) = _testable(["a"], torch.tensor([0.1]), torch.tensor([5000.0])).values()
    assert named.limit == LEAST
    (named,) = _testable(["a"], torch.tensor([0.1]), torch.tensor([10.0])).values()
    assert named.limit == pytest.approx(0.15), "of ten that are expected, two or more come with a chance of 0.9995"


@pytest.mark.parametrize("prior", [0.5, 0.8])
def test_shares_are_the_likeliest_by_a_probe_that_mixes_up_classes(prior: float):
    """A class shows its own of two signs four times in five: of 62 in 100 the share is 0.7, whatever the prior."""
    first = prior * 0.8 / (prior * 0.8 + (1 - prior) * 0.2), prior * 0.2 / (prior * 0.2 + (1 - prior) * 0.8)
    p = torch.tensor([first[0]] * 62 + [first[1]] * 38)
    modes = ByLabel.__new__(ByLabel)
    modes.prior = torch.tensor([prior, 1 - prior])
    found = modes._most_likely(torch.stack([p, 1 - p], 1)[None])[0]
    assert found.tolist() == pytest.approx([0.7, 0.3], abs=5e-3)


def test_what_a_probe_knows_is_measured_on_other_reals():
    """Classes that are apart in the half that is fitted, and look like one in the other, cannot be tested."""
    y = torch.arange(400) % 2
    generator = torch.Generator().manual_seed(0)
    real = 4 * y[:, None] + torch.randn(400, 2, generator=generator)
    apart = ByLabel(real, y, ("a", "b"), torch.tensor([0.5, 0.5]), COUNTED, generator)
    assert len(apart.testable) == 2
    real[200:] = torch.randn(200, 2, generator=generator)
    assert not ByLabel(real, y, ("a", "b"), torch.tensor([0.5, 0.5]), COUNTED, generator).testable


# Sight


def test_edges_of_a_negative_are_those_of_the_picture():
    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_edges(x), _edges(-x))
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    assert float(_edges(ramp)[:, 0].min()) == pytest.approx(2 * (1 - 0.7)), "two pixels apart, less what is blunt"


def test_grey_is_luma():
    x = torch.stack([torch.full((4, 4), v) for v in (1.0, -0.5, 0.25)])[None]
    assert float(_grey(x)[0, 0, 0, 0]) == pytest.approx(LUMA[0] - 0.5 * LUMA[1] + 0.25 * LUMA[2])


def test_nothing_above_touches_the_global_random_state():
    with rng.fork_rng(torch.device("cpu"), 3):
        before = torch.get_rng_state()
        SampleMeter(dataset("few", torch.ones(20, 2)), "x")
        assert torch.equal(before, torch.get_rng_state())
