"""Intervals: how often they hold the truth, and how wide they are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum.metrics.frechet import frechet
from zerosum.metrics.intervals import of_halves as interval
from zerosum.metrics.manifold import precision_recall
from zerosum.metrics.statistics import Moments


def mean(x: Tensor) -> float:
    return float(x.mean())


def distance(*samples: Tensor) -> float:
    moments = [Moments(x.shape[1]) for x in samples]
    for one, x in zip(moments, samples, strict=True):
        one.update(x)
    return frechet(*moments)


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_a_mean_has_the_interval_of_its_standard_error(level: float):
    x = torch.randn(1000, dtype=torch.float64)
    low, high = interval(mean, x, repeats=4000, level=level)
    half = {0.68: 0.9945, 0.95: 1.96}[level] * float(x.std()) / 1000**0.5
    assert (low, high) == pytest.approx((mean(x) - half, mean(x) + half), abs=0.1 * half)


def test_it_holds_a_mean_as_often_as_it_says():
    held = sum(low <= 0 <= high for low, high in (interval(mean, torch.randn(60), seed=i) for i in range(400)))
    assert 0.92 <= held / 400 <= 0.98


def test_it_holds_the_frechet_distance_that_such_samples_give_on_average():
    """Where the bootstrap, which draws rows twice, does not: of 100 rows it may keep 63."""

    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(100, 32), 1.1 * torch.randn(100, 32) + 0.2

    def twice(*samples: Tensor) -> float:
        return distance(*(x[torch.randint(len(x), (len(x),))] for x in samples))

    average = sum(distance(*draw()) for _ in range(300)) / 300
    held = bootstrap_held = 0
    for i in range(30):
        samples = draw()
        low, high = interval(distance, *samples, repeats=60, seed=i)
        held += low <= average <= high
        others = torch.tensor([twice(*samples) for _ in range(60)])
        bootstrap_held += bool(others.quantile(0.025) <= average <= others.quantile(0.975))
    assert held >= 28
    assert bootstrap_held <= 2


def test_it_holds_a_precision_that_such_samples_give_on_average():
    def precision(real: Tensor, fake: Tensor) -> float:
        return precision_recall(real, fake).precision

    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(100, 4), 1.3 * torch.randn(100, 4)

    average = sum(precision(*draw()) for _ in range(300)) / 300
    held = 0
    for i in range(40):
        low, high = interval(precision, *draw(), repeats=60, seed=i)
        held += low <= average <= high
    assert held >= 35


def test_more_rows_and_less_confidence_make_it_narrower():
    def width(n: int, level: float = 0.95) -> float:
        low, high = interval(mean, torch.arange(n) % 2 * 1.0, repeats=1000, level=level)
        return high - low

    assert width(100) == pytest.approx(2 * width(400), rel=0.1)
    assert width(100, 0.5) < width(100, 0.9) < width(100, 0.99)


def test_halves_are_drawn_without_repetition_and_apart_for_each_sample():
    seen = []

    def watch(a: Tensor, b: Tensor) -> float:
        seen.append((a.tolist(), b.tolist()))
        return 0.0

    interval(watch, torch.arange(10), torch.arange(10, 31), repeats=50)
    halves = [pair for pair in seen if len(pair[0]) == 5]
    assert len(halves) == 50 and len(seen) == 51
    assert all(len(set(a)) == 5 and len(set(b)) == 10 for a, b in halves)
    assert len({tuple(sorted(a)) for a, _ in halves}) > 40
    assert {x for _, b in halves for x in b} == set(range(10, 31))


def test_the_seed_decides_and_no_other_random_number_is_touched():
    x = torch.randn(40)
    state = torch.random.get_rng_state()
    assert interval(mean, x, seed=1) == interval(mean, x, seed=1) != interval(mean, x, seed=2)
    assert torch.equal(state, torch.random.get_rng_state())


def test_what_cannot_be_halved_is_refused():
    x = torch.randn(10)
    for samples in ((), (x, x[:1])):
        with pytest.raises(ValueError, match="two rows"):
            interval(mean, *samples)
    for wrong in ({"repeats": 0}, {"level": 0.0}, {"level": 1.0}):
        with pytest.raises(ValueError, match="repeats must be"):
            interval(mean, x, **wrong)
