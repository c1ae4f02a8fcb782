"""Image files one by one, each at its own size, with what is transparent in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zerosum.data.dataset import Problem
from zerosum.data.images.contents import holds_image
from zerosum.data.images.decode import Encoded, Whole, decode_whole, probe, with_frames
from zerosum.data.images.folder import listing
from zerosum.data.request import Reading
from zerosum.util.text import legible


def files(path: Path) -> tuple[tuple[Encoded, ...], tuple[Problem, ...], tuple[str, ...]]:
    """The image files of a folder, or the one that `path` is; what cannot be looked at, and what is passed over.

    Raises:
        DataError: the folder cannot be read or holds no image.
    """
    if path.is_file():
        return (Encoded(legible(path.name), -1, path),), (), ()
    found = listing(path)
    return found.items, found.problems, found.notes


def is_of_files(path: Path) -> bool:
    """Whether `path` is a folder, or an image file."""
    return path.is_dir() or (path.is_file() and holds_image(path))


def images(item: Encoded, channels: int, reading: Reading) -> Iterator[Whole | Problem]:
    """The images of a file: its first frame, or each; or why one cannot be used."""
    headers = [probe(item)]
    for own, header in zip(*with_frames([item], headers, reading.frames), strict=True):
        yield header if isinstance(header, Problem) else decode_whole(own, channels, reading)
