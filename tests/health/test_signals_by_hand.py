"""Signals of samples and of histories against sums written out: whose weights, which reals, over what."""

from __future__ import annotations

import math
import statistics
from types import SimpleNamespace
from typing import Any

import pytest
import scipy.stats
import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import dataset
from zerosum.game import Game
from zerosum.health import signals as module
from zerosum.health.history import History, Snapshot
from zerosum.health.modes import LEAST, ByLabel, Modes, Named, OrRegions, _testable
from zerosum.health.sight import _edges, _grey, sight
from zerosum.health.signals import COUNTED, MOVING, REFERENCES, SAMPLES, SEARCHED, SampleMeter
from zerosum.health.verdicts import FAR
from zerosum.metrics.frechet import frechet
from zerosum.metrics.intervals import of_share
from zerosum.metrics.statistics import Moments
from zerosum.modality import Classes, Video, to_float
from zerosum.roles import Predicts
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


def test_a_trend_is_of_medians():
    """Of 18 looks the last nine, of which the first three are 2 1 9 and the last three 1 7 1."""
    values = [99.0] * 9 + [2.0, 1.0, 9.0, 5.0, 5.0, 5.0, 1.0, 7.0, 1.0]
    assert derived(*({"frechet": v} for v in values))["trend"] == 0.5


def test_a_run_is_unwatched_before_its_first_look():
    assert derived({"begun": 900.0}, {}, {})["unwatched"] == 900 and derived({}, {})["unwatched"] == 0


def test_a_gradient_vanishes_beside_its_largest():
    assert derived(*({"gradient/g": v} for v in (1.0, 4.0, 2.0)))["vanishing/g"] == 0.5


