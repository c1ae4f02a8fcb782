"""Crops of the files of a folder, as these are stored: super-resolution learns their own pixels, never scaled ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Generator

from zerosum.data.dataset import DataError, Dataset, Problem, dataset
from zerosum.data.images.decode import Encoded, Probe, Row, decode, probe_all, with_frames
from zerosum.data.images.folder import layout, listing
from zerosum.data.images.pack import Contents, cached
from zerosum.data.request import Request
from zerosum.util.files import named

SIDE = 96  # pixels of a crop unless a size is asked for; Ledig et al., 2017, section 3.2
OVER = 4  # crops that a pixel of a file is in on average
MOST = 64  # crops of a file


def crops(request: Request) -> Dataset:
    """Crops of the image files of the folder that the request names, as `x`; `request.size`, by default 96x96.

    A file has as many as hold its pixels four times, at most 64, at places drawn by `request.seed` and its name. Files
    that are smaller than a crop are left out, and named.

    Raises:
        DataError: the folder cannot be read, or no image in it is large enough.
    """
    root = named(request.name)
    found = listing(root)
    size = request.size or (SIDE, SIDE)
    probes = list(probe_all(found.items))
    items, headers = with_frames(found.items, probes, request.reading.frames)
    channels = layout([header for header in headers if isinstance(header, Probe)], size)[0]
    large = [header for header in headers if isinstance(header, Probe) and _count(header, size)]
    if not large:
        problem = next((str(header) for header in headers if isinstance(header, Problem)), "")
        raise DataError(
            f"no image of {root} is as large as a crop of {size[0]}x{size[1]} pixels: choose a smaller --size"
            f"{'; ' if problem else ''}{problem}"
        )

    def build() -> Contents:
        rows = _cropped(items, headers, channels, size, request)
        return (channels, *size), rows, sum(_count(header, size) for header in large)

    reading = request.reading
    key = ["crops", size, request.seed, found.stamps, reading.value_range, reading.frames]
    pack = cached(str(root), key, build)
    return dataset(
        request.name,
        pack.x,
        problems=found.problems + pack.problems,
        digest=pack.digest,
        notes=(*found.notes, *pack.notes),
    )


def _cropped(
    items: list[Encoded], headers: list[Probe | Problem], channels: int, size: tuple[int, int], request: Request
) -> Iterator[Row | Problem]:
    for done, (item, header) in enumerate(zip(items, headers, strict=True), 1):
        if isinstance(header, Problem):
            yield header
            continue
        if not (count := _count(header, size)):
            reason = f"it has {header.height}x{header.width} pixels, fewer than a crop of {size[0]}x{size[1]}"
            yield Problem(item.name, f"{reason}; choose a smaller --size to learn from it")
            continue
        row = decode(item, channels, (header.height, header.width), reading=request.reading)
        if isinstance(row, Problem):
            yield row
            continue
        generator = torch.Generator().manual_seed(_seed(item.name, request.seed))
        for top, left in _places((header.height, header.width), size, count, generator):
            crop = row.pixels[:, top : top + size[0], left : left + size[1]]
            yield row._replace(pixels=np.ascontiguousarray(crop))
        if request.progress:
            request.progress("cropping images", done, len(items))


def _count(header: Probe, size: tuple[int, int]) -> int:
    """Crops of a file; 0 where it is smaller than one."""
    free = [whole - side + 1 for whole, side in zip((header.height, header.width), size, strict=True)]
    if min(free) < 1:
        return 0
    covering = round(OVER * header.height * header.width / math.prod(size))
    return min(MOST, covering, math.prod(free))


def _places(whole: tuple[int, int], size: tuple[int, int], count: int, generator: Generator) -> list[tuple[int, int]]:
    """(top, left) of each crop."""
    free = [side - own + 1 for side, own in zip(whole, size, strict=True)]
    drawn = (torch.randint(most, (count,), generator=generator).tolist() for most in free)
    return list(zip(*drawn, strict=True))


def _seed(name: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big") >> 1
