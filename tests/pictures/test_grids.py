"""Grids: pixel-exact layout; images as single files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zerosum.pictures.grids import grid, grid_rows, grid_walks, save_each, to_uint8


def flat(*values: float, channels: int = 1, side: int = 48) -> Tensor:
    """One image of each value, (N, channels, side, side)."""
    return torch.tensor(values)[:, None, None, None].expand(-1, channels, side, side)


def test_every_byte_survives_normalisation_and_back() -> None:
    bytes_ = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(bytes_.float() / 127.5 - 1), bytes_)


def test_what_is_out_of_range_is_clamped_and_nan_is_grey() -> None:
    x = torch.tensor([-9.0, 9.0, float("inf"), -float("inf"), float("nan")])
    assert to_uint8(x).tolist() == [0, 255, 255, 0, 128]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_type_is_taken(dtype: torch.dtype) -> None:
    assert to_uint8(torch.tensor([-1, 0, 1], dtype=dtype)).tolist() == [0, 128, 255]


def test_grid_puts_white_gutters_between_images_alone() -> None:
    pixels = np.asarray(grid(flat(-1, 0, 1, -1, 0), columns=3, gutter=2))
    assert pixels.shape == (48 * 2 + 2, 48 * 3 + 4)
    expected = np.full_like(pixels, 255)
    for i, value in enumerate((0, 128, 255, 0, 128)):
        row, column = divmod(i, 3)
        expected[row * 50 : row * 50 + 48, column * 50 : column * 50 + 48] = value
    assert np.array_equal(pixels, expected)


def test_grid_enlarges_small_images_by_whole_pixels() -> None:
    sample = torch.rand(1, 1, 28, 20) * 2 - 1
    shown = np.asarray(grid(sample))
    assert shown.shape == (56, 40)
    assert np.array_equal(shown, to_uint8(sample)[0, 0].numpy().repeat(2, 0).repeat(2, 1))
    assert grid(sample, scale=1).size == (20, 28)
    assert grid(sample, scale=5).size == (100, 140)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((64, 1, 48, 48), (398, 398)),
        ((9, 3, 48, 48), (148, 148)),
        ((64, 3, 64, 48), (398, 526)),
        ((1, 1, 99, 7), (7, 99)),
    ],
)
def test_grid_is_about_square_and_full(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    assert grid(torch.zeros(shape)).size == size


@pytest.mark.parametrize("count", range(1, 41))
@pytest.mark.parametrize("size", [(48, 48), (50, 300), (300, 50)])
def test_grid_holds_every_sample(count: int, size: tuple[int, int]) -> None:
    pixels = np.asarray(grid(-torch.ones(count, 1, *size)))
    assert (pixels == 0).sum() == count * size[0] * size[1]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (5, "RGB")])
def test_channels(channels: int, mode: str) -> None:
    sample = torch.linspace(-1, 1, channels)[None, :, None, None].expand(2, -1, 48, 48)
    shown = grid(sample)
    assert shown.mode == mode
    expected = to_uint8(torch.linspace(-1, 1, channels)).tolist()[: len(shown.getbands())]
    assert list(np.atleast_1d(np.asarray(shown)[0, 0])) == expected


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 8, 8), (1, 1, 0, 8)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="images are"):
        grid(torch.zeros(shape))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_save_each_writes_the_very_pixels(tmp_path: Path, channels: int) -> None:
    samples = torch.rand(3, channels, 5, 7) * 2 - 1
    paths = save_each(samples, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["00000.png", "00001.png", "00002.png"]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for path, sample in zip(paths, samples, strict=True):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), to_uint8(sample).permute(1, 2, 0).squeeze(2).numpy())


def test_save_each_names_labels(tmp_path: Path) -> None:
    assert [p.name for p in save_each(flat(0, 1), tmp_path, torch.tensor([3, 7]))] == ["00000-3.png", "00001-7.png"]
    assert [p.name for p in save_each(flat(0, 1), tmp_path, ["../a", "猫"])] == ["00000-.._a.png", "00001-猫.png"]
    with pytest.raises(ValueError, match="1 labels for 2 samples"):
        save_each(flat(0, 1), tmp_path, [1])


def test_rows_may_differ_in_length() -> None:
    shown = grid_rows([flat(-1, 0, 1), flat(0, -1)], ["a", "b"], columns=3)
    assert shown.mode == "L"
    images = np.asarray(shown)[:, -148:]
    expected = np.full((98, 148), 255)
    for row, column, value in ((0, 0, 0), (0, 1, 128), (1, 0, 128), (1, 1, 0)):
        expected[50 * row : 50 * row + 48, 50 * column : 50 * column + 48] = value
    assert np.array_equal(images, expected)


@pytest.mark.parametrize(
    ("parts", "each", "columns"), [(1, 64, 8), (2, 32, 8), (3, 16, 8), (10, 8, 8), (10, 100, 34), (100, 1, 1)]
)
def test_rows_go_on_below_so_that_all_is_about_square(parts: int, each: int, columns: int) -> None:
    shown = np.asarray(grid_rows([-torch.ones(each, 1, 48, 48)] * parts, [str(i) for i in range(parts)]))
    assert (shown[:48] == 0).all(0).sum() == 48 * columns
    assert (shown == 0).sum() == parts * each * 48 * 48


def test_a_walk_is_a_row() -> None:
    values = torch.arange(6).view(3, 2) / 5 * 2 - 1  # of frame and walk
    shown = np.asarray(grid_walks(values[..., None, None, None].expand(3, 2, 1, 48, 48)))
    assert shown.shape == (98, 148)
    for frame in range(3):
        for walk in range(2):
            cell = shown[50 * walk : 50 * walk + 48, 50 * frame : 50 * frame + 48]
            assert (cell == round(51 * (2 * frame + walk))).all()