def test_a_loss_swings_over_the_last_looks():
    """Of eight the last six: 1 -1 1 -1 1 -1 have a deviation of sqrt(6 / 5) and a mean size of 1."""
    values = (50.0, -80.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
    assert derived(*({"loss/g": v} for v in values))["loss_swing/g"] == pytest.approx(math.sqrt(1.2))
    judged = ({"loss/g": v, "separation/g": 0.5} for v in values)
    assert "loss_swing/g" not in derived(*judged)


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
        ("surface", ">"): (3.0, 0.0, "surface_high"),
        ("specks", ">"): (1.0, 0.003, "specks_high"),
        ("copying", "<"): (1.0, 0.0, 0.6),
        ("copied", ">"): (1.0, 0.15, "copied_high"),
        ("repeated", ">"): (1.0, 0.05, "repeated_high"),
        ("unreached", ">"): (1.0, 0.1, "unreached_high"),
        ("class_obedience", "<"): (1.0, 0.0, 0.6),
        ("class_spread_least", "<"): (1.0, 0.0, 0.3),
        ("stray", ">"): (1.0, 0.17, "stray_high"),
        ("recall", "<"): (0.6, 0.0, "recall_low"),
        ("precision", "<"): (0.6, 0.0, "precision_low"),
        ("distinct", "<"): (0.5, 0.0, "distinct_low"),
        ("spread", "<"): (0.75, 0.0, "spread_low"),
        ("spread", ">"): (1.33, 0.0, "spread_high"),
        ("modes_missing", ">"): (1.0, 0.0, 0.5),
        ("novel", ">"): (1.0, 0.05, "novel_high"),  # of texts alone, of which none are recorded
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


def nearest(points: Tensor) -> float:
    return float(torch.cdist(points, points).sort(1).values[:, 1].median())


def test_spread_is_of_variances_and_distinct_of_the_median_distance(cloud: tuple[SampleMeter, Tensor, Tensor]):
    meter, real, fakes = cloud
    space: Any = meter.space
    signals, few, others = compared(cloud), fakes[:SAMPLES], real[:SAMPLES]
    variances = [space(x * space.scale + space.centre).var(0).sum() for x in (few, others)]
    assert signals["spread"] == pytest.approx(float(variances[0] / variances[1]), rel=1e-3)
    assert signals["distinct"] == pytest.approx(nearest(few) / nearest(others), rel=1e-3)


def test_sight_is_over_the_variance_of_what_is_seen_of_reals():
    """Digits a little paler: the distance of Gaussians, over the trace of the reals' covariance."""
    digits = data.load("digits", size=(16, 16))
    meter = SampleMeter(digits, "x", 0)
    fakes = 0.7 * to_float(digits.x[:SAMPLES])
    moving = fakes[:MOVING]
    one, other = Moments.of(meter.seen[:SAMPLES]), Moments.of(meter.space.seen(fakes))
    expected = frechet(one, other) / float(one.covariance.trace())
    assert meter.compare(fakes, moving, None)["sight"] == pytest.approx(expected, rel=1e-4)


def test_a_logit_of_0_is_right_about_nobody():
    logits = torch.tensor([-1.0, 0.0, 0.0, 2.0])
    found = module.of_logits(logits, logits)
    assert (found["real_accuracy"], found["fake_accuracy"]) == (0.25, 0.25)
    assert found["separation"] == 0.5 and found["gap"] == 0


def test_broken_is_the_share_of_samples_that_are_not_finite(cloud: tuple[SampleMeter, Tensor, Tensor]):
    fakes = torch.zeros(COUNTED, 2)
    fakes[:64, 0] = torch.nan
    found = cloud[0].compare(fakes, torch.zeros(MOVING, 2), None)
    assert found == {"broken": pytest.approx(64 / (COUNTED + MOVING))}


def test_where_reals_are_near_copies_of_each_other_no_fake_is_a_copy():
    """Each point has another close by, none is equal."""
    points = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    near = torch.cat([points, points + 1e-3])
    fakes = points.repeat(2, 1)[:COUNTED]
    apart, close = (SampleMeter(dataset("d", x), "x") for x in (points, near))
    assert apart.compare(fakes, fakes[:MOVING], None)["copying"] < 0.1
    assert "copying" not in close.compare(fakes, fakes[:MOVING], None)


def test_how_many_stray_is_known_by_as_many_as_there_are(cloud: tuple[SampleMeter, Tensor, Tensor]):
    """Half of the thousand points stand for others."""
    high = 0.01 + 1.96 * math.sqrt(0.01 / 500)
    assert cloud[0].reference["stray_high"] == pytest.approx(high)
    assert cloud[0].nearby.strays_high(100) == pytest.approx(0.01 + 1.96 * math.sqrt(0.01 / 100))


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


def test_reals_are_near_to_one_other_by_chance(cloud: tuple[SampleMeter, Tensor, Tensor]):
    """A share of them, what it may be, and what it may be of as many as there are fakes."""
    meter, real, fakes = cloud
    space: Any = meter.space
    units = real * space.scale, fakes[:SAMPLES] * space.scale
    own = torch.cdist(units[0], units[0]).sort(1).values[:, 1:3]
    share = float((own[:, 0] < 0.2 * own[:, 1]).float().mean())
    assert 0 < share < 0.1
    most = of_share(share, 1000)[1]
    high = most - share + 1.96 * math.sqrt(most * (1 - most) / SAMPLES)
    assert meter.reference["copied_high"] == pytest.approx(high)
    near = torch.cdist(units[1], units[0]).sort(1).values
    found = float((near[:, 0] < 0.2 * near[:, 1]).float().mean())
    assert compared(cloud)["copied"] == pytest.approx(max(0, found - share), abs=1e-6)


def test_copies_of_dense_numbers_are_found():
    """A thousand of a line, which lie too near to each other for distances by scalar products in single precision."""
    generator = torch.Generator().manual_seed(0)
    x, others = (3 + torch.randn(1000, 1, generator=generator) for _ in range(2))
    meter = SampleMeter(dataset("d", x), "x")
    copies, new = (meter.compare(fakes[:COUNTED], fakes[:MOVING], None) for fakes in (x, others))
    assert copies["copied"] == pytest.approx(0.8, abs=0.05), "a fifth is so near to one by chance"
    assert new["copied"] < new["copied_high"] < 0.15
    assert copies["copying"] < 0.01 < 0.8 < new["copying"]


def test_how_many_specks_other_reals_have():
    x = torch.zeros(400, 1, 6, 6, dtype=torch.uint8)
    x[::4, 0, 2, 3] = 255  # one of 16 pixels that are not at the border
    x[0, 0, 4, 1] = 255
    meter, share = SampleMeter(dataset("d", x), "x"), torch.tensor([1 / 16, 0, 0, 0]).repeat(100)
    share[0] = 2 / 16
    within = 1.96 * float(share.std()) * (1 / SAMPLES + 1 / 400) ** 0.5
    assert meter.reference["specks_high"] == pytest.approx(float(share.mean()) + within)
    assert meter.reference["specks_most"] == pytest.approx(1 / 16)
    fakes = torch.full((COUNTED, 1, 6, 6), -1.0)
    fakes[:SAMPLES:2, 0, 2, 3] = 1.0
    assert meter.compare(fakes, fakes[:MOVING], None)["specks"] == pytest.approx(1 / 32)


@pytest.mark.parametrize("times", [2, 20])
def test_copies_are_counted_though_few_of_the_reals_are_searched(times: int):
    """Half of the fakes are reals, of which a part is searched: those that are found are scaled up."""
    generator = torch.Generator().manual_seed(0)
    x, fakes = torch.randn(times * SEARCHED, 8, generator=generator), torch.randn(COUNTED, 8, generator=generator)
    meter = SampleMeter(dataset("d", x), "x")
    assert meter.compare(fakes, fakes[:MOVING], None)["copied"] == 0
    most = of_share(0.0, 1024)[1]
    assert meter.reference["copied_high"] == pytest.approx(times * (most + 1.96 * math.sqrt(most * (1 - most) / 256)))
    half = fakes.clone()
    half[::2] = x[: len(half[::2])]
    searched = torch.cdist(half[:256], meter.thumbnails).topk(2, largest=False).values
    found = float((searched[:, 0] < 0.2 * searched[:, 1]).float().mean())
    signals = meter.compare(half, half[:MOVING], None)
    assert signals["copied"] == pytest.approx(times * found) and 0.2 < signals["copied"] < 0.8
    assert signals["copying"] > 0.6, "the median fake is none"


def test_principal_axes_are_in_deviations_of_the_reals(cloud: tuple[SampleMeter, Tensor, Tensor]):
    meter = cloud[0]
    along = (meter.real - meter.real.mean(0)) @ meter.axes
    torch.testing.assert_close(along.std(0), torch.ones(along.shape[1]), rtol=1e-3, atol=0)


def test_the_reference_is_1_96_deviations_of_other_reals(
    cloud: tuple[SampleMeter, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
):
    """Twenty draws of reals, none of those that fakes are compared with."""
    meter, drawn = cloud[0], []

    def said(self: SampleMeter, fake: Tensor, seen: Tensor, surface: Tensor) -> dict[str, float]:
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


def test_films_are_foreseen_by_the_actions_between_their_frames():
    """The last action of a film leads to a frame that is none of it."""

    class Told(Game[Tensor], Predicts):
        name, start = "told", 2

        def __init__(self) -> None:
            super().__init__()
            self.weight, self.actions = torch.nn.Parameter(torch.zeros(())), list[Tensor]()

        def players(self) -> Any:
            return {}

        def round(self, draw: Any, step: int) -> Any:
            yield from ()

        def predict(self, frames: Tensor, actions: Tensor) -> Tensor:
            self.actions.append(actions)
            return torch.full((len(frames), 3, 1, 2, 2), 0.5)

    meter, game = SampleMeter(dataset("few", torch.randn(20, 2)), "x"), Told()
    videos = torch.randint(256, (20, 5, 1, 2, 2), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    actions = torch.arange(20 * 5.0).view(20, 5, 1)
    made = meter._foreseen(game, 18, Video(5, 1, 2, 2), videos, actions)
    assert torch.equal(torch.cat(game.actions), actions[:18, :4])
    assert torch.equal(made[:, :2], to_float(videos[:18, :2])) and made[:, 2:].unique().tolist() == [0.5]


def test_fakes_are_asked_for_in_the_shares_of_the_reals(monkeypatch: pytest.MonkeyPatch):
    """Of 2,000 reals in the order of their classes, of which the second is three times as frequent."""
    y = torch.cat([torch.zeros(500), torch.ones(1500)]).long()
    meter = SampleMeter(dataset("d", torch.randn(2000, 2) + 5 * y[:, None], y, ("a", "b")), "x")
    monkeypatch.setattr(meter, "condition_of", lambda game: Classes(("a", "b")))
    labels = meter._labels_for(Any)  # type: ignore[arg-type]
    assert labels is not None and len(labels) == COUNTED
    assert float(labels.float().mean()) == pytest.approx(0.75, abs=0.06)


def test_chance_is_three_deviations_above_its_mean():
    """Four classes, of which sixty samples are tested."""
    y = torch.arange(120) % 4
    found = module._Labels(torch.randn(120, 3), y, torch.arange(4))
    assert found.chance == pytest.approx(0.25 + 3 * math.sqrt(0.25 * 0.75 / 60))


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


@pytest.mark.parametrize(("modes", "least"), [(1, 2), (10, 1)])
def test_chance_is_that_of_all_modes_together(modes: int, least: int):
    """Of twelve that are expected two or fewer come once in 1,920 times, one or none once in 12,500."""
    assert scipy.stats.poisson.cdf(least, 12) < 1e-3 / modes < scipy.stats.poisson.cdf(least + 1, 12)
    names, shares = [str(k) for k in range(modes)], torch.full((modes,), 0.1)
    for named in _testable(names, shares, torch.full((modes,), 12.0)).values():
        assert named.limit == pytest.approx((least + 0.5) / 12)


class Said(Modes):
    """Modes of half of the reals each, and what is said of their shares."""

    def __init__(self, names: str, *shares: float):
        self.said, self.expected = torch.tensor(shares), torch.full((len(names),), 0.5)
        self.testable = {k: Named(name, 0.5, LEAST) for k, name in enumerate(names)}

    def shares(self, seen: Tensor) -> Tensor:
        return self.said


def test_a_mode_has_its_share_over_that_of_the_reals_and_is_missing_below_a_quarter():
    assert Said("abc", 0.25, 0.125, 0.12).signals(torch.zeros(1, 1)) == {
        "modes": 3.0, "modes_missing": 1.0, "mode/a": 0.5, "mode/b": 0.25, "mode/c": pytest.approx(0.24),
    }  # fmt: skip


def test_regions_are_asked_where_no_class_is_missing():
    good, bad = Said("ab", 0.5, 0.5), Said("ab", 1.0, 0.0)
    regions, others = Said("xy", 0.5, 0.5), Said("xy", 1.0, 0.0)
    for classes, asked, said in (
        (good, regions, good), (good, others, others), (bad, regions, bad), (bad, others, bad)
    ):  # fmt: skip
        assert OrRegions(classes, asked).signals(torch.zeros(1, 1)) == said.signals(torch.zeros(1, 1))


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


def test_each_octave_has_the_detail_of_its_scale():
    """Squares of four pixels, +0.5 and -0.5: nothing in the first two octaves, all in the third."""
    places = torch.arange(32) // 4
    x = ((places[:, None] + places) % 2 - 0.5).expand(1, 1, 32, 32)
    octaves = sight(x)[0, -12:].view(3, 4)  # each in four parts of the image
    expected = 0.15 * torch.tensor([1e-4, 1e-4, 0.25 + 1e-4]).log()
    torch.testing.assert_close(octaves, expected[:, None].expand(3, 4))


def test_grey_is_luma():
    x = torch.stack([torch.full((4, 4), v) for v in (1.0, -0.5, 0.25)])[None]
    assert float(_grey(x)[0, 0, 0, 0]) == pytest.approx(LUMA[0] - 0.5 * LUMA[1] + 0.25 * LUMA[2])


def test_nothing_above_touches_the_global_random_state():
    with rng.fork_rng(torch.device("cpu"), 3):
        before = torch.get_rng_state()
        SampleMeter(dataset("few", torch.ones(20, 2)), "x")
        assert torch.equal(before, torch.get_rng_state())
