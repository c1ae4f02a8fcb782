from __future__ import annotations

import math

import pytest
import torch

from zerosum.data import DataError, Mixture, from_mixture, load
from zerosum.data.points.mixture import grid, ring
from zerosum.modality import Points


def test_one_gaussian_has_the_textbook_density() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    expected = torch.distributions.Normal(0.5, 0.7).log_prob(x).sum(1)
    torch.testing.assert_close(Mixture(torch.full((1, 2), 0.5), 0.7).log_prob(x), expected)


def test_a_mixture_agrees_with_torch_distributions() -> None:
    means, std, weights = torch.randn(5, 3), torch.rand(5) + 0.1, torch.rand(5) + 0.1
    reference = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.Independent(torch.distributions.Normal(means, std[:, None].expand(5, 3)), 1),
    )
    x = torch.randn(100, 3)
    torch.testing.assert_close(Mixture(means, std, weights).log_prob(x), reference.log_prob(x))


def test_the_density_integrates_to_one() -> None:
    axis = torch.linspace(-1.5, 1.5, 601, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis).float()
    total = ring().log_prob(points).double().exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(total) == pytest.approx(1, abs=1e-5)


def test_samples_follow_weights_means_and_deviations() -> None:
    mixture = Mixture(torch.tensor([[0.0], [10.0]]), torch.tensor([0.5, 1.5]), torch.tensor([1.0, 3.0]))
    x, k = mixture.sample_labelled(100_000, torch.Generator().manual_seed(0))
    assert float((k == 1).float().mean()) == pytest.approx(0.75, abs=0.006)
    for component, mean, std in ((0, 0.0, 0.5), (1, 10.0, 1.5)):
        part = x[k == component]
        assert float(part.mean()) == pytest.approx(mean, abs=0.03)
        assert float(part.std()) == pytest.approx(std, rel=0.02)
    one, two = (mixture.sample(9, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("means", "std", "weights"),
    [
        (torch.zeros(2), 1.0, None),
        (torch.zeros(2, 2), 0.0, None),
        (torch.zeros(2, 2), 1.0, torch.tensor([1.0, -1.0])),
        (torch.zeros(2, 2), 1.0, torch.ones(3)),
        (torch.tensor([[0.0, math.nan]]), 1.0, None),
        (torch.zeros(2, 2), math.inf, None),
        (torch.zeros(2, 2), 1.0, torch.tensor([1.0, math.inf])),
    ],
)
def test_what_is_no_mixture_is_refused(means: torch.Tensor, std: float, weights: torch.Tensor | None) -> None:
    with pytest.raises(ValueError, match="must be"):
        Mixture(means, std, weights)


def test_ring_and_grid_lie_where_the_literature_puts_them() -> None:
    torch.testing.assert_close(ring().means.norm(dim=1), torch.ones(8))
    assert float(torch.pdist(ring().means).min()) == pytest.approx(2 * math.sin(math.pi / 8), abs=1e-6)
    assert sorted(map(tuple, grid().means.tolist())) == [(a, b) for a in range(-4, 5, 2) for b in range(-4, 5, 2)]


@pytest.mark.parametrize(
    ("name", "classes", "reach"), [("ring", 8, 1.3), ("grid", 25, 4.3), ("moons", 2, 2.3), ("swiss-roll", 0, 2.1)]
)
def test_toys_are_seeded_labelled_and_bounded(name: str, classes: int, reach: float) -> None:
    data = load(name)
    assert data.x.shape == (100_000, 2) and data.x.dtype == torch.float32 and data.modality == Points(2)
    assert len(data.classes) == classes and float(data.x.abs().max()) < reach
    if data.y is None:
        assert classes == 0
    else:
        assert data.y.dtype == torch.int64 and data.y.unique().tolist() == list(range(classes))
    again, other = load(name), load(name, seed=1)
    assert torch.equal(data.x, again.x) and data.fingerprint == again.fingerprint
    assert not torch.equal(data.x, other.x) and data.fingerprint != other.fingerprint


def test_ring_points_lie_at_the_mean_of_their_label() -> None:
    data = load("ring")
    assert data.y is not None
    away = (data.x - ring().means[data.y]).std()
    assert float(away) == pytest.approx(0.05, rel=0.02)


def test_a_named_density() -> None:
    data = load("gaussians:0,0/3,4@0.5")
    assert data.y is not None and data.classes == ("0", "1")
    torch.testing.assert_close(data.x[data.y == 1].mean(0), torch.tensor([3.0, 4.0]), atol=0.02, rtol=0)
    same = from_mixture(Mixture(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 0.5))
    assert torch.equal(same.x, data.x) and same.fingerprint == data.fingerprint


@pytest.mark.parametrize("option", ["", ":", ":0,0", ":0,0/1@0.5", ":0,0/1,1@-1", ":a,b@1", ":0,0@0"])
def test_a_density_that_cannot_be_read_is_refused_with_an_example(option: str) -> None:
    with pytest.raises(DataError, match=r"write gaussians:X,Y/X,Y@STD, such as"):
        load(f"gaussians{option}")


@pytest.mark.parametrize("name", ["nan,0/3,3@1", "0,0/inf,3@1", "0,0/3,3@inf", "0,0/3,3@nan", "1e39,0@1", "0,0@1e-60"])
def test_gaussians_that_are_nowhere_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"cannot read 'gaussians:{name}': write gaussians:"):
        load(f"gaussians:{name}")
