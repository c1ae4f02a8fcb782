"""Latent distributions: moments, paths and truncation, against what theory says."""

from __future__ import annotations

import math

import pytest
import torch

from zerosum.latent import Clustered, Normal, Uniform

MANY = 50_000


@pytest.mark.parametrize(("prior", "variance", "fourth"), [(Normal(3), 1.0, 3.0), (Uniform(3), 1 / 3, 1 / 5)])
def test_moments(prior, variance: float, fourth: float):
    z = prior.draw(MANY)
    assert z.shape == (50_000, 3) and z.dtype == torch.float32
    assert z.mean(0).tolist() == pytest.approx([0, 0, 0], abs=0.02)
    assert z.square().mean(0).tolist() == pytest.approx([variance] * 3, rel=0.03)
    assert z.pow(4).mean(0).tolist() == pytest.approx([fourth] * 3, rel=0.08)
    covariance = torch.corrcoef(z.T)
    assert (covariance - torch.eye(3)).abs().max() < 0.02
    if isinstance(prior, Uniform):
        assert z.min() >= -1 and z.max() <= 1


@pytest.mark.parametrize("prior", [Normal(4), Uniform(4), Clustered(2, 2)])
def test_draws_follow_a_generator_and_a_device(prior):
    a = prior.draw(5, generator=torch.Generator().manual_seed(1))
    assert torch.equal(a, prior.draw(5, "cpu", torch.Generator().manual_seed(1)))
    assert not torch.equal(a, prior.draw(5, generator=torch.Generator().manual_seed(2)))
    assert a.shape == (5, 4)
    assert prior.draw(2, "meta").device.type == "meta"


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_on_the_way_between_normal_points_z_stays_normal(t: float):
    prior = Normal(2)
    z = prior.interpolate(prior.draw(MANY), prior.draw(MANY), t)
    assert z.var(0).tolist() == pytest.approx([1, 1], rel=0.03)  # a straight line has 0.5 at its middle
    assert z.pow(4).mean(0).tolist() == pytest.approx([3, 3], rel=0.1)


@pytest.mark.parametrize("prior", [Normal(2), Uniform(2)])
def test_paths_begin_and_end_where_they_should(prior):
    a, b = prior.draw(7), prior.draw(7)
    torch.testing.assert_close(prior.interpolate(a, b, 0.0), a)
    torch.testing.assert_close(prior.interpolate(a, b, 1.0), b)


def test_uniform_paths_are_straight():
    a, b = torch.tensor([[-1.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    torch.testing.assert_close(Uniform(2).interpolate(a, b, 0.25), torch.tensor([[-0.5, 0.75]]))


@pytest.mark.parametrize("limit", [0.01, 0.5, 1.0, 2.0])
def test_truncated_normal(limit: float):
    z = Normal(1).truncated(Normal(1).draw(MANY), limit)
    assert z.abs().max() <= limit and z.abs().max() > 0.99 * limit
    # Var of N(0, 1) cut off at c: 1 - 2 c phi(c) / (2 Phi(c) - 1).
    density = math.exp(-(limit**2) / 2) / math.sqrt(2 * math.pi)
    variance = 1 - 2 * limit * density / math.erf(limit / math.sqrt(2))
    assert z.var().item() == pytest.approx(variance, rel=0.03)
    assert z.mean().item() == pytest.approx(0, abs=0.02 * limit)


def test_truncation_keeps_order_and_bounds_the_far_tails():
    z = torch.linspace(-40, 40, 2001)[:, None]
    cut = Normal(1).truncated(z, 1.5)
    assert cut.isfinite().all() and (cut.diff(dim=0) >= 0).all() and (cut.sign() == z.sign()).all()
    assert [cut.min().item(), cut.max().item()] == pytest.approx([-1.5, 1.5])
    few = torch.tensor([-9.0, -2.0, 0.0, 0.5, 2.0, 9.0])
    torch.testing.assert_close(Normal(1).truncated(few, 30.0), few)  # a limit that no sample meets changes nothing


def test_truncated_uniform():
    z = Uniform(1).draw(MANY)
    cut = Uniform(1).truncated(z, 0.4)
    assert cut.abs().max() <= 0.4 and cut.var().item() == pytest.approx(0.16 / 3, rel=0.03)
    assert torch.equal(Uniform(1).truncated(z, 3.0), z)


def test_clustered():
    prior = Clustered(2, 3, scale=4.0)
    z = prior.draw(MANY)
    assert prior.dim == 5 and z.shape == (50_000, 5)
    assert z[:, :2].var(0).tolist() == pytest.approx([1, 1], rel=0.03)
    assert set(z[:, 2:].unique().tolist()) == {0.0, 4.0} and (z[:, 2:].sum(1) == 4).all()
    assert (z[:, 2:].mean(0) * 3 / 4).tolist() == pytest.approx([1, 1, 1], abs=0.03)  # equally often
    cut = prior.truncated(z, 0.5)
    assert cut[:, :2].abs().max() <= 0.5 and torch.equal(cut[:, 2:], z[:, 2:])
    a, b = z[:1], z[1:2]
    torch.testing.assert_close(prior.interpolate(a, b, 0.0), a)
    torch.testing.assert_close(prior.interpolate(a, b, 1.0), b)
    torch.testing.assert_close(prior.interpolate(a, b, 0.5)[:, 2:], (a + b)[:, 2:] / 2)
