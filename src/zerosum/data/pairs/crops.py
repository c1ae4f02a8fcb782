"""Crops of the files of a folder, as these are stored: super-resolution learns their own pixels, never scaled ones."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator

import numpy as np
import torch

from zerosum.data.dataset import DataError, Dataset, Problem, dataset
from zerosum.data.images.decode import Encoded, Pixels, Probe, Row, decode, probe_all, with_frames
from zerosum.data.images.folder import how_read, layout, listing
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
    channels = layout([header for header in headers if isinstance(header, Probe)], size, request.reading)[0]
    large = [header for header in headers if isinstance(header, Probe) and _count((header.height, header.width), size)]
    if not large:
        problem = next((str(header) for header in headers if isinstance(header, Problem)), "")
        raise DataError(
            f"no image of {root} is as large as a crop of {size[0]}x{size[1]} pixels: choose a smaller --size"
            f"{'; ' if problem else ''}{problem}"
        )

    def build() -> Contents:
        rows = _cropped(items, headers, channels, size, request)
        return (channels, *size), rows, sum(_count((header.height, header.width), size) for header in large)

    how = ["crops", size, request.seed, *how_read(request.reading)]
    pack = cached(str(root), [os.path.realpath(root), *how], [found.stamps, *how], build)
    return dataset(
        request.name,
        pack.x,
        problems=found.problems + pack.problems,
        digest=pack.digest,
        notes=(*found.notes, *pack.notes),
        files=pack.files,
    )


def _cropped(
    items: list[Encoded], headers: list[Probe | Problem], channels: int, size: tuple[int, int], request: Request
) -> Iterator[Row | Problem]:
    for done, (item, header) in enumerate(zip(items, headers, strict=True), 1):
        if isinstance(header, Problem):
            yield header
            continue
        if not _count((header.height, header.width), size):
            reason = f"it has {header.height}x{header.width} pixels, fewer than a crop of {size[0]}x{size[1]}"
            yield Problem(item.name, f"{reason}; choose a smaller --size to learn from it")
            continue
        row = decode(item, channels, (header.height, header.width), reading=request.reading)
        if isinstance(row, Problem):
            yield row
            continue
        yield from (row._replace(pixels=crop) for crop in cut(row.pixels, item.name, size, request.seed))
        if request.progress:
            request.progress("cropping images", done, len(items))


def cut(pixels: Pixels, name: str, size: tuple[int, int], seed: int) -> Iterator[Pixels]:
    """The crops (C, *size) of an image (C, H, W) of this name; none where it is smaller."""
    generator = torch.Generator().manual_seed(_seed(name, seed))
    free = [whole - side + 1 for whole, side in zip(pixels.shape[1:], size, strict=True)]
    count = _count((pixels.shape[1], pixels.shape[2]), size)
    places = [torch.randint(max(1, most), (count,), generator=generator).tolist() for most in free]
    for top, left in zip(*places, strict=True):
        yield np.ascontiguousarray(pixels[:, top : top + size[0], left : left + size[1]])


def _count(whole: tuple[int, int], size: tuple[int, int]) -> int:
    """Crops of an image of (H, W) pixels; 0 where it is smaller than one."""
    free = [side - own + 1 for side, own in zip(whole, size, strict=True)]
    if min(free) < 1:
        return 0
    return min(MOST, round(OVER * math.prod(whole) / math.prod(size)), math.prod(free))


def _seed(name: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big") >> 1
