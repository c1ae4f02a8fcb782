"""How many files a reader opens to follow a command: the modules of the package whose functions it enters."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from PIL import Image

import zerosum
from zerosum.cli.commands import evaluate
from zerosum.cli.commands import train as train_command

ROOT = str(Path(zerosum.__file__).parent)


class Walk:
    """Collects the files of the package that are entered until a function returns; imports do not count."""

    def __init__(self, last: str):
        self.last, self.files, self.ended = last, {}, False

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if self.ended or not code.co_filename.startswith(ROOT):
            return
        if event == "call" and code.co_filename not in self.files and not _imports(frame):
            self.files[code.co_filename] = code.co_qualname
        self.ended = event == "return" and code.co_qualname == self.last


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(ROOT):
            return True
        frame = frame.f_back
    return False


def walk(command, arguments: Sequence[str], last: str) -> list[str]:
    seen = Walk(last)
    sys.setprofile(seen)
    try:
        command.run(arguments)
    finally:
        sys.setprofile(None)
    assert seen.ended
    return [f"{Path(file).relative_to(ROOT)} {name}" for file, name in seen.files.items()]


def test_evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command to the first value of a metric; beside its own floors it loads a run and data, and draws."""
    monkeypatch.chdir(tmp_path)
    zerosum.train("gan/toy", "ring", "run", steps=2, batch_size=8, quiet=True)
    files = walk(evaluate, ["run", "-n", "60", "--metrics", "frechet", "--out", "x.json"], "Frechet.measure")
    assert "frechet" in capsys.readouterr().out
    own = [file for file in files if file.partition("/")[0] in ("cli", "workflows", "evaluation", "metrics")]
    assert len(own) <= 14, "\n".join(own)
    assert len(files) <= 42, "\n".join(files)


def test_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command to the first gradient of the default recipe of a GPU on a folder of images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i in range(8):
        Image.new("RGB", (32, 32), (30 * i, 0, 0)).save(tmp_path / "photos" / f"{i}.png")
    flags = ["r3gan/images", "--data", "photos/", "--steps", "1", "--batch-size", "4", "--out", "run"]
    files = walk(train_command, flags, "Trainer.play")
    assert "r3gan/images" in capsys.readouterr().err
    assert len(files) <= 75, "\n".join(files)
