"""Nearest neighbours and radii against all differences, one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum.metrics import neighbours
from zerosum.metrics.neighbours import k_nearest, pairs

D = torch.float64


def all_distances(x: Tensor, y: Tensor) -> Tensor:
    return (x.double()[:, None] - y.double()).square().sum(2).sqrt()


def lattice(n: int, dim: int) -> Tensor:
    """Points with coordinates 0, 1 and 2: many are equal, and most distances occur many times."""
    return torch.randint(3, (n, dim)).float()


@pytest.fixture(params=[1, 200, 4_000_000])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of one query, of some, of all."""
    monkeypatch.setattr(neighbours, "_AT_A_TIME", request.param)


@pytest.mark.usefixtures("room")
def test_the_nearest_of_all():
    x, y = torch.randn(40, 7), torch.randn(30, 7)
    distances, indices = k_nearest(x, y, 4)
    expected = all_distances(x, y).sort()
    assert distances.dtype == D and distances.shape == indices.shape == (40, 4)
    torch.testing.assert_close(distances, expected.values[:, :4], rtol=1e-14, atol=0)
    assert torch.equal(indices, expected.indices[:, :4])


@pytest.mark.usefixtures("room")
def test_a_point_is_no_neighbour_of_itself_but_its_equals_are():
    x = torch.tensor([[0.0], [1.0], [1.0], [5.0], [1.0]])
    distances, indices = k_nearest(x, x, 2, exclude_self=True)
    assert distances.tolist() == [[1, 1], [0, 0], [0, 0], [4, 4], [0, 0]]
    assert not (indices == torch.arange(5)[:, None]).any()
    assert k_nearest(x, x, 1)[0].tolist() == [[0]] * 5


@pytest.mark.usefixtures("room")
def test_on_a_lattice_distances_are_those_of_integers():
    x, y = lattice(50, 6), lattice(60, 6)
    squares = (x.long()[:, None] - y.long()).square().sum(2)
    distances, indices = k_nearest(x, y, 9)
    assert torch.equal(distances, squares.sort().values[:, :9].double().sqrt())
    assert torch.equal(squares.gather(1, indices).double().sqrt(), distances)


def test_far_from_the_origin_no_digit_is_lost():
    """Squares of about 1e13 would leave float64 a distance of 1e-2 for points that are equal."""
    x = torch.randn(50, 9, dtype=D).round(decimals=3) + 1e6
    distances, _ = k_nearest(x, torch.cat([x, x + 1e-3]), 2)
    assert torch.equal(distances[:, 0], torch.zeros(50, dtype=D))
    torch.testing.assert_close(distances[:, 1], torch.full((50,), 3e-3, dtype=D), rtol=1e-6, atol=0)


@pytest.mark.usefixtures("room")
def test_parts_are_all_pairs_and_say_how_exact_they_are():
    x, y = torch.randn(13, 5) + 100, torch.randn(9, 5) + 100
    seen = torch.zeros(13, 9, dtype=D)
    for part in pairs(x, y):
        assert torch.equal(part.queries, x[part.rows])
        seen[part.rows] = part.squares
        assert part.error < 1e-11
    assert (seen - all_distances(x, y).square()).abs().max() <= part.error


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("side", ["queries", "keys"])
def test_within_a_radius_is_nearer_than_it(side: str):
    """Radii are distances that occur, so the many pairs at just that distance show: they lie outside."""
    x, y = lattice(40, 5) + 0.25, lattice(50, 5) + 0.25
    distances = all_distances(x, y)
    of_queries, of_keys = distances[:, 7], distances[11]
    assert (distances == of_queries[:, None]).sum() > 80 and (distances == of_keys).sum() > 100
    for part in pairs(x, y):
        here = distances[part.rows]
        radii = of_queries[part.rows, None] if side == "queries" else of_keys
        assert torch.equal(part.within(radii), here < radii)


def test_within_radii_that_rounding_drowns():
    """Two clusters a million apart, a thousandth wide: products of matrices cannot tell their points apart."""
    x = torch.cat([torch.randn(20, 4, dtype=D), 1e9 + torch.randn(20, 4, dtype=D)]) / 1000
    distances = all_distances(x, x)
    radii = distances.sort().values[:, 7]
    for part in pairs(x, x):
        assert part.error > 10 * radii.square().max()
        assert torch.equal(part.within(radii[part.rows, None]), distances[part.rows] < radii[part.rows, None])
        assert torch.equal(part.within(radii), distances[part.rows] < radii)


def test_nothing_lies_within_nothing():
    x = lattice(20, 3)
    for part in pairs(x, x):
        assert not part.within(torch.zeros(20, dtype=D)).any()


def test_what_has_no_neighbours_is_refused():
    x = torch.randn(5, 3)
    for k in (0, 6):
        with pytest.raises(ValueError, match=f"{k} neighbours among 5"):
            k_nearest(x, x, k)
    with pytest.raises(ValueError, match="5 neighbours among 4"):
        k_nearest(x, x, 5, exclude_self=True)
    with pytest.raises(ValueError, match="one set"):
        k_nearest(x, x[:4], 1, exclude_self=True)
    for wrong in (torch.randn(5, 2), torch.randn(5), torch.randn(0, 3)):
        with pytest.raises(ValueError, match=r"\(N, F\)"):
            k_nearest(wrong, x, 1)
    for wrong in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match="finite"):
            k_nearest(x, torch.cat([x, torch.full((1, 3), wrong)]), 1)
        with pytest.raises(ValueError, match="finite"):
            k_nearest(torch.full((1, 3), wrong), x, 1)
