"""Image files one by one, each at its own size, with what is transparent in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zerosum.data.dataset import Problem
from zerosum.data.images.contents import holds_image
from zerosum.data.images.decode import Deep, Encoded, Probe, Row, alpha, decode, decode_deep, probe, with_frames
from zerosum.data.images.folder import listing
from zerosum.data.request import Reading
from zerosum.util.text import legible


@dataclass(frozen=True, eq=False)
class Opened:
    """An image at its own size, upright."""

    row: Row
    opacity: Image.Image | None  # of 8 bits, where some of it is transparent
    deep: Deep | None = None  # the same in 16 bits, where the file has more than 8

    @property
    def pixels(self) -> Tensor:
        """uint8 (C, H, W); laid over white where it is transparent."""
        return torch.from_numpy(np.ascontiguousarray(self.row.pixels))


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


def images(item: Encoded, channels: int, reading: Reading) -> Iterator[tuple[str, Opened | Problem]]:
    """The images of a file with their names: its first frame, or each; or why one cannot be used."""
    headers = [probe(item)]
    for own, header in zip(*with_frames([item], headers, reading.frames), strict=True):
        if isinstance(header, Problem):
            yield own.name, header
            continue
        assert isinstance(header, Probe)
        row = decode(own, channels, (header.height, header.width), reading=reading)
        if isinstance(row, Problem):
            yield own.name, row
        else:
            yield own.name, Opened(row, alpha(own), decode_deep(own, reading))
