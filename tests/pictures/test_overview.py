"""Samples in rows: a row for each class or vector, the same z down each column."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from painter import classes, painted
from PIL import Image
from torch import Tensor

from zerosum.modality import Classes, Vector
from zerosum.pictures.fonts import displayable
from zerosum.pictures.overview import choices, overview, unwritable_names
from zerosum.run.sampling import SampleRequest


def cells(picture: Image.Image, lines: int, columns: int) -> Tensor:
    """The brightness of each image, (lines, columns), to the right of the margin."""
    x = torch.tensor(np.asarray(picture.convert("L"))).float()
    left = x.shape[1] - (50 * columns - 2)
    return x[24 : 24 + 50 * lines : 50, left + 24 :: 50]


def test_a_row_is_a_class_and_a_column_is_a_z() -> None:
    run = classes(5)
    shown = cells(overview(run, SampleRequest(30, seed=2)), 5, 6)
    for k in range(5):
        expected = (run.sample(6, 2, classes=f"class {k}")[:, 0, 0, 0] + 1) * 127.5
        assert torch.allclose(shown[k], expected, atol=0.51)
    assert (shown[:, 1:] != shown[:, :1]).any()
    steps = shown.diff(dim=0)  # the class alone changes down a column: a tenth each time
    assert (steps - 12.75).abs().max() <= 1


def test_the_picture_has_as_many_samples_as_were_requested() -> None:
    x = np.asarray(overview(classes(5), SampleRequest(13)).convert("L"))
    images = x[:, -148:]
    full = [[(images[50 * r + 24, 50 * c + 24] < 255) for c in range(3)] for r in range(5)]
    assert np.sum(full) == 13 and full[2] == [True] * 3 and full[3] == [True, True, False]


def test_fewer_samples_than_classes_and_more_classes_than_rows() -> None:
    few = overview(classes(5), SampleRequest(3))
    assert few.info["Title"].startswith("A row for each class") and "the first 3 of 5 classes" in few.info["Title"]
    many = overview(classes(1200), SampleRequest(40))
    assert "the first 20 of 1,200 classes" in many.info["Title"]
    assert "class 19" in many.info["Description"] and "class 20" not in many.info["Description"]
    assert many.height > 20 * 50 > few.height
    assert "first" not in overview(classes(5), SampleRequest(5)).info["Title"]


def test_a_requested_class_fills_the_picture() -> None:
    run = classes(5)
    one = overview(run, SampleRequest(16, classes="class 3"))
    assert one.size == (198, 198) and not one.info
    assert overview(painted(), SampleRequest(16)).size == (198, 198)


def test_a_name_that_is_the_number_of_another_class() -> None:
    run = painted(Classes(("2", "0", "1")))
    shown = cells(overview(run, SampleRequest(6)), 3, 2)
    assert (shown.diff(dim=0) - 12.75).abs().max() <= 1  # in the order of the classes


def test_a_row_is_a_vector() -> None:
    run = painted(Vector(2), vectors=((0.0, 7.0), (4.0, 0.25), (2.0, 1e-6)))
    picture = overview(run, SampleRequest(6))
    first, second, third = cells(picture, 3, 2)
    assert (second - first - 25.5).abs().max() <= 1 and (third - first - 51).abs().max() <= 1
    assert picture.info["Description"].endswith("0, 7, 2, 1e-06, 4, 0.25")
    assert picture.info["Title"].startswith("A row for each vector")
    long = choices(Vector(9), painted(vectors=((0.5,) * 9,)).record.data)
    assert long[0].name == "0.5, 0.5, 0.5, ..."
    assert overview(run, SampleRequest(16, conditions=(1.0, 0.0))).size == (198, 198)


def test_points_of_a_class_have_a_colour() -> None:
    picture = overview(classes(4, shape=(2,)), SampleRequest(400), torch.randn(50, 2))
    assert picture.info["Title"].startswith("A colour for each class")
    assert picture.height == 480 < picture.width


def test_the_caption_has_the_names_that_no_font_can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerosum.pictures.fonts._file", lambda characters: None)
    run = painted(Classes(("cat", "狗")))
    assert displayable(["cat", "狗"]) == ("cat", "1")
    assert overview(run, SampleRequest(4)).info["Title"].endswith("; 1: 狗")
    said = "no font here can write the names of classes; in the picture: 1: 狗"
    assert unwritable_names(run) == said and unwritable_names(classes(3)) == unwritable_names(painted()) == ""


def test_a_name_of_several_lines_is_one() -> None:
    assert choices(Classes(("a\n b",)), painted(Classes(("a\n b",))).record.data)[0].name == "a b"
