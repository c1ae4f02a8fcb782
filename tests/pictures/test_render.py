"""Each kind of data has its own way to be drawn."""

from __future__ import annotations

import torch

from zerosum.pictures.grids import grid_rows
from zerosum.pictures.render import IMAGES, POINTS, picture, renderer, rows, walks
from zerosum.pictures.scatter import paths, scatter_groups


def test_picture_picks_by_shape() -> None:
    assert picture(torch.zeros(4, 3, 48, 48)).size == (98, 98)
    assert picture(torch.randn(10, 2)).size == (480, 480)
    assert picture(torch.randn(10, 7), torch.randn(10, 7)).mode == "RGB"


def test_each_kind_of_data_has_its_renderer() -> None:
    assert renderer((1, 28, 28)) is IMAGES and renderer((2,)) is renderer((7,)) is POINTS
    images, points, real = torch.rand(6, 1, 8, 8), torch.randn(6, 2), torch.randn(9, 2)
    names = ["a", "b"]
    assert rows(images.chunk(2), names, note="n") == grid_rows(images.chunk(2), names, note="n")
    assert rows(points.chunk(2), names, real=real) == scatter_groups(points.chunk(2), names, real=real)
    assert walks(points.view(3, 2, 2), real) == paths(points.view(3, 2, 2), real)
