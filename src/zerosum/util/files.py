"""Files that appear whole or not at all, and reading that neither hangs nor fills the memory."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from zerosum.util import memory
from zerosum.util.text import from_encodable

if sys.platform != "win32":
    import fcntl

# What `atomic_path` writes, and what downloads and packs of images do: the number is that of the process.
_LEFT = re.compile(r"\.partial-([0-9]+)-.+|.+\.([0-9]+)(?:\.[^.]+)?\.part", re.DOTALL)
_swept: set[Path] = set()  # folders that this process has looked through for what others left
_writing: set[str] = set()  # what this process is writing: a process before it may have had its number


@contextmanager
def atomic_path(path: Path, new: bool = False) -> Iterator[Path]:
    """A temporary path beside `path`, with its ending; renamed to `path` if the block succeeds, removed if not.

    The file is there, empty, when the block begins. What killed processes left in that folder is removed, at the first
    file that this process writes there.

    Args:
        new: replace nothing: what stands at `path` stays, also what appeared there during the block.

    Raises:
        FileExistsError: something stands at `path`, and the file was to be new.
        OSError: it cannot be written there, or what stands there is no file, a device say, which would be replaced.
    """
    if new and os.path.lexists(path):
        raise _exists(path)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := path.stat().st_mode):
            number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            why = os.strerror(number) if stat.S_ISDIR(mode) else f"it is {_kind(mode)}, and a file would replace it"
            raise OSError(number, why, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if (folder := path.parent.absolute()) not in _swept:
        _swept.add(folder)
        remove_leftovers(folder)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        with _named_as(path, partial), held(partial):
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            if new:
                _name(partial, path)
            else:
                partial.replace(path)
    finally:
        remove(partial)


def _name(partial: Path, path: Path) -> None:
    """Give a file the name `path`, too, which nothing may have, not even a link that leads nowhere."""
    try:
        os.link(partial, path)  # at once: nobody can come in between
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise _exists(path) from None
        partial.replace(path)


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


@contextmanager
def _named_as(path: Path, partial: Path) -> Iterator[None]:
    """Errors about the temporary file become those about the file that the user knows."""
    try:
        yield
    except OSError as error:
        if error.filename == str(partial):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def named(name: str) -> Path:
    """The file or folder that a name of data means: with the bytes that `text.encodable` took from it, if any."""
    path = Path(os.path.expanduser(name))
    return path if os.path.lexists(path) else Path(os.path.expanduser(from_encodable(name)))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep `remove_leftovers` of other threads, of other processes, and in other containers, from what is written at
    `path`: a file, which is there when the block begins.

    The lock falls with the process, however it ends. Windows removes no file that is open, and needs none.
    """
    name = os.path.abspath(path)
    _writing.add(name)
    try:
        with path.open("ab") as file:
            if sys.platform == "win32":
                file.close()
            else:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            yield
    finally:
        _writing.discard(name)


def plain_name(text: str) -> str:
    """`text` as a part of a file's name: without characters that some system forbids, at most 200 bytes of it."""
    allowed = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", text)
    return allowed.encode()[:200].decode(errors="ignore")  # no half a character


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: a reader, or a crash at any instant, sees the old file or the new one."""
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def is_regular(path: Path) -> bool:
    """Whether `path` is an ordinary file, or a link to one, and no FIFO or device, whose reading may never end."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):  # missing, a circle of links, or no path at all
        return False


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """An ordinary file, to read; `OSError` for a FIFO, a device or a folder, without waiting for a writer."""
    waiting = getattr(os, "O_NONBLOCK", 0)  # Windows has no FIFOs among its files
    descriptor = os.open(path, os.O_RDONLY | waiting | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, f"it is {_kind(mode)} and no file", str(path))
        yield file


def read_bytes(path: Path) -> bytes:
    """What an ordinary file holds.

    Raises:
        OSError: it is missing, no ordinary file, or cannot be read.
        OutOfMemoryError: it is larger than the memory that is left.
    """
    with open_regular(path) as file:
        memory.require(os.fstat(file.fileno()).st_size, f"reading {path}", "it is too large to be what it should be")
        return file.read()


def remove_leftovers(folder: Path) -> None:
    """Remove from `folder` the half-written files and folders of processes that run no more."""
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found]
    except OSError:
        return
    for name in names:
        left, path = _LEFT.fullmatch(name), folder / name
        if left and os.path.abspath(path) not in _writing and not _runs(int(left[1] or left[2])) and not _is_held(path):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what cannot be removed stays."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _runs(process: int) -> bool:
    """Whether there is another process of that number. In a container, this one may have that of one before."""
    if sys.platform == "win32":  # where `os.kill` would end it
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return process != os.getpid()


def _is_held(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(descriptor)
    return False


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for of, name in kinds if of(mode)), "a device")
