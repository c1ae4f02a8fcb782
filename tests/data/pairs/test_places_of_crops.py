"""Where crops of one image are cut out, and how many: from everywhere in it, by its name and the seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zerosum.data.pairs.crops import cut

PLACES = np.arange(30 * 50).reshape(1, 30, 50)  # each pixel says where it is


def corners(height: int, width: int, name: str = "a.png", seed: int = 0) -> list[tuple[int, int]]:
    """The first pixel of each crop of 20x30 pixels."""
    whole: Any = PLACES[:, :height, :width]
    crops = list(cut(whole, name, (20, 30), seed))
    found = [divmod(int(crop[0, 0, 0]), 50) for crop in crops]
    for crop, (top, left) in zip(crops, found, strict=True):
        assert np.array_equal(crop, whole[:, top : top + 20, left : left + 30])
    return found


def test_crops_come_from_everywhere_and_reach_each_border():
    found = [corner for seed in range(60) for corner in corners(23, 34, seed=seed)]
    assert {top for top, _ in found} == {0, 1, 2, 3} and {left for _, left in found} == {0, 1, 2, 3, 4}


def test_places_differ_by_name_and_by_seed():
    assert corners(30, 50) == corners(30, 50)
    assert corners(30, 50, "b.png") != corners(30, 50) != corners(30, 50, seed=1)


@pytest.mark.parametrize(
    ("height", "width", "count"),
    [(19, 50, 0), (30, 29, 0), (20, 30, 1), (20, 31, 2), (21, 31, 4), (30, 50, 10)],  # of 2.5 crops' pixels ten
)
def test_so_many_that_each_pixel_is_in_four_and_no_more_than_there_are_places(height: int, width: int, count: int):
    assert len(corners(height, width)) == count
