"""The Fréchet distance of Gaussians for which it is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments

D = torch.float64


def gaussian(mean: Tensor, covariance: Tensor) -> Moments:
    count = 1001
    return Moments.restore({"count": torch.tensor(count), "mean": mean, "scatter": covariance * (count - 1)})


def fitted(x: Tensor) -> Moments:
    moments = Moments(x.shape[1])
    moments.update(x)
    return moments


def rotation(dim: int) -> Tensor:
    return torch.linalg.qr(torch.randn(dim, dim, dtype=D)).Q


def exactly(expected: float, rel: float = 1e-11):
    return pytest.approx(expected, rel=rel, abs=0)


def test_equal_covariances_leave_the_squared_distance_of_the_means():
    a, b, x = torch.randn(20, dtype=D), torch.randn(20, dtype=D), torch.randn(300, 20, dtype=D)
    covariance = torch.cov(x.T)
    expected = (a - b).square().sum().item()
    assert frechet(gaussian(a, covariance), gaussian(b, covariance)) == exactly(expected)


def test_in_one_dimension_it_is_that_of_means_and_deviations():
    one, two = (gaussian(torch.tensor([m]), torch.tensor([[s**2]], dtype=D)) for m, s in ((1.0, 3.0), (-2.0, 0.5)))
    assert frechet(one, two) == exactly(3**2 + 2.5**2)


@pytest.mark.parametrize("dim", [2, 33, 400])
@pytest.mark.parametrize("zeros", [(0.0, 0.0), (0.5, 0.0), (0.5, 0.25), (0.25, 0.5)])
def test_covariances_that_commute(dim: int, zeros: tuple[float, float]):
    """With common axes the axes count one by one; a share of the variances is 0, over six decades are the others."""
    axes = rotation(dim)
    variances = torch.logspace(0, -6, dim, dtype=D), torch.logspace(-5, 1, dim, dtype=D)
    for variance, share in zip(variances, zeros, strict=True):
        variance[torch.randperm(dim)[: int(share * dim)]] = 0
    one, two = (gaussian(torch.zeros(dim, dtype=D), (axes * v) @ axes.T) for v in variances)
    expected = (variances[0].sqrt() - variances[1].sqrt()).square().sum().item()
    assert frechet(one, two) == exactly(expected, 1e-9)


@pytest.mark.parametrize("rank", [60, 20, 1, 0])
def test_covariances_that_do_not_commute(rank: int):
    """Under x -> A x with A symmetric, positive semi-definite, the optimal way moves each x to A x."""
    x = torch.randn(500, 60, dtype=D) @ torch.randn(60, 60, dtype=D)
    axes = rotation(60)[:, :rank]
    a = (axes * torch.linspace(0.1, 2, rank, dtype=D)) @ axes.T
    moved = x - x.mean(0)
    expected = ((moved @ a - moved).square().sum() / 499).item()
    assert frechet(fitted(moved), fitted(moved @ a)) == exactly(expected, 1e-9)


def test_against_a_matrix_square_root():
    x, y = torch.randn(200, 15, dtype=D) + 1, torch.randn(300, 15, dtype=D) @ torch.randn(15, 15, dtype=D)
    s, t = torch.cov(x.T), torch.cov(y.T)
    root = torch.from_numpy(np.asarray(sqrtm((s @ t).numpy())).real)
    expected = (x.mean(0) - y.mean(0)).square().sum() + s.trace() + t.trace() - 2 * root.trace()
    assert frechet(fitted(x), fitted(y)) == exactly(expected.item())


@pytest.mark.parametrize(("n", "m"), [(40, 50), (40, 500), (500, 40), (150, 150)])
def test_fewer_rows_than_features(n: int, m: int):
    """tr (S1 S2)^(1/2) is the sum of the singular values of X Y^T, centred and scaled: no covariance is squared."""
    scale = torch.logspace(0, -4, 150, dtype=D)
    x, y = torch.randn(n, 150, dtype=D) * scale + 0.1, torch.randn(m, 150, dtype=D) * scale
    a, b = (t - t.mean(0) for t in (x, y))
    trace = torch.linalg.svdvals(a @ b.T).sum() / ((n - 1) * (m - 1)) ** 0.5
    spread = a.square().sum() / (n - 1) + b.square().sum() / (m - 1)
    expected = (x.mean(0) - y.mean(0)).square().sum() + spread - 2 * trace
    assert frechet(fitted(x), fitted(y)) == exactly(expected.item(), 1e-8)


@pytest.mark.parametrize("copies", [2, 3, 50])
def test_features_that_repeat_multiply_it(copies: int):
    x, y = torch.randn(300, 8, dtype=D) + 0.3, torch.randn(300, 8, dtype=D) * 1.2
    expected = copies * frechet(fitted(x), fitted(y))
    assert frechet(fitted(x.repeat(1, copies)), fitted(y.repeat(1, copies))) == exactly(expected, 1e-9)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_it_goes_with_the_square_of_the_features_size(size: float):
    """So no constant of any size is added to a covariance."""
    x, y = torch.randn(30, 50, dtype=D) + 0.3, torch.randn(80, 50, dtype=D) * 1.2
    assert frechet(fitted(size * x), fitted(size * y)) == exactly(size**2 * frechet(fitted(x), fitted(y)), 1e-9)


def test_constant_features_have_no_covariance():
    x, constant = torch.randn(50, 6, dtype=D), torch.full((50, 6), 2.0, dtype=D)
    spread = torch.cov(x.T).trace() + (x.mean(0) - 2).square().sum()
    assert frechet(fitted(x), fitted(constant)) == frechet(fitted(constant), fitted(x)) == exactly(spread.item())
    assert frechet(fitted(constant), fitted(constant)) == 0
    assert frechet(fitted(constant), fitted(constant + 1)) == exactly(6.0)
    dead = torch.zeros(50, 3, dtype=D)
    expected = frechet(fitted(x), fitted(2 * x))
    assert frechet(fitted(torch.cat([x, dead], 1)), fitted(torch.cat([2 * x, dead], 1))) == exactly(expected)


@pytest.mark.parametrize("rows", [30, 1000])
def test_it_is_a_symmetric_distance_free_of_axes(rows: int):
    x, y = torch.randn(rows, 100, dtype=D), 0.5 * torch.randn(rows, 100, dtype=D) + 1
    there = frechet(fitted(x), fitted(y))
    assert frechet(fitted(y), fitted(x)) == exactly(there, 1e-10)
    axes = rotation(100)
    assert frechet(fitted(x @ axes), fitted(y @ axes)) == exactly(there, 1e-9)
    assert 0 <= frechet(fitted(x), fitted(x)) < 1e-11 * there


def test_what_has_no_distance_is_refused():
    x = torch.randn(10, 4)
    with pytest.raises(ValueError, match="4 dimensions and fake ones 3"):
        frechet(fitted(x), fitted(x[:, :3]))
    with pytest.raises(ValueError, match="at least 2 fake rows, not 1"):
        frechet(fitted(x), fitted(x[:1]))
    for wrong in (torch.nan, torch.inf, -torch.inf):
        broken = x.clone()
        broken[3, 2] = wrong
        with pytest.raises(ValueError, match="real features are not all finite"):
            frechet(fitted(broken), fitted(x))
        with pytest.raises(ValueError, match="fake features are not all finite"):
            frechet(fitted(x), fitted(broken))
