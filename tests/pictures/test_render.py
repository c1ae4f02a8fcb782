"""Each kind of data has its own way to be drawn."""

from __future__ import annotations

import torch

from zerosum.modality import Image, Points
from zerosum.pictures.grids import grid, grid_rows, grid_walks
from zerosum.pictures.render import renderer
from zerosum.pictures.scatter import paths, scatter_groups


def test_the_renderer_is_picked_by_modality() -> None:
    assert renderer(Image(3, 48, 48)).picture(torch.zeros(4, 3, 48, 48), None).size == (98, 98)
    assert renderer(Points(2)).picture(torch.randn(10, 2), None).size == (480, 480)
    assert renderer(Points(7)).picture(torch.randn(10, 7), torch.randn(10, 7)).mode == "RGB"
    assert renderer(Image(1, 28, 28)).nearest and not renderer(Points(2)).nearest and not renderer(Points(7)).nearest


def test_each_kind_of_data_has_its_pictures() -> None:
    images, points, real = torch.rand(6, 1, 8, 8), torch.randn(6, 2), torch.randn(9, 2)
    names, of_images, of_points = ["a", "b"], renderer(Image(1, 8, 8)), renderer(Points(2))
    assert of_images.rows(images.chunk(2), names, "n", real) == grid_rows(images.chunk(2), names, note="n")
    assert of_points.rows(points.chunk(2), names, "", real) == scatter_groups(points.chunk(2), names, real=real)
    assert of_points.walks(points.view(3, 2, 2), real) == paths(points.view(3, 2, 2), real)
    assert of_images.walks(images.view(3, 2, 1, 8, 8), real) == grid_walks(images.view(3, 2, 1, 8, 8))
    assert of_images.categories(images.view(3, 2, 1, 8, 8), real) == grid(images, columns=2)
    by_category = [points[::2], points[1::2]]
    assert of_points.categories(points.view(3, 2, 2), real) == scatter_groups(by_category, ["0", "1"], real=real)
