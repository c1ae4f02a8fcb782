"""Images decoded once: a folder of the cache with `images.npy` (memory-mapped when read) and `pack.json`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Problem, digest_of
from zerosum.data.images.decode import Row
from zerosum.data.paths import cache_dir
from zerosum.util.files import held, remove_leftovers, write_atomic
from zerosum.util.memory import is_failure, size

VERSION = 1
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError)  # what reading half a pack may raise
Contents = tuple[tuple[int, int, int], Iterator[Row | Problem], int]  # (C, H, W) of all images, these, and how many


@dataclass(frozen=True, eq=False)
class Pack:
    """What was packed."""

    x: Tensor  # uint8 (N, C, H, W), memory-mapped; writes to it stay in memory
    labels: Tensor  # (N,) int64
    files: tuple[str, ...]  # of each image
    problems: tuple[Problem, ...]
    digest: str  # SHA-256 of x


def cached(name: str, key: object, build: Callable[[], Contents]) -> Pack:
    """The pack of `key`, built by `build` where there is none or a damaged one.

    A pack is written to a temporary name, flushed to the disk and renamed, so it is there whole or not at all.

    Args:
        name: what errors call the data.
        key: JSON-able; everything that the pixels depend on.
        build: called only when needed.

    Raises:
        DataError: no image can be read, or the cache cannot be written.
    """
    mark = hashlib.sha256(json.dumps([VERSION, key]).encode()).hexdigest()[:32]
    final = cache_dir() / "packs" / mark
    with contextlib.suppress(*DAMAGED):
        return _read(final)
    shape, rows, count = build()
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(final.parent).free, count * math.prod(shape)
        if needed > free:
            raise DataError(
                f"{count:,} decoded images of {shape[1]}x{shape[2]} pixels would take {size(needed)} in "
                f"{final.parent}, and {size(free)} are free: choose a smaller --size, or set ZEROSUM_CACHE to another "
                "folder"
            )
        remove_leftovers(final.parent)
        own = f"{mark}.{os.getpid()}."
        with TemporaryDirectory(".part", own, final.parent, ignore_cleanup_errors=True) as partial, held(Path(partial)):
            _write(name, Path(partial), shape, rows)
            return _commit(Path(partial), final)
    except OSError as error:
        if is_failure(error):
            raise
        raise DataError(
            f"cannot write the decoded images of {name} to {final.parent}: {error.strerror or error}; "
            f"free some space there or set ZEROSUM_CACHE to another folder"
        ) from error


def _commit(partial: Path, final: Path) -> Pack:
    try:
        partial.rename(final)
    except OSError:  # there is one already: whole if another process was first, else damaged
        with contextlib.suppress(*DAMAGED):
            return _read(final)
        shutil.rmtree(final)
        partial.rename(final)
    return _read(final)


def _write(name: str, folder: Path, shape: tuple[int, int, int], rows: Iterator[Row | Problem]) -> None:
    digest = hashlib.sha256()
    files: list[str] = []
    labels: list[int] = []
    problems: list[Problem] = []
    # Written in sequence, not through a memory map: on a full disk that would be a bus error, not an exception.
    with (folder / "images.npy").open("wb") as file:
        _header(file, (0, *shape))
        for row in rows:
            if isinstance(row, Problem):
                problems.append(row)
                continue
            file.write(row.pixels.data)
            digest.update(row.pixels.data)
            files.append(row.path)
            labels.append(row.label)
        if not files:
            raise DataError(f"none of the {len(problems)} images of {name} can be read; the first is {problems[0]}")
        file.seek(0)
        _header(file, (len(files), *shape))  # as long as the first: NumPy leaves room for the count
        file.flush()
        os.fsync(file.fileno())
    meta = {
        "digest": digest.hexdigest(),
        "labels": labels,
        "files": files,
        "problems": [[problem.path, problem.reason] for problem in problems],
    }
    write_atomic(folder / "pack.json", json.dumps(meta).encode())


def _header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _read(folder: Path) -> Pack:
    meta = json.loads((folder / "pack.json").read_bytes())
    # "c": writes stay in memory. A map that cannot be written at all makes PyTorch warn.
    x = torch.from_numpy(np.lib.format.open_memmap(folder / "images.npy", mode="c"))
    files = tuple(meta["files"])
    labels = torch.tensor(meta["labels"], dtype=torch.int64)
    if not len(x) == len(files) == len(labels) or digest_of(x) != meta["digest"]:
        raise ValueError("damaged")
    return Pack(x, labels, files, tuple(Problem(*problem) for problem in meta["problems"]), meta["digest"])
