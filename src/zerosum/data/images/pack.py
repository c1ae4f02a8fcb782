"""Images decoded once: files of the cache with the pixels, memory-mapped when read, and what belongs to them.

A pack is the bytes of all images, JSON, the length of that in 8 bytes, and its SHA-256; the JSON has that of the bytes.
So each of them is covered, and a pack is one file, which another takes the place of whole. It is called by its format,
by where its images lie and by what they are: who writes one removes those of former formats, and the one of the same
place, whose images have changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Problem, digest_of
from zerosum.data.images.decode import Row, Whole, frame_name
from zerosum.data.images.depth import Values, value_notes
from zerosum.data.paths import cache_dir
from zerosum.util.files import held, remove, remove_leftovers
from zerosum.util.memory import is_failure, size

VERSION = 4
FORMER = re.compile(r"([0-9]+)-[0-9a-f]{16}-[0-9a-f]{32}\.pack|[0-9a-f]{32}(\.pack|\w{8}\.part)?")
OF_FORMAT_1 = {"images.npy", "pack.json"}  # in a folder
DAMAGED = (OSError, ValueError, KeyError, TypeError)  # what reading half a pack may raise
LENGTH, DIGEST = 8, 32  # bytes at the end
Contents = tuple[tuple[int, int, int], Iterator[Row | Problem], int]  # (C, H, W) of all images, these, and how many


@dataclass(frozen=True, eq=False)
class Pack:
    """What was packed."""

    x: Tensor  # uint8 (N, C, H, W), memory-mapped; writes to it stay in memory
    labels: Tensor  # (N,) int64
    files: tuple[str, ...]  # of each image
    problems: tuple[Problem, ...]
    digest: str  # SHA-256 of x
    frames: tuple[int, ...]  # the number of each image in its file
    notes: tuple[str, ...]  # on values and frames

    @property
    def names(self) -> tuple[str, ...]:
        """Of each image: that of its file, or of its frame, `stack[2].tif`."""
        return tuple(frame_name(file, frame) for file, frame in zip(self.files, self.frames, strict=True))


def cached(name: str, place: object, content: object, build: Callable[[], Contents]) -> Pack:
    """The pack of `content`, built by `build` where there is none or a damaged one.

    A pack is written to a temporary name, flushed to the disk and renamed, so it is there whole or not at all. One that
    several write at the same time is that of the last, and the same.

    Args:
        name: what errors call the data.
        place: JSON-able; where the images lie, and how they are decoded: a new pack of a place takes the old one's.
        content: JSON-able; everything that the pixels depend on, but where the images lie: they may be moved.
        build: called only when needed.

    Raises:
        DataError: no image can be read, or the cache cannot be written.
    """
    mark, digest = _hashed(place)[:16], _hashed(content)[:32]
    final = cache_dir() / "packs" / f"{VERSION}-{mark}-{digest}.pack"
    for path in (final, *sorted(final.parent.glob(f"{VERSION}-*-{digest}.pack"))):
        with contextlib.suppress(*DAMAGED):
            return _read(path)
    shape, rows, count = build()
    partial = final.with_name(f"{final.stem}.{os.getpid()}.t{time.monotonic_ns()}.part")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(final.parent)
        _remove_old(final, mark)
        free, needed = shutil.disk_usage(final.parent).free, count * math.prod(shape)
        if needed > free:
            raise DataError(
                f"{count:,} decoded images of {shape[1]}x{shape[2]} pixels would take {size(needed)} in "
                f"{final.parent}, and {size(free)} are free: choose a smaller --size, or set ZEROSUM_CACHE to another "
                "folder"
            )
        try:
            with held(partial):
                _write(name, partial, shape, rows)
                pack = _read_again(name, partial)
                _commit(partial, final)
        finally:
            partial.unlink(missing_ok=True)
        return pack
    except OSError as error:
        if is_failure(error):
            raise
        raise DataError(
            f"cannot write the decoded images of {name} to {final.parent}: {error.strerror or error}; "
            f"free some space there or set ZEROSUM_CACHE to another folder"
        ) from error


def stamp(about: os.stat_result) -> tuple[int, int, int]:
    """What is other where a file's content is: its bytes, and when its content, and all of it, was changed (in ns).

    Archives give what they hold one time, and images without compression have one length: those of two are told apart
    by when they came to their places, which no program sets.
    """
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _remove_old(new: Path, mark: str) -> None:
    """Remove what nobody reads any more: packs of former formats, and of images that lay where those of `new` do."""
    for path in new.parent.iterdir():
        former = FORMER.fullmatch(path.name)
        if former and former[1] is None and path.is_dir():
            former = former if {inner.name for inner in path.iterdir()} <= OF_FORMAT_1 else None
        is_old = former is not None and (former[1] is None or int(former[1]) < VERSION)
        if is_old or (path.name.startswith(f"{VERSION}-{mark}-") and path.suffix == ".pack" and path != new):
            remove(path)


def _read_again(name: str, partial: Path) -> Pack:
    try:
        return _read(partial)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the decoded images of {name} are others when they are read again from {partial.parent}: {error}; set "
            "ZEROSUM_CACHE to a folder on another disk"
        ) from error


def _commit(partial: Path, final: Path) -> None:
    if final.is_dir():  # no pack
        shutil.rmtree(final)
    try:
        partial.replace(final)
    except PermissionError:  # some systems replace no file that is open
        _read(final)


def _write(name: str, path: Path, shape: tuple[int, int, int], rows: Iterator[Row | Problem]) -> None:
    digest = hashlib.sha256()
    files: list[str] = []
    labels: list[int] = []
    problems: list[Problem] = []
    frames: list[int] = []
    notes = Notes()
    # Written in sequence, not through a memory map: on a full disk that would be a bus error, not an exception.
    with path.open("wb") as file:
        for row in rows:
            if isinstance(row, Problem):
                problems.append(row)
                continue
            file.write(row.pixels.data)
            digest.update(row.pixels.data)
            files.append(row.path)
            labels.append(row.label)
            frames.append(row.frame)
            notes.add(row)
        if not files:
            raise DataError(f"none of the {len(problems)} images of {name} can be read; the first is {problems[0]}")
        meta = {
            "digest": digest.hexdigest(),
            "shape": [len(files), *shape],
            "labels": labels,
            "files": files,
            "frames": frames,
            "problems": [[problem.path, problem.reason] for problem in problems],
            "notes": notes.lines(),
        }
        content = json.dumps(meta).encode()
        content += len(content).to_bytes(LENGTH, "big")
        file.write(content + hashlib.sha256(content).digest())
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Pack:
    with path.open("rb") as file:
        meta = _meta(file)
        shape = tuple(meta["shape"])
        if file.seek(0, os.SEEK_END) != math.prod(shape) + meta["length"]:
            raise ValueError("it has another length than it says")
        # "c": writes stay in memory. A map that cannot be written at all makes PyTorch warn.
        x = torch.from_numpy(np.memmap(file, np.uint8, "c", shape=shape))
    if digest_of(x) != meta["digest"]:
        raise ValueError("its pixels are not those that were written")
    problems = tuple(Problem(*problem) for problem in meta["problems"])
    labels = torch.tensor(meta["labels"], dtype=torch.int64)
    files, frames, notes = (tuple(meta[name]) for name in ("files", "frames", "notes"))
    return Pack(x, labels, files, problems, meta["digest"], frames, notes)


def _meta(file: BinaryIO) -> dict[str, Any]:
    """The JSON at the end, and its length with what follows it."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - LENGTH - DIGEST))
    length = int.from_bytes(file.read(LENGTH), "big")
    start = end - LENGTH - DIGEST - length
    if start < 0:
        raise ValueError("it is cut off")
    file.seek(start)
    content, digest = file.read(length + LENGTH), file.read(DIGEST)
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("it is not what was written")
    meta: dict[str, Any] = json.loads(content[:length])
    return meta | {"length": end - start}


class Notes:
    """What was found in images beyond their pixels."""

    def __init__(self) -> None:
        self.values: list[Values] = []
        self.several: dict[str, int] = {}  # files, and the frames that they have
        self.frames = 0  # beyond the first that were taken

    def add(self, row: Row | Whole) -> None:
        if row.values is not None:
            self.values.append(row.values)
        if row.of > 1:
            self.several[row.path] = row.of
            self.frames += row.frame > 0

    def lines(self) -> list[str]:
        """In sentences."""
        lines = value_notes(self.values) if self.values else []
        if not self.several:
            return lines
        count, total = len(self.several), sum(self.several.values())
        file, of = next(iter(self.several.items()))
        some = (
            f"{file} has {of:,} pages or frames"
            if count == 1
            else (f"{count:,} files have several pages or frames, {total:,} in all, the first {file} with {of:,}")
        )
        if self.frames:
            return [*lines, f"{some}: each is an image"]
        return [*lines, f"{some}: the first {'' if count == 1 else 'of each '}is used; --frames all takes all"]
