"""What is written whole or not at all, and never in the place of something that is no file."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from zerosum.util.files import atomic_path, write_atomic


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


def no_links(*given: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_new_file_replaces_nothing(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.chdir(tmp_path)
    path = Path("x.json")
    with atomic_path(path, new=True) as partial:
        partial.write_text("new")
    assert path.read_text() == "new" and [found.name for found in Path().iterdir()] == ["x.json"]
    assert path.stat().st_nlink == 1
    for make in (lambda: path.write_text("mine"), lambda: path.symlink_to("nowhere"), path.mkdir):
        path.unlink()
        with pytest.raises(FileExistsError) as error, atomic_path(path, new=True):
            make()
        assert error.value.filename == "x.json" and error.value.filename2 is None
        before = path.lstat()
        with pytest.raises(FileExistsError), atomic_path(path, new=True):
            pytest.fail("it is there")
        assert path.lstat() == before and [found.name for found in Path().iterdir()] == ["x.json"]
