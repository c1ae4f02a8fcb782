"""What is written whole or not at all, and never in the place of something that is no file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from zerosum.util.files import write_atomic


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("make", [pipe, bound, link_to_device, Path.mkdir], ids=lambda make: make.__name__)
def test_what_is_no_file_is_not_replaced(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("x.json")
    make(path)
    before = path.lstat()
    with pytest.raises(OSError, match=r"a file would replace it|Is a directory") as error:
        write_atomic(path, b"{}")
    assert error.value.filename == "x.json" and path.lstat() == before
    assert [found.name for found in Path().iterdir()] == ["x.json"]


@pytest.mark.parametrize("name", ["y" * 300, "/proc/x.json", "file/x.json"])
def test_errors_name_what_the_user_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    with pytest.raises(OSError, match=r"No such file|too long|Not a directory") as error:
        write_atomic(Path(name), b"{}")
    assert ".partial" not in str(error.value)
