"""`zerosum train --task`: pairs of any images, by name and strength, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from zerosum.cli import main
from zerosum.cli.flags import AnyTask
from zerosum.data.pairs.tasks import TASKS
from zerosum.data.sources import with_task

NETWORK = ["--network.width", "2", "--patch.width", "2"]
QUICK = [*NETWORK, "--steps", "2", "--batch-size", "2", "--no-health", "--out", "run"]


@pytest.fixture(autouse=True)
def _photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).integers(0, 256, (9, 24, 24, 3), dtype=np.uint8))


def trained_on(*arguments: str) -> str:
    assert main(["train", *arguments, *QUICK]) == 0
    name: str = json.loads(Path("run/run.json").read_text())["data"]["name"]
    return name.replace(str(Path.cwd()), ".")


def test_every_task_is_a_flag() -> None:
    assert set(get_args(get_args(get_args(AnyTask)[0])[0])) == set(TASKS)


def test_pairs_of_any_images_and_their_two_sides() -> None:
    assert trained_on("pix2pix", "--data", "x.npy", "--task", "denoise", "--strength", "40") == "denoise@40:./x.npy"
    assert main(["resume", "run", "--steps", "3"]) == 0
    assert main(["translate", "run", "x.npy", "--out", "made"]) == 0
    assert len(list(Path("made").iterdir())) == 9


def test_cyclegan_takes_them_apart() -> None:
    name = trained_on("cyclegan", "--data", "x.npy", "--task", "invert", "--network.blocks", "1")
    assert name == "unpaired:invert:./x.npy"


def test_a_task_is_of_the_images_of_another() -> None:
    assert with_task("edges:digits", "denoise") == "denoise:digits"
    assert with_task("unpaired:invert:digits", "inpaint", 0.25, apart=True) == "unpaired:inpaint@0.25:digits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pix2pix", "--strength", "3"], "--strength is that of a task"),
        (["pix2pix", "--task", "denoise", "--strength", "900", "--data", "x.npy"], "a number from 1 to 255"),
        (["pix2pix", "--task", "noise"], "--task takes "),
        (["pix2pix", "--data", "x.npy"], "as by --task denoise"),
        (["cyclegan", "--data", "ring", "--task", "denoise"], "holds points"),
        (["dcgan", "--data", "x.npy", "--task", "denoise"], "draws x"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *arguments, "--steps", "2", "--out", "run"]) == 2
    assert message in capsys.readouterr().err
    assert not Path("run").exists()
