"""Modes that fakes leave out are found and named, and of real samples none is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Generator, Tensor

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.data.points.mixture import Mixture, ring
from zerosum.health.features import feature_space
from zerosum.health.modes import LEAST, Clusters, Modes, Named, OrRegions, clusters
from zerosum.health.signals import COUNTED, ENOUGH, OTHERS, SampleMeter
from zerosum.modality import Image
from zerosum.studies.frozen import blobs, blurred, joined, keep, noise, shapes, stripes, thinned

DRAWS = 100


@cache
def whole(name: str) -> Dataset:
    return shapes(0, 4000) if name == "shapes" else data.load(name, size=(16, 16) if name == "digits" else None)


@cache
def meter(name: str, labelled: bool) -> SampleMeter:
    """Of the first half of some data."""
    x, y = half(name, first=True)
    return SampleMeter(dataset(name, x, *((y, whole(name).classes) if labelled else ())), "x")


@cache
def half(name: str, first: bool) -> tuple[Tensor, Tensor]:
    loaded = whole(name)
    assert loaded.y is not None
    rows = torch.randperm(len(loaded), generator=Generator().manual_seed(3))[:6000].chunk(2)[0 if first else 1]
    return loaded.x[rows], loaded.y[rows]


def measured(name: str, labelled: bool, make: Callable[[Tensor, Tensor, Generator], Tensor]) -> dict[str, float]:
    """The signals of what is made of the second half, as fakes."""
    x, y = half(name, first=False)
    found = meter(name, labelled)
    fakes = make(found.space.modality.load(x), y, Generator().manual_seed(4))
    return found.compare(fakes[:COUNTED], fakes[:64], None)


def missing(signals: dict[str, float]) -> set[str]:
    return {name[5:] for name, value in signals.items() if name.startswith("mode/") and value < LEAST}


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("classes", [(0, 1, 2), (3, 5, 7), (0, 2, 4, 6, 8)])
def test_digits_of_few_classes(labelled: bool, classes: tuple[int, ...]):
    """Random features take them for as varied as ten; the digits are known by the packaged network without labels."""
    signals = measured("digits", labelled, keep(*classes))
    left_out = set("0123456789") - set(map(str, classes))
    assert missing(signals) <= left_out and len(missing(signals)) >= len(left_out) - 1
    assert signals["modes"] == 10 and signals["modes_missing"] == len(missing(signals))


@pytest.mark.parametrize("left", range(10))
def test_nine_of_ten_digits_with_labels(left: int):
    assert missing(measured("digits", True, keep(*(k for k in range(10) if k != left)))) == {str(left)}


@pytest.mark.parametrize("kept", [(0, 1, 2, 3), (0, 2, 4, 6), (0, 1, 2, 4, 5, 6), tuple(range(7))])
def test_modes_of_points_are_its_clusters(kept: tuple[int, ...]):
    signals = measured("ring", False, keep(*kept))
    assert signals["modes"] == 8 and signals["modes_missing"] == 8 - len(kept)
    assert len(missing(signals)) == 8 - len(kept)
    for name in missing(signals):
        place = torch.tensor([float(v) for v in name.strip("()").split(",")])
        assert int((ring().means - place).norm(dim=1).argmin()) not in kept


def test_a_mode_with_a_tenth_of_its_share_is_missing():
    assert missing(measured("digits", True, thinned(4, 0.1))) == {"4"}
    assert measured("ring", False, thinned(3, 0.1))["modes_missing"] == 1


def test_points_between_the_modes_stray():
    signals = measured("ring", False, joined(0.4))
    assert signals["modes_missing"] == 0 and signals["stray"] > signals["stray_high"] + 0.2


@pytest.mark.parametrize("make", [noise, stripes, blobs, blurred])
@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_what_is_no_image_of_the_data_is_far_from_it(name: str, make: Callable[[Tensor, Tensor, Generator], Tensor]):
    signals = measured(name, False, make)
    assert signals["sight"] > 3 * signals["sight_high"]


@pytest.mark.parametrize(("name", "labelled"), [
    ("digits", False), ("digits", True), ("ring", False), ("grid", False), ("moons", False), ("shapes", True),
    ("shapes", False),
])  # fmt: skip
def test_real_samples_miss_nothing(name: str, labelled: bool):
    """At most two in a hundred draws."""
    found, (x, _) = meter(name, labelled), half(name, first=False)
    features = found.features_of_modes(found.space.modality.load(x))
    generator, alarms = Generator().manual_seed(5), 0
    assert found.modes and found.modes.testable
    for _ in range(DRAWS):
        rows = torch.randperm(len(features), generator=generator)[:COUNTED]
        alarms += found.modes.signals(features[rows])["modes_missing"] > 0
    assert alarms <= 0.02 * DRAWS


def test_rare_classes_raise_no_alarm():
    """A class of one in two hundred is not missing where none is drawn; a common one is."""
    loaded = whole("digits")
    assert loaded.y is not None
    generator = Generator().manual_seed(6)
    rows = ((loaded.y != 5) | (torch.rand(len(loaded), generator=generator) < 0.05)).nonzero()[:, 0]
    rows = rows[torch.randperm(len(rows), generator=generator)]
    one, other = rows.chunk(2)
    found = SampleMeter(dataset("rare", loaded.x[one], loaded.y[one], loaded.classes), "x")
    assert found.modes and "5" not in {named.name for named in found.modes.testable.values()}
    features = found.features_of_modes(found.space.modality.load(loaded.x[other]))
    y = loaded.y[other]
    for chosen, said in ((y >= 0, 0), (y != 5, 0), ((y != 5) & (y != 6), 1)):
        assert found.modes.signals(features[chosen][:COUNTED])["modes_missing"] == said


@pytest.mark.parametrize("shares", [torch.ones(30), torch.tensor([2.0] * 20 + [0.3] * 60)])
def test_of_many_classes_none_is_forgotten(shares: Tensor):
    """Each of thirty is asked for by its name; those too rare for it together."""
    generator = Generator().manual_seed(7)
    y = torch.multinomial(shares, 8000, replacement=True, generator=generator)
    x = 10 * torch.randn(len(shares), 2, generator=generator)[y] + 0.05 * torch.randn(len(y), 2, generator=generator)
    names = tuple(f"class {k}" for k in range(len(shares)))
    found = SampleMeter(dataset("many", x[:4000], y[:4000], names), "x")
    features, y = found.features_of_modes(x[4000:]), y[4000:]
    few = features[y < 14 if len(shares) == 30 else y < 20]
    assert found.modes
    signals = found.modes.signals(few[:COUNTED])
    if len(shares) == 30:
        assert missing(signals) == {name for name in names[14:] if f"mode/{name}" in signals}
        assert len(missing(signals)) > 10
    else:
        assert missing(signals) == {OTHERS}
    alarms = [found.modes.signals(part)["modes_missing"] > 0 for part in features.split(COUNTED)]
    assert not any(alarms)


@pytest.mark.parametrize("count", [ENOUGH, 200, 400])
@pytest.mark.parametrize("name", ["swiss-roll", "moons", "ring"])
def test_few_reals_do_not_make_others_look_crowded(name: str, count: int):
    """As many fakes are asked how far they are apart as there were reals when the limit was measured."""
    x = data.load(name).x[torch.randperm(50_000, generator=Generator().manual_seed(8))[: count + COUNTED]]
    found = SampleMeter(dataset(name, x[:count].clone()), "x")
    fakes = found.space.modality.load(x[count:])
    signals = found.compare(fakes, fakes[:64], None)
    assert signals["distinct"] > 0.7 * signals["distinct_low"]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 12, 25])
def test_clusters_that_are_apart_are_counted(count: int):
    generator = Generator().manual_seed(count)
    means = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))[torch.randperm(25, generator=generator)[:count]]
    x = Mixture(means, 0.05).sample(1024, generator)
    centres, apart = clusters(x, generator)
    assert apart == (count > 1) and (not apart or len(centres) == count)


def test_data_without_clusters_is_cut_into_regions():
    generator = Generator().manual_seed(0)
    for x in (torch.randn(1000, 5, generator=generator), torch.ones(200, 3), torch.randn(20, 2, generator=generator)):
        found = Clusters(x, COUNTED, generator, lambda centre: "")
        assert not found.apart and float(found.expected.sum()) == pytest.approx(1)


def test_photographs_are_no_digits():
    x = (255 * torch.rand(300, 1, 28, 28, generator=Generator().manual_seed(0))).to(torch.uint8)
    assert feature_space(Image(1, 28, 28), x, Generator()).recognise(x) is None


class Told(Modes):
    """Modes of which the fakes are told to have these shares of their shares."""

    def __init__(self, kinds: int, **ratios: float):
        self.ratios, self.expected = ratios, torch.full((kinds,), 1 / kinds)
        self.testable = {k: Named(name, 1 / kinds, 0.25) for k, name in enumerate(ratios)}

    def shares(self, seen: Tensor) -> Tensor:
        return torch.tensor(list(self.ratios.values())) / len(self.expected)


def test_regions_are_asked_where_no_class_is_missing_of_those_that_can_be_tested():
    """Six classes of ten may be missing though one only can be told from the others."""
    seen, regions = torch.zeros(1), Told(3, **{"region 1": 2.0, "region 2": 0.0})
    assert OrRegions(Told(10, frog=0.9), regions).signals(seen) == regions.signals(seen)
    assert OrRegions(Told(10, frog=0.1), regions).signals(seen) == {
        "modes": 10.0, "modes_missing": 1.0, "mode/frog": pytest.approx(0.1),
    }  # fmt: skip
    whole = Told(3, **{"region 1": 1.0})
    assert OrRegions(Told(10, frog=0.9), whole).signals(seen)["modes"] == 10.0
