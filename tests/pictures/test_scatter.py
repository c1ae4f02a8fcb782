"""Scatter plots: equal axes, limits, colours, and points that diverged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from zerosum.pictures.scatter import palette, paths, scatter, scatter_groups


def test_scatter_keeps_the_limits_of_the_real_points() -> None:
    real = torch.randn(500, 2)
    inside = np.asarray(scatter(torch.zeros(1, 2), real))
    again = np.asarray(scatter(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), real))
    edge = slice(440, None)  # the labels of the axis
    assert np.array_equal(inside[edge], again[edge])
    free = np.asarray(scatter(torch.zeros(1, 2) + 50))
    assert not np.array_equal(inside[edge], free[edge])


def test_scatter_has_equal_axes() -> None:
    pixels = np.asarray(scatter(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))).astype(int)
    blue = (pixels[..., 2] - pixels[..., 0] > 60)[40:440]  # below the word above
    rows, columns = blue.any(1).nonzero()[0], blue.any(0).nonzero()[0]
    assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 2


@pytest.mark.parametrize(
    "points", [torch.full((3, 2), float("nan")), torch.tensor([[float("inf"), 0.0], [1e30, -1e30]])]
)
def test_scatter_of_a_game_that_diverged(points: Tensor) -> None:
    assert scatter(points, torch.randn(9, 2)).size == scatter(points).size == (480, 480)


def test_scatter_of_one_dimension_and_of_one_point() -> None:
    assert scatter(torch.randn(50, 1), torch.randn(50, 1)).size == (480, 480)
    assert scatter(torch.zeros(1, 2)).size == (480, 480)
    with pytest.raises(ValueError, match="points are"):
        scatter(torch.zeros(0, 2))


def test_rows_of_points_are_told_apart_by_colour_over_the_real_ones() -> None:
    spots = [torch.full((20, 2), -1.0), torch.full((20, 2), 1.0)]
    real = torch.rand(500, 2) * 4 - 2
    shown = np.asarray(scatter_groups(spots, ["a", "b"], real=real)).astype(int)
    first, second = (tuple(int(shade[i : i + 2], 16) for i in (1, 3, 5)) for shade in palette(2))
    places = []
    for color in (first, second):
        where = (np.abs(shown[:, :480] - color).sum(2) < 60).nonzero()
        places.append((where[1].mean(), -where[0].mean()))
        assert (np.abs(shown[:, 480:] - color).sum(2) < 9).any()  # in the key
    assert places[0][0] < places[1][0] and places[0][1] < places[1][1]
    behind = np.asarray(scatter(spots[0], real)).astype(int)
    edge = slice(450, 480)  # the labels of the axis: real points set the limits
    assert np.array_equal(shown[edge, :480], behind[edge])


def test_rows_of_points_that_diverged() -> None:
    assert scatter_groups([torch.full((3, 2), float("nan")), torch.randn(3, 2)], ["a", "b"]).height == 480


@pytest.mark.parametrize("count", [1, 2, 10, 20])
def test_colours_differ(count: int) -> None:
    shades = palette(count)
    assert len(set(shades)) == count and all(len(shade) == 7 for shade in shades)
    red, _, blue = (int(shades[0][i : i + 2], 16) for i in (1, 3, 5))
    assert blue > 2 * red


def test_walks_are_paths_over_the_real_points() -> None:
    real = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    straight = torch.linspace(-1, 1, 50)[:, None, None] * torch.tensor([[[1.0, 1.0]], [[1.0, -1.0]]]).transpose(0, 1)
    shown = paths(straight, real)
    assert shown.size == (480, 480)
    x = np.asarray(shown).astype(int)
    blue = (x[..., 2] - x[..., 0] > 60)[30:440, 50:460]
    rows, columns = blue.any(1).nonzero()[0], blue.any(0).nonzero()[0]
    assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 3 and np.ptp(rows) > 250
    middle = blue[rows.mean().astype(int) - 3 : rows.mean().astype(int) + 4]
    assert middle.any(0).sum() < 30  # the two diagonals cross there


def test_walks_that_leave_the_picture_are_counted() -> None:
    real, far = torch.rand(50, 2), torch.full((5, 3, 2), 99.0)
    top = np.asarray(paths(far, real))[:25, 200:].astype(int)
    assert (top[..., 0] - top[..., 1] > 60).any()  # red words
    top = np.asarray(paths(torch.full((5, 3, 2), 0.5), real))[:25, 200:].astype(int)
    assert not (top[..., 0] - top[..., 1] > 60).any()


@pytest.mark.parametrize("dim", [1, 3])
def test_paths_of_other_dimensions(dim: int) -> None:
    assert paths(torch.randn(5, 4, dim), torch.randn(9, dim)).size == paths(torch.randn(5, 4, dim)).size == (480, 480)
