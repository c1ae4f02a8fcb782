"""What else could be trained, where a training would take more than a day: found by timing it, and said as commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum import cli, data
from zerosum.cli import dry_run
from zerosum.data.dataset import dataset
from zerosum.games import find
from zerosum.training import estimate
from zerosum.training.estimate import Pace
from zerosum.training.trainer import Trainer
from zerosum.workflows import alternatives as module
from zerosum.workflows.alternatives import DAY, alternatives, steps_in_a_day


def by_pixels(trainer: Trainer, patience: float = 0.0) -> Pace:
    """A machine that needs 0.1 s for 28x28 pixels of a generator of a million parameters."""
    pixels = trainer.stream().shape[-1] ** 2
    return Pace(0.1 * pixels / 28**2 * sum(p.numel() for p in trainer.game.parameters()) / 1e6, "")


def test_the_default_on_a_cpu_comes_first_and_smaller_images_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "pace_of", by_pixels)
    recipe = find("r3gan/images")
    images = dataset("x", torch.zeros(200, 3, 128, 96, dtype=torch.uint8))
    others = module._candidates(recipe, recipe.training, {}, images)
    first = [(other.name, size) for other, _, _, size in others][:4]
    assert first[:3] == [("r3gan/small", (64, 48)), ("r3gan/images", (64, 48)), ("r3gan/images", (32, 24))]
    found = alternatives(recipe, recipe.training, {}, images, torch.device("cpu"), 60.0)
    assert found and found[0].recipe.name == "r3gan/small" and found[0].size == (64, 48)
    assert all(other.seconds <= DAY and not other.recipe.name.endswith("toy") for other in found)
    assert len({other.recipe.name for other in found}) == len(found) <= module.MOST


def test_what_has_labels_is_replaced_by_what_uses_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "pace_of", lambda trainer, patience: Pace(0.01, ""))
    recipe = find("r3gan/classes")
    found = alternatives(recipe, recipe.training, {}, data.load("digits"), torch.device("cpu"), 60.0)
    assert found and all(other.recipe.labelled for other in found)


def test_nothing_that_takes_longer_than_a_day_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "pace_of", lambda trainer, patience: Pace(1e4, ""))
    recipe = find("gan/paper")
    assert (
        alternatives(recipe, recipe.training, {}, data.load("digits").without_labels(), torch.device("cpu"), 60.0) == []
    )


@pytest.mark.parametrize(
    ("seconds", "steps"), [(1.0, 86_000), (20.0, 4_300), (0.013, 6_600_000), (9e4, 0), (40_000.0, 2)]
)
def test_steps_in_a_day_are_said_in_two_digits(seconds: float, steps: int):
    assert steps_in_a_day(seconds) == steps and steps * seconds <= DAY


@pytest.mark.parametrize(
    "of_data",
    [[], ["--held-out 0.25", "--value-range 0.5 200", "--frames all"], ["--value-range -8 200", "--alpha keep"]],
)
def test_each_command_that_a_dry_run_names_is_one(
    of_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A folder with a blank in its name; the commands parse, and what was asked for stays in them."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for i in range(130):
        pixels = np.random.default_rng(i).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    monkeypatch.setattr(module, "pace_of", lambda trainer, patience: Pace(0.1, ""))
    monkeypatch.setattr(estimate, "pace_of", lambda trainer, patience: Pace(100.0, "from 2 of 4 samples"))
    monkeypatch.setattr(dry_run, "_share", lambda seconds: 60.0)  # the session of tests has begun long ago
    asked = ["train", "gan/tutorial", "--data", "my photos", "--batch-size", "4", "--seed", "7", "--size", "48"]
    assert cli.main([*asked, *" ".join(of_data).split(), "--device", "cpu", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("a dry run: nothing is trained") and "longer than a day" in err
    commands = re.findall(r"^or +zerosum (.*?)  # about ", out, re.M)
    assert len(commands) >= 3
    assert any(not command.startswith("train gan/tutorial") for command in commands)
    assert all(words in command for words in of_data for command in commands)
    assert any("--size 32" in command and "--seed 7" in command and "--size 48" not in command for command in commands)
    assert any(re.search(r"gan/tutorial .*--steps 860\b", command) for command in commands)
    for command in commands:
        monkeypatch.setattr(dry_run, "estimate", lambda trainer, patience: pytest.fail("reached"))
        with pytest.raises(pytest.fail.Exception, match="reached"):
            cli.main([*shlex.split(command), "--dry-run"])
    assert not (tmp_path / "runs").exists()
