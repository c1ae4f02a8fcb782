from __future__ import annotations

from pathlib import Path

import pytest
from shell import Call

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
