from __future__ import annotations

from pathlib import Path

import pytest
from shell import EXAMPLE, Call

import zerosum
from zerosum.cli import main


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # tyro's help and its refusals
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of images."""
    out = tmp_path_factory.mktemp("runs") / "images"
    zerosum.train("gan/tutorial", "digits", out, steps=4, batch_size=8, quiet=True)
    return out


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of a class-conditional recipe from outside the package."""
    out = tmp_path_factory.mktemp("runs") / "labelled"
    zerosum.train(f"{EXAMPLE}:digits", "digits", out, steps=4, batch_size=8, quiet=True)
    return out
