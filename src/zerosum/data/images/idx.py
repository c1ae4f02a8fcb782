"""MNIST and the sets published in its format: gzipped IDX files (Y. LeCun, http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, Progress, dataset
from zerosum.data.download import fetch, sha256_unpacked
from zerosum.data.paths import cache_dir, find
from zerosum.data.request import Request, split

UINT8 = 0x08  # the IDX type code of unsigned bytes
MOST_AXES, LARGEST = 4, 1 << 28  # bytes; the largest published set, MNIST's training images, has 47 million


@dataclass(frozen=True)
class IdxSet:
    """A published set: called as a source, it loads NAME (training images) or NAME:test."""

    folder: str
    mirrors: tuple[str, ...]  # each URL ends in "/"
    classes: tuple[str, ...]
    sha256: dict[str, str]  # of the unpacked files; the same for every way of packing them

    def __call__(self, request: Request) -> Dataset:
        prefix = {"train": "train", "test": "t10k"}[split(request, ("train", "test"))]
        x = self._read(f"{prefix}-images-idx3-ubyte", request.data_dir, request.progress)
        y = self._read(f"{prefix}-labels-idx1-ubyte", request.data_dir, request.progress)
        return dataset(request.name, x.unsqueeze(1), y.long(), self.classes)

    def _read(self, stem: str, data_dir: Path | None, progress: Progress | None) -> Tensor:
        relative = f"{self.folder}/{stem}.gz"
        path = find(relative, data_dir) or fetch(
            [f"{mirror}{stem}.gz" for mirror in self.mirrors],
            cache_dir() / relative,
            self.sha256[stem],
            digest=sha256_unpacked,
            progress=progress,
        )
        return read_idx(path, self.sha256[stem])


def read_idx(path: Path, sha256: str | None = None) -> Tensor:
    """The uint8 array of a gzipped IDX file, in the shape its header gives.

    Raises:
        DataError: the file is unreadable, truncated, of another format, or its unpacked content is not `sha256`.
    """
    cure = "delete it, so that it is fetched again"
    try:
        with gzip.open(path) as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != UINT8 or not 0 < head[3] <= MOST_AXES:
                raise DataError(f"{path} is not an IDX file of bytes; {cure}")
            start = 4 + 4 * head[3]
            head += file.read(start - 4)
            shape = [int.from_bytes(head[k : k + 4], "big") for k in range(4, len(head), 4)]
            promised = math.prod(shape)
            content = file.read(min(promised, LARGEST) + 1)  # a byte too many, but never all that may be packed
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {error}; {cure}") from error
    if sha256 is not None and hashlib.sha256(head + content).hexdigest() != sha256:
        raise DataError(f"{path} is not the published file (its checksum differs); {cure}")
    if len(head) != start or len(content) != promised or not promised:
        raise DataError(f"{path} is truncated, or longer than its header promises, {shape}; {cure}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).view(shape)


MNIST = IdxSet(
    folder="mnist",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    classes=tuple("0123456789"),
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)

FASHION_MNIST = IdxSet(
    folder="fashion-mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    classes=("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    sha256={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)
