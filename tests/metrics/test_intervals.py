"""Intervals against SciPy, and by how often they hold what they should."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import scipy.stats
import torch

from zerosum.metrics import intervals


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (3, 10), (10, 10), (531, 1000)])
def test_shares_are_wilsons(hits: int, count: int):
    expected = scipy.stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert intervals.of_share(hits / count, count) == pytest.approx((expected.low, expected.high), abs=1e-7)
    low, high = intervals.of_share(hits / count, count)
    assert (low == 0) == (hits == 0) and (high == 1) == (hits == count)  # to the last bit


@pytest.mark.parametrize("count", [3, 500, 512, 777])
def test_of_no_hits_the_lower_end_is_nothing(count: int):
    """8.6e-19 in a table looks like a number."""
    assert intervals.of_share(0.0, count)[0] == 0 and intervals.of_share(1.0, count)[1] == 1


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (30, 2.04227), (math.inf, 1.95996)],
)
def test_student(freedom: float, expected: float):
    """By the printed tables."""
    assert intervals.student(freedom) == pytest.approx(expected, rel=3e-6)


def test_student_between_whole_numbers():
    """Welch's and Satterthwaite's degrees of freedom are none."""
    values = [intervals.student(freedom) for freedom in (2, 2.25, 2.5, 2.75, 3)]
    assert all(earlier > later for earlier, later in pairwise(values))
    assert values[2] == pytest.approx(3.574655, rel=1e-6)


def test_the_mean():
    values = torch.tensor([1.0, 2.0, 4.0, 9.0])
    low, high = scipy.stats.t.interval(0.95, 3, 4, scipy.stats.sem(values.numpy()))
    assert intervals.of_mean(values) == pytest.approx((low, high), abs=0.1)
    many = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    low, high = scipy.stats.t.interval(0.95, 399, float(many.mean()), scipy.stats.sem(many.numpy()))
    assert intervals.of_mean(many) == pytest.approx((low, high), rel=1e-5)


def test_shares_of_two_sides_are_those_of_each():
    """Where one side is all right and the other all wrong their mean is certain, but for Wilson's margins."""
    (low, _), (_, high) = intervals.of_share(1.0, 50), intervals.of_share(0.0, 50)
    expected = 0.5 - (1 - low) / 2, 0.5 + high / 2
    assert intervals.of_shares((1.0, 0.0), (50, 50)) == pytest.approx(expected, rel=1e-12)
    together = intervals.of_share(0.5, 100)
    ours = intervals.of_shares((1.0, 0.0), (50, 50))
    assert ours[1] - ours[0] < 0.4 * (together[1] - together[0])


def test_the_jackknife_of_a_mean_is_the_interval_of_a_mean():
    """Without group j the mean of g groups is (g m - x_j) / (g - 1): the jackknife gives back s^2 / g."""
    x = torch.tensor([1.0, 3.0, 2.0, 5.0, 4.0, 9.0], dtype=torch.float64)
    without = [float((x.sum() - v) / 5) for v in x]
    assert intervals.jackknife(float(x.mean()), without) == pytest.approx(intervals.of_groups(x.tolist()), rel=1e-12)


def test_95_of_100_jackknife_intervals_hold_the_truth():
    """The square of a mean, 400 times: a smooth statistic of known value."""
    torch.manual_seed(0)
    held = 0
    for _ in range(400):
        x = 2 + torch.randn(10, 50, dtype=torch.float64)
        without = [float(torch.cat([x[:i], x[i + 1 :]]).mean().square()) for i in range(10)]
        low, high = intervals.jackknife(float(x.mean().square()), without)
        held += low <= 4 <= high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_few_groups_say_nothing():
    with pytest.raises(ValueError, match="at least 5"):
        intervals.of_groups([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="at least 5"):
        intervals.jackknife(1.0, [1.0])


def test_a_share_that_no_subset_varies_is_wilsons_by_students_t():
    """Without variance reals are worth their number's square, the most; 30 repeats of two sets have 30 degrees."""
    real, fake = torch.randn(100, 2), torch.randn(100, 2)
    found = intervals.of_neighbours(lambda some, rest: 0.3, real, fake, 0.3)
    assert found == pytest.approx(intervals.of_share(0.3, 100**2, intervals.student(30)), rel=1e-12)
