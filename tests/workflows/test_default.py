"""`zerosum train --data photos/` on a CPU and on a GPU: which recipe it is, at which size, and what is said when."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zerosum
from zerosum import data
from zerosum.errors import ZerosumError
from zerosum.games import RECIPES, find
from zerosum.recipe import Training
from zerosum.run.directory import RunDirectory
from zerosum.training.estimate import Pace, pace_of
from zerosum.training.hooks import console as progress
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng
from zerosum.util.console import errors
from zerosum.workflows import session
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.session import SamplePictures
from zerosum.workflows.train import default_recipe

QUICK: dict[str, Any] = {"steps": 4, "batch_size": 4, "device": "cpu"}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of 40x30 pixels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(12):
        pixels = np.random.default_rng(i).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize(("device", "name", "other"), [
    ("cpu", "r3gan/small", "r3gan/images"), ("cuda", "r3gan/images", "r3gan/small"),
])  # fmt: skip
def test_the_default_goes_by_the_device(device: str, name: str, other: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(distributed, "start", lambda: torch.device(device))
    found, why = default_recipe()
    assert found == name and name in RECIPES
    assert why.startswith(f"{name}, the default on a {'GPU' if device == 'cuda' else 'CPU'}")
    assert f"`zerosum train {other}`" in why and "\n" not in why


def test_a_device_that_is_named_decides(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(distributed, "start", lambda: torch.device("cuda"))
    assert default_recipe("cpu")[0] == "r3gan/small"
    with pytest.raises(ZerosumError, match="cannot compute on 'nonsense'"):
        default_recipe("nonsense")


def test_training_without_a_recipe_says_which_and_why(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = zerosum.train(data=str(photos), out=tmp_path / "run", **QUICK)
    err = capsys.readouterr().err
    assert run.record.recipe == "r3gan/small" and "r3gan/small, the default on a CPU" in err
    zerosum.train("r3gan/small", data=str(photos), out=tmp_path / "named", **QUICK)
    assert "the default on" not in capsys.readouterr().err
    zerosum.train(data=str(photos), out=tmp_path / "quiet", quiet=True, **QUICK)
    assert capsys.readouterr().err == ""


def test_a_run_says_its_duration_and_where_its_pictures_are_before_its_first_step(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    printed: list[str] = []

    def look(trainer: Trainer) -> None:
        if trainer.step == 1:
            printed.append(capsys.readouterr().err)

    zerosum.train(data=str(photos), out=tmp_path / "run", hooks=[look], **QUICK | {"steps": 2})
    (err,) = printed
    assert re.search(r"(about|at most) \d+ s on this machine, at [\d.]+ s a step", err)
    assert f"pictures of samples: {tmp_path / 'run' / 'samples'}" in err
    assert "images are learnt at 40x30 pixels" in err


def test_a_resumed_run_promises_no_first_picture(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    zerosum.train(data=str(photos), out=tmp_path / "run", **QUICK | {"steps": 1})
    assert ", the first within" in capsys.readouterr().err
    zerosum.resume(tmp_path / "run", steps=2, device="cpu")
    err = capsys.readouterr().err
    assert f"pictures of samples: {tmp_path / 'run' / 'samples'}\n" in err and "the first within" not in err


def test_a_quiet_run_is_not_timed(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "pace_of", lambda trainer, patience: pytest.fail("nobody reads it"))
    zerosum.train(data=str(photos), out=tmp_path / "run", quiet=True, **QUICK | {"steps": 1})


def test_what_to_expect_is_said_with_its_time(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    milestones = find("r3gan/small").milestones
    assert milestones and all(0 < step <= find("r3gan/small").training.steps for step in milestones)
    steps = min(milestones)

    def stop(trainer: Trainer) -> None:
        trainer.stopping = True

    zerosum.train(data=str(photos), out=tmp_path / "run", hooks=[stop], **QUICK | {"steps": steps})
    err = capsys.readouterr().err
    assert re.search(rf"after about .+ \({steps:,} steps\): {re.escape(milestones[steps])}\n", err)
    assert all(f"({step:,} steps)" not in err for step in milestones if step > steps)


def test_a_heavy_recipe_on_a_cpu_is_told_of_the_light_one(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "pace_of", lambda trainer, patience: Pace(20.0, "from 2 of 4 samples"))
    for recipe in ("r3gan/images", "r3gan/small"):
        network = {"widths": (8,), "blocks": 1} if recipe == "r3gan/images" else {"g_width": 4, "d_width": 4}

        def stop(trainer: Trainer) -> None:
            trainer.stopping = True

        zerosum.train(recipe, str(photos), tmp_path / recipe, network=network, hooks=[stop], batch_size=4, device="cpu")
        err = capsys.readouterr().err
        assert ("`zerosum train r3gan/small` trains images on a CPU" in err) is (recipe == "r3gan/images")
        assert ("about 1736 h" in err) is (recipe == "r3gan/images")
        assert "(from 2 of 4 samples)" in err and "`--dry-run` measures what fits into a day" in err


@pytest.mark.parametrize(("side", "asked", "learnt"), [
    ((30, 40), None, (30, 40)), ((100, 100), None, (64, 64)), ((80, 160), None, (32, 64)), ((100, 100), 20, (20, 20)),
    ((100, 100), 80, (80, 80)), ((600, 500), None, (64, 64)),
])  # fmt: skip
def test_large_images_are_learnt_small(
    side: tuple[int, int], asked: int | None, learnt: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        Image.new("RGB", side[::-1], (40 * i, 0, 90)).save(folder / f"{i}.png")
    options: dict[str, Any] = {**QUICK, "network": {"g_width": 4, "d_width": 4}, "quiet": True, "size": asked}
    run = zerosum.train(data=str(folder), out=tmp_path / "run", **options)
    assert run.record.data.size == learnt
    again = zerosum.resume(tmp_path / "run", steps=6, quiet=True)
    assert again.step == 6 and again.record.data.size == learnt


@pytest.mark.parametrize(("recipe", "side"), [("r3gan/small", 32), ("stackgan/plain", 64)])
def test_shapes_are_drawn_at_the_side_of_recipes_that_want_them_so(recipe: str, side: int) -> None:
    options = {"network": {"g_width": 4, "d_width": 4} if side == 32 else {"width": 4, "second_width": 4}}
    prepared = prepare(find(recipe), find(recipe).training, options, DataChoice("shapes"))
    assert prepared.data.shape == (3, side, side)


def test_another_recipe_keeps_the_size(tmp_path: Path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        Image.new("RGB", (100, 100), (40 * i, 0, 90)).save(folder / f"{i}.png")
    run = zerosum.train("dcgan", str(folder), tmp_path / "run", network={"width": 2}, quiet=True, **QUICK)
    assert run.record.data.size == (100, 100)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pictures_by(
    tmp_path: Path, seconds_a_step: float, steps: int, sample_every: int, before: float = 0.0
) -> tuple[dict[int, float], list[str]]:
    """The seconds after which there was a picture, by step, and the lines that were printed."""
    run = zerosum.train("gan/toy", out=tmp_path / "run", steps=2, batch_size=8, quiet=True, sample_every=40)
    trainer = small_trainer(steps=steps, sample_every=sample_every)
    directory, clock, said = RunDirectory(tmp_path / "run"), Clock(), list[str]()
    hook = SamplePictures(directory, run.record, lambda run: Image.new("RGB", (2, 2)), before, said.append, clock)
    times: dict[int, float] = {}
    for step in range(1, steps + 1):
        for old in directory.samples.iterdir():
            old.unlink()
        trainer.step, clock.now = step, 1000.0 + seconds_a_step * step
        hook(trainer)
        if any(directory.samples.iterdir()):
            times[step] = before + seconds_a_step * step
    return times, said


def test_pictures_come_by_time_and_by_steps(tmp_path: Path):
    times, said = pictures_by(tmp_path, 3.0, 100, 90)
    assert [*times.values()] == [12.0, 30.0, 60.0, 120.0, 240.0, 270.0, 300.0]
    assert len(said) == 5 and "samples after 12 s: " in said[0] and said[0].endswith("step-00000004.png")


def test_long_steps_each_have_their_picture_at_first(tmp_path: Path):
    times, _ = pictures_by(tmp_path, 25.0, 12, 500)
    assert [*times.values()] == [25.0, 50.0, 75.0, 125.0, 250.0, 300.0]


def test_no_picture_by_time_comes_shortly_after_one_by_steps(tmp_path: Path):
    times, said = pictures_by(tmp_path, 0.5, 140, 10)
    assert [*times.values()] == [5.0 * n for n in range(1, 15)] and said == []


def test_a_resumed_run_goes_on_with_its_pictures_by_time(tmp_path: Path):
    times, _ = pictures_by(tmp_path, 5.0, 13, 500, before=25.0)
    assert [*times.values()] == [30.0, 60.0, 90.0]  # the last step has one, too


def small_trainer(**training: Any) -> Trainer:
    ring = data.load("ring", labels=False)
    rng.seed(0)
    made = Trainer(find("gan/toy").build(ring.spec), data.Stream(ring, 8, seed=0), Training(**training))
    made.game.train()
    return made


def test_pictures_by_time_cost_no_random_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weights = []
    for first in (1e9, 1e-6):
        monkeypatch.setattr(session, "FIRST_PICTURES", (first,))
        run = zerosum.train("gan/toy", out=tmp_path / str(first), steps=6, batch_size=8, quiet=True, seed=3)
        weights.append([p.detach().clone() for p in run.game.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


@pytest.mark.parametrize("name", ["gan/toy", "r3gan/images", "r3gan/small", "sgan/images", "wgan-gp/images"])
def test_the_estimate_leaves_the_trainer_as_it_is(name: str):
    recipe = find(name)
    source = data.load("digits", size=(12, 12)) if recipe.data not in ("ring",) else data.load(recipe.data)
    loaded = source if recipe.labelled else source.without_labels()
    states = []
    for estimated in (False, True):
        rng.seed(1)
        network = {"network": {"widths": (8,), "blocks": 1}} if name == "r3gan/images" else {}
        game = recipe.build(loaded.spec, network)
        stream = data.Stream(loaded, 8, seed=1, batch=recipe.batch)
        trainer = Trainer(game, stream, Training(batch_size=8, precision="fp32"))
        trainer.game.train()
        if estimated:
            assert 0 < pace_of(trainer, 1.0).seconds < 60
        trainer.round()
        trainer.round()
        states.append({k: v.clone() for k, v in trainer.game.state_dict().items()})
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_a_step_that_takes_long_is_not_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    import time

    monkeypatch.setattr(progress, "EVERY", 0.05)
    monkeypatch.setattr(progress, "SLOW", 0.1)
    trainer = small_trainer(steps=10)
    with progress.TrainingProgress(errors(), 10) as shown:
        time.sleep(0.3)
        trainer.step = 1
        shown(trainer)
    err = capsys.readouterr().err
    assert "a step is running, for" in err and "the first step took" in err
