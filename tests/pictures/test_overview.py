"""What was asked for beside what came of it: rows of classes and vectors, codes that move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Condition, Game, Labelled
from zerosum.latent import Clustered, InfoGANPrior, Normal, Prior
from zerosum.pictures.fonts import written
from zerosum.pictures.overview import choices, overview, traversal, unwritable_names
from zerosum.recipe import Training
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record

FLAT = (1, 48, 48)


class Painter(Game[Labelled]):
    """Of one brightness: a tenth of the class, or of the vector's first number, and a little of z and of chance."""

    name = "painter"

    def __init__(self, prior: Prior, condition: Condition | None):
        super().__init__()
        self.prior, self.condition, self.shift = prior, condition, nn.Parameter(torch.zeros(()))

    def players(self):
        raise NotImplementedError

    def round(self, draw, step):
        raise NotImplementedError

    def sample(self, like, z=None):
        x, y = (like.x, like.y) if isinstance(like, Labelled) else (like, torch.zeros(len(like)))
        z = self.prior.draw(x) if z is None else z
        asked = y if y.dim() == 1 else y[:, 0]
        chance = torch.rand(len(x)) / 50
        value = asked / 10 - 0.5 + z.tanh() @ torch.linspace(0.01, 0.04, self.prior.dim) + chance + self.shift
        return value.view(-1, *[1] * (x.dim() - 1)).expand(x.shape)


def painted(
    condition: Condition | None = None,
    *,
    names: tuple[str, ...] = (),
    vectors: tuple[tuple[float, ...], ...] = (),
    prior: Prior = Normal(4),  # noqa: B008  frozen
    shape: tuple[int, ...] = FLAT,
) -> Run:
    data = DataRecord("made", shape, names, 100, "abcdef", (), conditions=vectors)
    record = Record("painter", "", "", {}, Training(), data, {}, "cpu", "fp32", {}, "", "")
    return Run(Path("run"), record, Painter(prior, condition).eval(), 1)


def classes(count: int, **more) -> Run:
    return painted(Condition(count), names=tuple(f"class {i}" for i in range(count)), **more)


def cells(picture: Image.Image, lines: int, columns: int) -> Tensor:
    """The brightness of each image, (lines, columns), to the right of the margin."""
    x = torch.tensor(np.asarray(picture.convert("L"))).float()
    left = x.shape[1] - (50 * columns - 2)
    return x[24 : 24 + 50 * lines : 50, left + 24 :: 50]


def test_a_row_is_a_class_and_a_column_is_a_z() -> None:
    run = classes(5)
    shown = cells(overview(run, 30, seed=2), 5, 6)
    for k in range(5):
        expected = (run.sample(6, 2, classes=f"class {k}")[:, 0, 0, 0] + 1) * 127.5
        assert torch.allclose(shown[k], expected, atol=0.51)
    assert (shown[:, 1:] != shown[:, :1]).any()
    steps = shown.diff(dim=0)  # the class alone changes down a column: a tenth each time
    assert (steps - 12.75).abs().max() <= 1


def test_as_many_samples_as_were_asked_for() -> None:
    x = np.asarray(overview(classes(5), 13).convert("L"))
    images = x[:, -148:]
    full = [[(images[50 * r + 24, 50 * c + 24] < 255) for c in range(3)] for r in range(5)]
    assert np.sum(full) == 13 and full[2] == [True] * 3 and full[3] == [True, True, False]


def test_fewer_samples_than_classes_and_more_classes_than_rows() -> None:
    few = overview(classes(5), 3)
    assert few.info["Title"].startswith("a row for each class") and "the first 3 of 5 classes" in few.info["Title"]
    many = overview(classes(1200), 40)
    assert "the first 20 of 1,200 classes" in many.info["Title"]
    assert "class 19" in many.info["Description"] and "class 20" not in many.info["Description"]
    assert many.height > 20 * 50 > few.height
    assert "first" not in overview(classes(5), 5).info["Title"]


def test_a_class_that_was_asked_for_fills_the_picture() -> None:
    run = classes(5)
    one = overview(run, 16, classes="class 3")
    assert one.size == (198, 198) and not one.info
    assert overview(painted(), 16).size == (198, 198)


def test_a_name_that_is_the_number_of_another_class() -> None:
    run = painted(Condition(3), names=("2", "0", "1"))
    shown = cells(overview(run, 6), 3, 2)
    assert (shown.diff(dim=0) - 12.75).abs().max() <= 1  # in the order of the classes


