"""Samples and their nearest real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zerosum.pictures import neighbours as module
from zerosum.pictures.grids import SHOWN, grid_walks
from zerosum.pictures.neighbours import GAP, MARGIN, nearest, neighbours


def images(count: int, *shape: int) -> Tensor:
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8)


def floats(x: Tensor) -> Tensor:
    return x.float() / 127.5 - 1


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("chunk", [1, 10 * 3 * 8 * 8, 10**9])
def test_nearest_are_those_of_all_distances(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    real, made = images(101, 3, 8, 8), images(7, 3, 8, 8)
    expected = torch.cdist(made.flatten(1).double(), real.flatten(1).double()).topk(3, largest=False).indices
    assert torch.equal(nearest(floats(made), real, 3), expected)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 40), (4, 16, 16), (1, 8, 100)])
def test_a_copy_is_found_whatever_its_size(shape: tuple[int, ...]) -> None:
    real = images(50, *shape)
    assert nearest(floats(real[[31, 4]]), real, 2)[:, 0].tolist() == [31, 4]


def test_large_images_are_compared_by_their_thumbnails() -> None:
    real = images(20, 1, 64, 64)
    thumbnails = torch.nn.functional.avg_pool2d(real.float(), 4).flatten(1)
    made = images(5, 1, 64, 64)
    expected = torch.cdist(torch.nn.functional.avg_pool2d(made.float(), 4).flatten(1), thumbnails).argmin(1)
    assert torch.equal(nearest(floats(made), real, 1)[:, 0], expected)
    assert neighbours(floats(made), real).info["Title"] == (
        "Samples and, below each, the nearest of 20 training images, by the distance of their pixels at 16 \u00d7 16"
    )
    assert neighbours(floats(made[..., :8, :]), real[..., :8, :]).info["Title"].endswith("pixels at 8 \u00d7 16")


def test_only_a_part_of_a_large_set_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CHUNK", 100 * 3 * 4 * 4)
    seen, small = [], module.thumbnails

    def watched(x: Tensor) -> Tensor:
        seen.append(len(x))
        return small(x)

    monkeypatch.setattr(module, "thumbnails", watched)
    mapped = np.memmap(tmp_path / "x", dtype=np.uint8, mode="w+", shape=(950, 3, 4, 4))
    mapped[:] = images(950, 3, 4, 4).numpy()
    real = torch.from_numpy(mapped)
    assert nearest(floats(real[940:944]), real, 3)[:, 0].tolist() == [940, 941, 942, 943]
    assert seen == [4, *[100] * 9, 50]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_picture_has_a_row_of_samples_and_three_of_real_images(channels: int) -> None:
    real = images(40, channels, 48, 48)
    if channels == 4:
        real[:, 3] = 255  # opaque
    made = floats(real[[7, 8, 9]])
    shown = pixels(neighbours(made, real))
    assert shown.shape == (4 * 48 + 2 * 2 + GAP, MARGIN + 3 * 48 + 2 * 2, 3)
    for row in (0, 48 + GAP):  # each sample is a copy, so its nearest is the same image
        for column, image in enumerate((7, 8, 9)):
            left = MARGIN + 50 * column
            cell = shown[row : row + 48, left : left + 48]
            expected = real[image, :3].permute(1, 2, 0).numpy() if channels > 1 else real[image, 0].numpy()[..., None]
            assert np.array_equal(cell, np.broadcast_to(expected, cell.shape))
    assert (shown[48 : 48 + GAP] == 255).all()


def test_the_rows_are_named() -> None:
    shown = pixels(neighbours(floats(images(3, 1, 28, 28)), images(9, 1, 28, 28)))
    names = (shown[:, :MARGIN] < 200).any((1, 2))
    for top in (0, 56 + GAP, 114 + GAP, 172 + GAP):
        assert names[top : top + 56].any()
    assert not names[56 : 56 + GAP].any()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_than_three_real_images(count: int) -> None:
    shown = neighbours(floats(images(2, 1, 48, 48)), images(count, 1, 48, 48))
    assert shown.height == 48 + GAP + 48 * count + 2 * (count - 1)


def test_samples_that_are_not_finite_do_no_harm() -> None:
    made = floats(images(4, 3, 28, 28))
    made[0] = float("nan")
    made[1] = float("inf")
    assert neighbours(made, images(9, 3, 28, 28)).height == 4 * 56 + GAP + 2 * 2
    assert grid_walks(made[None].repeat(5, 1, 1, 1, 1)).width == 5 * 56 + 4 * 2


def test_large_images_are_drawn_smaller() -> None:
    real = images(4, 3, 600, 300)
    shown = neighbours(floats(real[:2]), real)
    assert shown.size == (MARGIN + SHOWN + 2, 4 * SHOWN + GAP + 2 * 2)
    assert grid_walks(floats(real)[None].repeat(3, 1, 1, 1, 1)).size == (3 * SHOWN // 2 + 4, 4 * SHOWN + 6)
