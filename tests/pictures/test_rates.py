"""Bars of shares, and squares of features."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from zerosum.pictures import bit_squares, rates


def height(picture: Image.Image, color: tuple[int, int, int]) -> int:
    """Pixels of the highest column of a colour."""
    pixels = np.asarray(picture).astype(int)[70:]  # below the names of the colours
    same = (np.abs(pixels - np.array(color)).sum(2) < 12).sum(0)
    return int(same.max())


def test_bars_are_as_high_as_their_shares() -> None:
    blue, red = (0x24, 0x68, 0xD8), (0xC2, 0x2F, 0x5C)
    full, half = (rates.bars({"a": {"one": 1.0, "two": share}}, "title") for share in (0.5, 0.25))
    assert abs(height(full, red) / height(full, blue) - 0.5) < 0.02
    assert abs(height(half, red) / height(half, blue) - 0.25) < 0.02


def test_groups_may_lack_a_bar_and_equal_names_have_equal_colours() -> None:
    picture = rates.bars({"a": {"one": 0.5, "two": 0.5}, "b": {"two": 1.0}}, "title")
    assert abs(height(picture, (0x24, 0x68, 0xD8)) / height(picture, (0xC2, 0x2F, 0x5C)) - 0.5) < 0.02


def test_squares_have_a_field_for_each_feature() -> None:
    x = torch.tensor([[1.0, 0, 0, 1, 0.5, 2, -1]])  # 3x3 fields, of which two are beyond
    picture = bit_squares.squares(x)
    assert picture.shape == (1, 1, *bit_squares.side_of(7)) == (1, 1, 12, 12)
    fields = picture[0, 0, ::4, ::4].flatten()
    white, black = bit_squares.THERE, bit_squares.ABSENT
    assert torch.allclose(fields, torch.tensor([white, black, black, white, 0.0, white, black, 0.0, 0.0]), atol=1e-6)
    assert torch.equal(picture, picture[..., ::4, ::4].repeat_interleave(4, -1).repeat_interleave(4, -2))


def test_squares_of_many_shapes() -> None:
    assert bit_squares.squares(torch.zeros(2, 3, 128)).shape == (2, 3, 1, *bit_squares.side_of(128))
    assert bit_squares.side_of(1) == (4, 4) and bit_squares.side_of(12) == (12, 16)