def test_a_row_is_a_vector() -> None:
    run = painted(Condition(2, "vector"), vectors=((0.0, 7.0), (4.0, 0.25), (2.0, 1e-6)))
    picture = overview(run, 6)
    first, second, third = cells(picture, 3, 2)
    assert (second - first - 25.5).abs().max() <= 1 and (third - first - 51).abs().max() <= 1
    assert picture.info["Description"].endswith("0, 7, 2, 1e-06, 4, 0.25")
    assert picture.info["Title"].startswith("a row for each vector")
    long = choices(Condition(9, "vector"), painted(vectors=((0.5,) * 9,)).record.data)
    assert long[0].name == "0.5, 0.5, 0.5, ..."
    assert overview(run, 16, conditions=(1.0, 0.0)).size == (198, 198)


def test_points_of_a_class_have_a_colour() -> None:
    picture = overview(classes(4, shape=(2,)), 400, real=torch.randn(50, 2))
    assert picture.info["Title"].startswith("a colour for each class")
    assert picture.height == 480 < picture.width


def test_names_without_glyphs_are_told_in_the_title(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerosum.pictures.grids.fonts._file", lambda characters: None)
    run = painted(Condition(2), names=("cat", "狗"))
    assert written(["cat", "狗"]) == ("cat", "1")
    assert overview(run, 4).info["Title"].endswith("; 1: 狗")
    assert unwritable_names(run) == "1: 狗" and unwritable_names(classes(3)) == unwritable_names(painted()) == ""


def test_a_name_of_several_lines_is_one() -> None:
    assert choices(Condition(1), painted(names=("a\n b",)).record.data)[0].name == "a b"


def test_a_row_is_a_code() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 2))
    picture = traversal(run, steps=6, seed=5)
    moved = run.traverse(steps=6, seed=5)
    assert {name: tuple(x.shape) for name, x in moved.items()} == {
        "c1": (1, 4, *FLAT),
        "c2": (1, 6, *FLAT),
        "c3": (1, 6, *FLAT),
    }
    pixels = torch.tensor(np.asarray(picture)).float()[:, -298:]
    assert picture.height == 3 * 48 + 2 * 8
    for row, x in enumerate(moved.values()):
        shown = pixels[56 * row + 24, 24::50][: x.shape[1]]
        assert torch.allclose(shown, (x[0, :, 0, 0, 0] + 1) * 127.5, atol=0.51)
    assert picture.info["Title"].startswith("Each row moves one code of z")
    assert picture.info["Description"].endswith("c1 through 0 to 3, c2 through -1 to 1, c3 through -1 to 1")


def test_chosen_codes_and_several_lines_of_each() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 2))
    assert traversal(run, ["c3"], steps=2, lines=5).height == 5 * 50 - 2
    assert list(run.traverse(["c3", "c1"], rows=2)) == ["c3", "c1"]


def test_many_categories_are_cut_off_and_named_so() -> None:
    picture = traversal(painted(prior=Clustered(2, 300)))
    assert picture.info["Description"].endswith("cluster through 0 to 29 of 300")
    assert 30 * 50 < picture.width < 31 * 50 + 200


def test_any_number_of_steps_is_drawn_and_large_images_smaller() -> None:
    run = painted(prior=InfoGANPrior(3, (), 1))
    assert traversal(run, steps=70).width > 70 * 50 - 2
    large = traversal(painted(prior=InfoGANPrior(3, (), 1), shape=(3, 300, 300)), steps=3)
    assert large.height == 128 and large.width > 3 * 130 - 2


def test_codes_of_points() -> None:
    real = torch.randn(40, 2)
    both = traversal(painted(prior=InfoGANPrior(3, (4,), 1), shape=(2,)), real=real)
    assert both.height == 2 * 480 + 8
    assert both.info["Title"].startswith("One code of z moves")


@pytest.mark.parametrize("condition", [Condition(3), Condition(2, "vector")])
def test_codes_of_a_game_that_is_asked_for_something(condition: Condition) -> None:
    vectors = ((3.0, 0.0), (1.0, 0.0)) if condition.kind == "vector" else ()
    names = ("a", "b", "c") if condition.kind == "classes" else ()
    moved = painted(condition, names=names, vectors=vectors, prior=Clustered(1, 2)).traverse(rows=2)
    first, second = moved["cluster"][:, :, 0, 0, 0]
    expected = (0.0, 0.1) if names else (0.3, 0.1)
    assert abs((second - first).mean().item() - (expected[1] - expected[0])) < 0.08


def test_what_cannot_be_traversed() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 1))
    with pytest.raises(ZerosumError, match="no code 'c9'; its codes are c1, c2"):
        run.traverse(["c1", "c9"])
    with pytest.raises(ZerosumError, match="at least 2 steps and 1 row, not 1 and 1"):
        run.traverse(steps=1)
    with pytest.raises(ZerosumError, match="not 10 and 0"):
        run.traverse(rows=0)
    with pytest.raises(ZerosumError, match="the z of painter has no codes to move; interpolate between two seeds"):
        painted().traverse()
    with pytest.raises(ZerosumError, match="takes no class"):
        run.traverse(classes=1)
