"""The kernel distance in closed forms and against its sum over pairs."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from zerosum.metrics import intervals
from zerosum.metrics.kernel import Kernel, kernel, variance_over_fakes

D = torch.float64


def test_one_subset_of_everything_is_the_sum_over_pairs():
    x, y = torch.randn(7, 3, dtype=D), torch.randn(7, 3, dtype=D) + 1

    def k(a, b):
        return (float(a @ b) / 3 + 1) ** 3

    own = sum(k(s[i], s[j]) for s in (x, y) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    across = sum(k(a, b) for a in x for b in y) / 49
    for seed in (0, 1):
        distance = kernel(x, y, subsets=1, subset_size=7, seed=seed)
        assert distance.mean == pytest.approx(own - 2 * across, rel=1e-12)
        assert distance.std == 0


def test_two_points():
    """All reals at a, all fakes at b: k(a, a) + k(b, b) - 2 k(a, b)."""
    a, b = torch.tensor([[3.0, 0.0, 1.0, 0.0]]), torch.tensor([[1.0, 2.0, 1.0, 2.0]])
    distance = kernel(a.repeat(20, 1), b.repeat(30, 1), subsets=5, subset_size=10)
    assert distance.mean == pytest.approx(3.5**3 + 3.5**3 - 2 * 2**3, rel=1e-12)
    assert distance.std == pytest.approx(0, abs=1e-12)


def test_the_mean_of_normal_features_moved_by_a_vector():
    """E (1 + u)^3 = (1 + E u)^3 + 3 (1 + E u) var u + the third central moment, where u = x.y / F, c = |m|^2 / F."""
    features, moved = 4, 0.8
    c = moved**2 / features
    own = 1 + 3 / features  # both reals: u has mean 0, variance 1/F and no skew
    other = (1 + c) ** 3 + 3 * (1 + c) * (1 + 2 * c) / features + 6 * c / features**2
    # ... both fakes: mean c, variance (1 + 2c)/F, third moment 6c/F^2; one of each: mean 0, variance (1 + c)/F, none
    across = 1 + 3 * (1 + c) / features
    mean = torch.tensor([moved, 0, 0, 0], dtype=D)
    x, y = torch.randn(40_000, 4, dtype=D), torch.randn(40_000, 4, dtype=D) + mean
    distance = kernel(x, y, subsets=400, subset_size=100)
    error = distance.std / math.sqrt(400)
    assert abs(distance.mean - (own + other - 2 * across)) < 4 * error
    assert error < 0.05 * (own + other - 2 * across)


def test_between_equal_distributions_it_is_zero_on_average():
    """A biased estimate would be (E k(x, x) - E k(x, x')) 2/n = 0.4 too large."""
    x, y = torch.randn(20_000, 8, dtype=D), torch.randn(20_000, 8, dtype=D)
    distance = kernel(x, y, subsets=500, subset_size=40)
    assert abs(distance.mean) < 4 * distance.std / math.sqrt(500) < 0.1
    assert any(kernel(x, y, subsets=1, subset_size=40, seed=seed).mean < 0 for seed in range(20))


def test_the_subsets_average_to_the_whole():
    x, y = torch.randn(200, 5, dtype=D), torch.rand(200, 5, dtype=D)
    distance = kernel(x, y, subsets=400, subset_size=50)
    whole = kernel(x, y, subsets=1, subset_size=200).mean
    assert distance.mean == pytest.approx(whole, abs=4 * distance.std / math.sqrt(400))
    assert 0 < distance.std < whole


def test_seeds_choose_the_subsets_and_touch_nothing_else():
    x, y = torch.randn(50, 3), torch.randn(60, 3)
    torch.manual_seed(5)
    first, again, other = (kernel(x, y, 3, 20, seed) for seed in (1, 1, 2))
    assert first == again != other
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


def test_what_does_not_fit_is_refused():
    x = torch.randn(30, 4)
    with pytest.raises(ValueError, match="30 real, 20 fake"):
        kernel(x, x[:20], subset_size=25)
    with pytest.raises(ValueError, match="not 3 of 1"):
        kernel(x, x, subsets=3, subset_size=1)
    with pytest.raises(ValueError, match="not 0 of 5"):
        kernel(x, x, subsets=0, subset_size=5)
    for wrong in (torch.zeros(30, 3), torch.zeros(30)):
        with pytest.raises(ValueError, match=r"\(N, F\)"):
            kernel(x, wrong, subset_size=10)


def estimate(x: torch.Tensor, y: torch.Tensor) -> float:
    """The unbiased MMD^2 of (N, F) and (M, F), by sums over pairs."""
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    own = sum((k.sum() - k.trace()) / (len(k) * (len(k) - 1)) for k in (xx, yy))
    return float(own - 2 * xy.mean())


@pytest.mark.parametrize("moved", [0.3, 1.5])
def test_the_variance_over_fakes_is_that_of_the_estimate(moved: float):
    """Where both sides are alike pairs of fakes vary it, and where they are apart each fake does."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(40, 2, dtype=D, generator=generator)
    draws = [torch.randn(12, 2, dtype=D, generator=generator) + moved for _ in range(3_000)]
    values = torch.tensor([estimate(x, y) for y in draws])
    found = torch.tensor([variance_over_fakes(x, y) for y in draws])
    assert float(found.mean()) == pytest.approx(float(values.var()), rel=0.25)


def test_the_interval_has_what_fakes_and_subsets_vary_by():
    x, y = torch.randn(60, 3, dtype=D), torch.randn(60, 3, dtype=D) + 1
    sides = [SimpleNamespace(features=side) for side in (x, y)]
    context = cast(Any, SimpleNamespace(real=sides[0], fake=sides[1], fewest=60, seed=3))
    score = Kernel(subsets=4, subset_size=10).measure(context)["distance"]
    mean, std = kernel(x, y, 4, 10, 3)
    fakes, choice = variance_over_fakes(x, y), std**2 / 3
    half = intervals.student(3 * (1 + fakes / choice) ** 2) * math.sqrt(fakes + choice)
    assert score.interval == pytest.approx((mean - half, mean + half), rel=1e-12)
