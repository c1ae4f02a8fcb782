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

from zerosum.data.images.decode import Whole
from zerosum.data.pairs.tasks import spoiled
from zerosum.data.request import AS_STORED, Reading
from zerosum.modality import Image
from zerosum.workflows.together import Waiting, write
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

    def passage(self, back: bool) -> Any:
        return SimpleNamespace(in_parts=lambda *size: False, at_once=lambda *size: 1, require=lambda *size: None)

    def assert_finite(self, x: Tensor, what: str) -> Tensor:
        return x


def work(run: Told, image: Image = RGB, task: tuple[str, float] | None = None, **other: Any) -> _Work:
    role: Any = SimpleNamespace(network=lambda back: run.game, smallest=4)
    given: dict[str, Any] = {"back": False, "seed": 0, "progress": None, **other}
    return _Work(run, role, image, image, task=task, **given)  # type: ignore[arg-type]


def deep(*values: int) -> Whole:
    return Whole("photo.png", np.array(values, np.uint16).reshape(1, 1, -1).repeat(4, 1), None)


def made_of(work: _Work, image: Whole, place: int = 0) -> Tensor:
    """What is written of an image, (C', H, W)."""
    return work._made(work._seen(image, place)[None])[0]


def test_16_bits_reach_from_minus_one_to_one_and_are_cut_off_there():
    run = Told()
    made = made_of(work(run, GREY), deep(0, 1, 32768, TOP))
    assert made[0, 0].tolist() == [0, 1, 32768, TOP]
    shown = run.asked[-1][0]
    assert shown.flatten()[:4].tolist() == pytest.approx([-1, 2 / TOP - 1, 65536 / TOP - 1, 1], abs=1e-7)
    for added, expected in ((0.5, [16384, 49152, TOP]), (-0.5, [0, 16384, 49151])):
        made = made_of(work(Told(added), GREY), deep(0, 32768, TOP))
        assert made[0, 0].tolist() == pytest.approx(expected, abs=1)


def test_colours_of_16_bits_become_grey_by_luminance_and_grey_is_repeated():
    rows = (np.eye(3)[:, :, None] * np.ones(4) * TOP).astype(np.uint16)  # red, green and blue
    colours = Whole("photo.png", rows, None)
    grey = made_of(work(Told(), GREY), colours)
    assert grey[0, :, 0].tolist() == pytest.approx([0.299 * TOP, 0.587 * TOP, 0.114 * TOP], abs=1)
    made = made_of(work(Told(), RGB), deep(5, 6, 7, 8))
    assert made.shape == (3, 4, 4) and made[:, 0, 1].tolist() == [6, 6, 6]


def test_a_task_spoils_16_bits_as_it_does_8():
    inverted = made_of(work(Told(), GREY, ("invert", 0.0)), deep(0, 1000, TOP))
    assert inverted[0, 0].tolist() == pytest.approx([TOP, TOP - 1000, 0], abs=1)


def test_back_and_the_seed_are_handed_on():
    run = Told()
    work(run, back=True, seed=7).translated(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    assert run.asked[-1][1:] == (True, 7)


def test_what_an_image_is_spoiled_by_goes_with_its_place():
    x = np.full((3, 8, 8), 128, np.uint8)
    for place in (0, 3):
        made = made_of(work(Told(), RGB, ("denoise", 25.0)), Whole("photo.png", x, None), place)
        assert torch.equal(made, spoiled(torch.from_numpy(x)[None], "denoise", 25.0, place)[0])


def test_the_shorter_side_must_be_long_enough(tmp_path: Path):
    for name, size in {"flat": (90, 3), "narrow": (3, 90), "enough": (90, 4)}.items():
        Picture.new("RGB", size).save(tmp_path / f"{name}.png")
    found = work(Told()).of_files(tmp_path, tmp_path / "out", AS_STORED)
    reasons = {problem.path: problem.reason for problem in found.problems}
    assert {"flat.png", "narrow.png"} == set(reasons) and "it has 3x90 pixels" in reasons["flat.png"]
    assert "it has 90x3 pixels" in reasons["narrow.png"] and [path.name for path in found.files] == ["enough.png"]


def test_what_is_transparent_stays_so(tmp_path: Path):
    opacity, x = np.arange(64, dtype=np.uint8).reshape(8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)
    write(Waiting(tmp_path / "x.png", Whole("photo.png", x.numpy(), opacity), x), x)
    with Picture.open(tmp_path / "x.png") as made:
        assert made.mode == "RGBA" and np.array_equal(np.asarray(made)[..., 3], opacity)


def test_a_folder_goes_on_where_all_that_it_was_made_by_is_equal(tmp_path: Path):
    own = work(Told())._begin(tmp_path, AS_STORED)
    assert work(Told())._begin(tmp_path, AS_STORED) == own
    other = Told()
    other.game = nn.Linear(1, 1)  # type: ignore[assignment]
    others = [work(Told(), seed=1), work(Told(), back=True), work(Told(), task=("invert", 0.0)), work(other)]
    made_by = {own, *(changed._begin(tmp_path, AS_STORED) for changed in others)}
    made_by.add(work(Told())._begin(tmp_path, Reading(value_range=(0, 9))))
    assert len(made_by) == 6
    work(Told())._begin(tmp_path, AS_STORED)
    assert json.loads((tmp_path / MADE_BY).read_text())["seed"] == 0
