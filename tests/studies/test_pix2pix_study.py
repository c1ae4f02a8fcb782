"""`zerosum reproduce pix2pix-tasks` in small: what is measured and judged, and that a training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from wave_photos import photo

from zerosum.data.images.benchmarks import Whole
from zerosum.studies import STUDIES, pix2pix_tasks, study
from zerosum.studies.pix2pix_tasks import PIX2PIX_TASKS, figures, gradient_energy, holds, tiles, with_noise

WIDTHS: dict[str, Any] = {"NETWORK": {"width": 4, "dropout": 0.0}, "JUDGE": {"width": 4, "field": 16}}


def wide(number: int, channels: int = 3) -> Whole:
    return photo(number, channels, 70, 140)


SETS = {"BSD100": [wide(0), wide(1, 1)], "Set5": [wide(2), wide(3)], "Set14": [wide(4, 1), wide(5)]}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (WIDTHS | {"STEPS": 3, "BATCH": 2, "SHOWN": 2}).items():
        monkeypatch.setattr(pix2pix_tasks, name, value)
    monkeypatch.setattr(pix2pix_tasks.benchmarks, "images", SETS.__getitem__)


def test_it_is_known():
    assert STUDIES["pix2pix-tasks"] is PIX2PIX_TASKS and PIX2PIX_TASKS.seeds == (0,)
    parts = PIX2PIX_TASKS.parts(0)
    assert len(set(parts)) == 12
    assert max(parts.index(f"{task} L1") for task in pix2pix_tasks.TASKS) < parts.index("denoise L1+cGAN")


def test_tiles_do_not_overlap_and_are_in_colour():
    image = photo(0, 3, 130, 200)
    found = tiles([image, wide(1, 1)])
    assert found.shape == (6, 3, 64, 64)
    assert torch.equal(found[4], image.pixels[:, 64:128, 64:128])
    large = photo(0, 3, 640, 640)
    few = tiles([large])
    assert len(few) == pix2pix_tasks.MOST
    for place, tile in enumerate(few):  # from all over it
        row, column = divmod(place * 100 // pix2pix_tasks.MOST, 10)
        assert torch.equal(tile, large.pixels[:, 64 * row : 64 * row + 64, 64 * column : 64 * column + 64])


def test_nothing_is_learnt_from_what_is_measured(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(pix2pix_tasks.benchmarks, "images", lambda name: asked.append(name) or SETS[name])
    assert len(pix2pix_tasks.test_crops()) == 2 + 2 + 2 and asked == ["Set5", "Set14"]


def test_figures_by_hand():
    real = tiles([wide(0), wide(2)])
    same = figures(real, real)
    assert same["energy"] == 1 and same["frechet"] == pytest.approx(0, abs=1e-4) and same["ssim"] == pytest.approx(1)
    off = (real.int() + torch.where(real < 128, 10, -10)).to(torch.uint8)
    assert figures(off, real)["psnr"] == pytest.approx(28.13, abs=0.01), "20 log10(255 / 10)"
    assert figures(real // 2, real)["energy"] == pytest.approx(0.25, rel=0.02), "of what is made, over that of the real"
    assert gradient_energy(torch.tensor([[[0.0, 3.0], [4.0, 7.0]]])) == 16 + 9


def test_noise_gives_each_tile_the_energy_of_its_partner():
    sharp = tiles([wide(0), wide(2)])
    plain = sharp // 2 + 60
    noisy = with_noise(plain, sharp, seed=0)
    for own, other in zip(noisy, sharp, strict=True):
        assert gradient_energy(own) == pytest.approx(gradient_energy(other), rel=0.02)
    alike = with_noise(plain[:1].expand(2, -1, -1, -1), sharp[:1].expand(2, -1, -1, -1), seed=0)
    assert not torch.equal(alike[0], alike[1]) and torch.equal(alike[0], noisy[0]), "each has noise of its own"
    assert not torch.equal(alike[0], with_noise(plain[:1], sharp[:1], seed=1)[0])
    assert torch.equal(with_noise(sharp, plain, 0), sharp), "tiles that are sharp enough stay as they are"


def row(psnr: float, energy: float, frechet: float) -> dict[str, float]:
    return {"psnr": psnr, "ssim": 0.8, "energy": energy, "frechet": frechet}


GOOD = {"L1": row(28.0, 0.6, 2.0), "L1 and noise": row(27.0, 0.8, 1.5), "L1+cGAN": row(27.5, 0.8, 1.0)}
MINDS = {"real": 1.0, "swapped": -1.0, "lower": 0.9}


def test_what_a_task_has_to_hold():
    def judged(logits: dict[str, float] = MINDS, **changed: dict[str, float]) -> bool:
        return holds(GOOD | {name.replace("_", "+"): figures for name, figures in changed.items()}, logits)

    assert judged()
    assert judged(L1_cGAN=row(27.5, 1.3, 1.0)), "0.3 above the real energy is nearer than 0.4 below"
    assert not judged(L1_cGAN=row(27.5, 0.6, 1.0)) and not judged(L1_cGAN=row(27.5, 1.5, 1.0)), "energy"
    assert not judged(L1=row(28.0, 0.6, 0.9)), "L1's patches are nearer"
    assert not judged(L1=row(28.6, 0.6, 2.0)), "more than 1 dB below L1"
    assert not judged(L1_cGAN=row(26.9, 0.8, 1.0), L1=row(27.5, 0.6, 2.0)), "noise has the higher PSNR"
    noisy = {**GOOD, "L1 and noise": row(27.0, 0.8, 0.9)}
    assert not holds(noisy, MINDS), "noise has the nearer patches"
    assert not judged({"real": 1.0, "swapped": 1.0, "lower": 0.5}), "D does not mind the input"


def test_the_value_is_how_many_tasks_hold():
    def parts(failing: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for task in pix2pix_tasks.TASKS:
            own = {"task": task, "seed": 0}
            logits = MINDS if task != failing else {**MINDS, "swapped": 2.0}
            found.append({**own, "rows": {"L1": GOOD["L1"], "input": row(20.0, 1.0, 3.0)}})
            found.append({**own, "rows": {"cGAN": row(24.0, 1.0, 0.5)}})
            both = {name: GOOD[name] for name in ("L1+cGAN", "L1 and noise")}
            found.append({**own, "rows": both, "judged": logits})
        return found

    summary = dict(PIX2PIX_TASKS.summarise(parts()))
    assert summary["values"] == [4] and PIX2PIX_TASKS.reached(summary)
    summary = dict(PIX2PIX_TASKS.summarise(parts("inpaint")))
    assert summary["values"] == [3] and not PIX2PIX_TASKS.reached(summary)
    assert summary["held"] == {"denoise": [True], "inpaint": [False], "colorize": [True], "superres": [True]}
    assert "inpaint does not" in PIX2PIX_TASKS.ours(summary) and "3 of 4" in PIX2PIX_TASKS.ours(summary)


@pytest.mark.usefixtures("small")
def test_parts_are_run_and_shown(tmp_path: Path):
    def done(part: str, work: Path = tmp_path) -> dict[str, Any]:
        return dict(pix2pix_tasks.run(part, 0, 1.0, study.part_folder(work, 0, part)))

    found = [done(part) for part in PIX2PIX_TASKS.parts(0)]
    assert [list(own["rows"]) for own in found if own["task"] == "colorize"] == [
        ["L1", "input"],
        ["cGAN"],
        ["L1+cGAN", "L1 and noise"],
    ]
    assert all(own["steps"] == 3 for own in found)
    assert done("colorize L1+cGAN") == found[-2], "from its checkpoint"
    alone = done("colorize L1+cGAN", tmp_path / "alone")
    assert alone == found[-2], "without L1's part, whose images it makes by itself"
    summary = dict(PIX2PIX_TASKS.summarise(found))
    assert 0 <= summary["values"][0] <= 4
    pix2pix_tasks.draw({"seeds": [0], **summary}, tmp_path, tmp_path / "tasks.png")
    with Image.open(tmp_path / "tasks.png") as picture:
        assert picture.width > 2 * 64 and picture.height > 4 * 6 * 64


@pytest.mark.usefixtures("small")
def test_the_swapped_input_is_of_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trainer = pix2pix_tasks.trained("denoise", "L1+cGAN", SETS["BSD100"], 0, 1.0, tmp_path)
    b = tiles(SETS["Set5"])

    class Alike(torch.nn.Module):
        def forward(self, seen: Tensor) -> Tensor:
            return -(seen[:, :3] - seen[:, 3:]).abs().mean((1, 2, 3), keepdim=True)

    monkeypatch.setattr(trainer.game, "discriminator", Alike())
    found = pix2pix_tasks.judged(trainer, b, b)
    assert found["real"] == 0 and found["swapped"] < 0 and found["lower"] == 1
