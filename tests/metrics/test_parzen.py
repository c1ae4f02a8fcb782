"""Parzen windows against densities that are known."""

from __future__ import annotations

import math

import pytest
import torch

from zerosum.data.points.mixture import Mixture
from zerosum.metrics import neighbours
from zerosum.metrics.parzen import best_sigma, parzen

D = torch.float64


@pytest.mark.parametrize("dim", [1, 3, 784])
@pytest.mark.parametrize("sigma", [0.05, 1.0, 7.0])
@pytest.mark.parametrize("at_a_time", [1, 4_000_000])
def test_it_is_the_density_of_a_mixture_with_a_mean_at_every_sample(dim, sigma, at_a_time, monkeypatch):
    monkeypatch.setattr(neighbours, "_AT_A_TIME", at_a_time)
    points, samples = torch.rand(30, dim, dtype=D), torch.rand(40, dim, dtype=D)
    expected = Mixture(samples, sigma).log_prob(points)
    torch.testing.assert_close(parzen(points, samples, sigma), expected, rtol=1e-11, atol=1e-11)


def test_one_sample_is_one_gaussian():
    (value,) = parzen(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), 2.0).tolist()
    assert value == pytest.approx(-25 / 8 - math.log(2 * math.pi * 4), rel=1e-14)


def test_it_integrates_to_one():
    samples = torch.tensor([[-1.0], [0.2], [0.3]], dtype=D)
    x = torch.linspace(-6, 6, 2001, dtype=D)
    assert torch.trapezoid(parzen(x[:, None], samples, 0.4).exp(), x).item() == pytest.approx(1, abs=1e-12)


def test_points_far_from_every_sample_have_a_finite_logarithm():
    (value,) = parzen(torch.full((1, 1), 1e4), torch.tensor([[0.0], [1.0]]), 0.1).tolist()
    assert value == pytest.approx(-50 * 9999.0**2 - math.log(2) - math.log(0.1 * math.sqrt(2 * math.pi)), rel=1e-12)


def test_points_that_are_samples_have_no_rounding():
    """Of 784 values around 1000, float32 products would leave squares of about 100 where 0 belongs."""
    samples = torch.randn(50, 784) + 1000
    expected = -math.log(50) - 784 * math.log(0.5 * math.sqrt(2 * math.pi))
    torch.testing.assert_close(parzen(samples, samples, 0.5), torch.full((50,), expected, dtype=D), rtol=0, atol=1e-6)


def test_the_scale_shifts_it_by_a_constant():
    points, samples = torch.rand(20, 6, dtype=D), torch.rand(20, 6, dtype=D)
    shifted = parzen(2 * points, 2 * samples, 0.6) + 6 * math.log(2)
    torch.testing.assert_close(shifted, parzen(points, samples, 0.3), rtol=1e-12, atol=1e-12)


def test_the_best_sigma_is_the_likeliest_of_those_given():
    """From very many samples of N(0, 1) the estimate is N(0, 1 + sigma^2); points of deviation 2 want sigma^2 = 3."""
    validation, samples = 2 * torch.randn(4000, 1), torch.randn(4000, 1)
    assert best_sigma(validation, samples, [0.5, 1.0, 3**0.5, 3.0, 6.0]) == 3**0.5
    assert best_sigma(validation, samples, [6.0, 0.01]) == 6.0


def test_what_makes_no_density_is_refused():
    x = torch.randn(5, 2)
    for sigma in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="sigma"):
            parzen(x, x, sigma)
    for wrong in (torch.randn(5, 3), torch.randn(5), torch.randn(0, 2)):
        with pytest.raises(ValueError, match=r"\(N, F\)"):
            parzen(x, wrong, 1.0)
    with pytest.raises(ValueError, match="finite"):
        parzen(x, x * torch.nan, 1.0)
    with pytest.raises(ValueError, match="no sigma"):
        best_sigma(x, x, [])
