"""CIFAR-10 (A. Krizhevsky, 2009), from its binary archive or from an archive of JPEGs; both without pickle."""

from __future__ import annotations

import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from zerosum.data.dataset import DataError, Dataset, Problem, Progress, dataset, with_progress
from zerosum.data.download import fetch, sha256_of
from zerosum.data.images.decode import Encoded, Row, decode_all
from zerosum.data.images.pack import cached, stamp
from zerosum.data.paths import cache_dir, find
from zerosum.data.request import Request, split
from zerosum.util import memory

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BINARY, JPEG = "cifar10/cifar-10-binary.tar.gz", "cifar10/cifar10-jpeg.tar.xz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"  # of the binary archive
MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
)
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the pixels as (3, 32, 32)
SHAPE = (3, 32, 32)
LARGEST = 1 << 25  # bytes of a member of an archive, at most: a batch of 10,000 records has 30,730,000
BY_JPEG = " (jpeg)"  # after the name of what was read from JPEGs
COUNT = {"train": 50_000, "test": 10_000}
T = TypeVar("T")


def cifar10(request: Request) -> Dataset:
    """50,000 images of 3x32x32, or the 10,000 of "cifar10:test".

    A set read from JPEGs is named "cifar10 (jpeg)", because its pixels, and so its scores, differ a little.

    Raises:
        DataError: the archive is damaged, or is neither here nor to be downloaded.
    """
    part = split(request, tuple(COUNT))
    binary, jpeg = find(BINARY, request.data_dir), find(JPEG, request.data_dir)
    if binary is None and jpeg is not None:
        rows = decode_all(_jpegs(jpeg, part), channels=3, size=SHAPE[1:])
        return _load(request.name + BY_JPEG, jpeg, part, rows, request.progress)
    path = binary or fetch(MIRRORS, cache_dir() / BINARY, SHA256, progress=request.progress)
    return _load(request.name, path, part, _binary_rows(path, part), request.progress)


def _load(name: str, path: Path, part: str, rows: Iterator[Row | Problem], progress: Progress | None) -> Dataset:
    place, content = (["cifar10", part, *what] for what in ([os.path.realpath(path)], [path.name, *stamp(path.stat())]))
    shown = with_progress("decoding images", _readable(path, rows), COUNT[part], progress)
    pack = cached(name, place, content, lambda: (SHAPE, shown, COUNT[part]))
    return dataset(name, pack.x, pack.labels, CLASSES, problems=pack.problems, digest=pack.digest)


def _readable(path: Path, rows: Iterator[T]) -> Iterator[T]:
    try:
        yield from rows
    except (OSError, tarfile.TarError, EOFError, KeyError, lzma.LZMAError, zlib.error, ValueError) as error:
        if memory.is_failure(error):
            raise
        raise DataError(f"cannot read {path}: {error}; delete it and get it again") from error


def _binary_rows(path: Path, part: str) -> Iterator[Row]:
    if sha256_of(path) != SHA256:
        raise DataError(f"{path} is not the published archive (its checksum differs); delete it and load it again")
    batches = [f"data_batch_{k}" for k in range(1, 6)] if part == "train" else ["test_batch"]
    with tarfile.open(path, "r:gz") as archive:
        for batch in batches:
            yield from binary_records(_content(archive, f"cifar-10-batches-bin/{batch}.bin"), batch)


def binary_records(content: bytes, name: str) -> Iterator[Row]:
    """The images of one batch file, in order; `DataError` where it is not made of whole records with labels 0-9."""
    if not content or len(content) % RECORD:
        raise DataError(f"{name} has {len(content):,} bytes, not a multiple of {RECORD:,}; it is not a CIFAR-10 batch")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() > 9:
        raise DataError(f"{name} has a label {records[:, 0].max()} beyond 9; it is not a CIFAR-10 batch")
    for k, record in enumerate(records):
        yield Row(f"{name}:{k}", int(record[0]), record[1:].reshape(SHAPE))


def _jpegs(path: Path, part: str) -> Iterator[Encoded]:
    with tarfile.open(path, "r:xz") as archive:
        for member in archive:
            match member.name.removeprefix("./").split("/"):
                case [folder, label, _] if folder == part and label in CLASSES and member.isfile():
                    yield Encoded(member.name, CLASSES.index(label), _content(archive, member))


def _content(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    info = archive.getmember(member) if isinstance(member, str) else member
    file = archive.extractfile(info)
    if file is None:
        raise KeyError(f"{info.name} is no file")
    if info.size > LARGEST:
        raise tarfile.ReadError(f"{info.name} has {info.size:,} bytes, more than any part of CIFAR-10")
    return file.read()
