"""Image files one by one, each at its own size, with what is transparent in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from zerosum.data.dataset import Problem
from zerosum.data.images.contents import holds_image, look
from zerosum.data.images.decode import Encoded, Whole, decode_whole, probe
from zerosum.data.images.folder import listed
from zerosum.data.request import Reading
from zerosum.util.memory import is_failure
from zerosum.util.text import legible

T = TypeVar("T")


def files(path: Path, without: Path) -> tuple[tuple[Encoded, ...], tuple[Problem, ...], tuple[str, ...]]:
    """The image files of a folder, or the one that `path` is; what cannot be looked at, and what is passed over.

    Those that zerosum made are among them, but for what lies in the folder `without`.

    Raises:
        DataError: the folder cannot be read or holds no image.
    """
    if path.is_file():
        return (Encoded(legible(path.name), -1, path),), (), ()
    inventory = look(path, without)
    inventory.images = [replace(image, made=False) for image in inventory.images]
    found = listed(path, inventory)
    return found.items, found.problems, found.notes


def is_of_files(path: Path) -> bool:
    """Whether `path` is a folder, or an image file."""
    return path.is_dir() or (path.is_file() and holds_image(path))


def frames(item: Encoded) -> list[Encoded]:
    """Each frame of a file that is a picture; the file alone where that cannot be told."""
    header = _where_it_fits(item, lambda: probe(item))
    if isinstance(header, Problem):
        return [item]
    return [item._replace(frame=number, of=len(header.frames)) for number in header.frames]


def image(item: Encoded, channels: int, reading: Reading) -> Whole | Problem:
    """One image; or why it cannot be used, which may be that memory has no room for it."""
    header = _where_it_fits(item, lambda: probe(item))
    if isinstance(header, Problem):
        return header
    own = item if item.frame else item._replace(of=len(header.frames))
    return _where_it_fits(item, lambda: decode_whole(own, channels, reading))


def _where_it_fits(item: Encoded, read: Callable[[], T | Problem]) -> T | Problem:
    """What is read of an image; a problem where memory has no room for it."""
    try:
        return read()
    except Exception as error:
        if not is_failure(error):
            raise
        return Problem(item.name, str(error) or "it does not fit into memory")
