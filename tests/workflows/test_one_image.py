"""What becomes of one image on its way through a translator, by hand: of 8 bits and 16, its seed, task and size."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch import Tensor, nn

from zerosum.data.dataset import Problem
from zerosum.data.images.decode import Deep
from zerosum.data.pairs.tasks import spoiled
from zerosum.data.request import AS_STORED
from zerosum.modality import Image
from zerosum.workflows.translate import MADE_BY, _Work

GREY, RGB = Image(1, 8, 8), Image(3, 8, 8)
TOP = 65535


class Told:
    """A run that adds to what it is shown, and keeps what it was asked."""

    def __init__(self, added: float = 0.0):
        self.added, self.game, self.asked = added, nn.Identity(), list[tuple[Tensor, bool, int]]()

    def translate(self, x: Tensor, back: bool = False, seed: int = 0) -> Tensor:
        self.asked.append((x, back, seed))
        return (x if x.is_floating_point() else x / 127.5 - 1) + self.added

    def assert_finite(self, x: Tensor, what: str) -> Tensor:
        return x


def work(run: Told, image: Image = RGB, task: tuple[str, float] | None = None, **other: Any) -> _Work:
    role: Any = SimpleNamespace(network=lambda back: run.game, smallest=4)
    given: dict[str, Any] = {"back": False, "seed": 0, "progress": None, **other}
    return _Work(run, role, image, image, task=task, **given)  # type: ignore[arg-type]


def deep(*values: int) -> Deep:
    return Deep(np.array(values, np.uint16).reshape(1, 1, -1).repeat(4, 1), None)


def test_16_bits_reach_from_minus_one_to_one_and_are_cut_off_there():
    run = Told()
    made = work(run, GREY)._of_16_bits(deep(0, 1, 32768, TOP), 0)
    assert made[0, :, 0].tolist() == [0, 1, 32768, TOP]
    shown = run.asked[-1][0]
    assert shown.flatten()[:4].tolist() == pytest.approx([-1, 2 / TOP - 1, 65536 / TOP - 1, 1], abs=1e-7)
    for added, expected in ((0.5, [16384, 49152, TOP]), (-0.5, [0, 16384, 49151])):
        made = work(Told(added), GREY)._of_16_bits(deep(0, 32768, TOP), 0)
        assert made[0, :, 0].tolist() == pytest.approx(expected, abs=1)


def test_colours_of_16_bits_become_grey_by_luminance_and_grey_is_repeated():
    colours = Deep((np.eye(3)[:, :, None] * np.ones(4) * TOP).astype(np.uint16), None)  # red, green and blue rows
    grey = work(Told(), GREY)._of_16_bits(colours, 0)
    assert grey[:, 0, 0].tolist() == pytest.approx([0.299 * TOP, 0.587 * TOP, 0.114 * TOP], abs=1)
    made = work(Told(), RGB)._of_16_bits(deep(5, 6, 7, 8), 0)
    assert made.shape == (4, 4, 3) and made[0, 1].tolist() == [6, 6, 6]


def test_a_task_spoils_16_bits_as_it_does_8():
    inverted = work(Told(), GREY, ("invert", 0.0))._of_16_bits(deep(0, 1000, TOP), 0)
    assert inverted[0, :, 0].tolist() == pytest.approx([TOP, TOP - 1000, 0], abs=1)


def test_back_and_the_seed_are_handed_on():
    run = Told()
    work(run, back=True, seed=7).translated(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    assert run.asked[-1][1:] == (True, 7)


def opened(pixels: Tensor, opacity: Any = None) -> Any:
    row = SimpleNamespace(path="photo.png")
    found = SimpleNamespace(pixels=pixels, opacity=opacity, deep=None, row=row)
    return found


def test_what_an_image_is_spoiled_by_goes_with_its_place(tmp_path: Path):
    x = torch.full((3, 8, 8), 128, dtype=torch.uint8)
    for place in (0, 3):
        assert work(Told(), RGB, ("denoise", 25.0))._write(opened(x), tmp_path / "x.png", place) is None
        made = torch.from_numpy(np.array(Picture.open(tmp_path / "x.png"))).permute(2, 0, 1)
        assert torch.equal(made, spoiled(x[None], "denoise", 25.0, place)[0])


def test_the_shorter_side_must_be_long_enough(tmp_path: Path):
    for height, width in ((3, 90), (90, 3)):
        image = opened(torch.zeros(3, height, width, dtype=torch.uint8))
        problem = work(Told())._write(image, tmp_path / "x.png", 0)
        assert isinstance(problem, Problem) and f"it has {height}x{width} pixels" in str(problem)
    assert work(Told())._write(opened(torch.zeros(3, 4, 90, dtype=torch.uint8)), tmp_path / "x.png", 0) is None


def test_what_is_transparent_stays_so(tmp_path: Path):
    opacity = Picture.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    assert work(Told())._write(opened(torch.zeros(3, 8, 8, dtype=torch.uint8), opacity), tmp_path / "x.png", 0) is None
    with Picture.open(tmp_path / "x.png") as made:
        assert made.mode == "RGBA" and np.array_equal(np.asarray(made)[..., 3], np.asarray(opacity))


def test_a_folder_goes_on_where_all_that_it_was_made_by_is_equal(tmp_path: Path):
    assert not work(Told())._begin(tmp_path, AS_STORED) and work(Told())._begin(tmp_path, AS_STORED)
    other = Told()
    other.game = nn.Linear(1, 1)  # type: ignore[assignment]
    for changed in (
        work(Told(), seed=1), work(Told(), back=True), work(Told(), task=("invert", 0.0)), work(other),
    ):  # fmt: skip
        assert work(Told())._begin(tmp_path, AS_STORED)
        assert not changed._begin(tmp_path, AS_STORED) and changed._begin(tmp_path, AS_STORED)
        assert not work(Told())._begin(tmp_path, AS_STORED)
    assert json.loads((tmp_path / MADE_BY).read_text())["seed"] == 0
