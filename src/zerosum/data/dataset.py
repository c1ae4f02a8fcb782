"""What every source returns: all samples as one tensor, with labels and a fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from zerosum.data.errors import DataError
from zerosum.game import Condition

Progress = Callable[[str, int, int], None]  # (what is being done, done so far, total; 0 where the total is unknown)
HINT = "put each class in a sub-folder, or name the classes in a labels.csv"


T = TypeVar("T")


def with_progress(what: str, items: Iterable[T], total: int, progress: Progress | None) -> Iterator[T]:
    """The items as they are; after each, `progress` is told."""
    for done, item in enumerate(items, 1):
        yield item
        if progress:
            progress(what, done, total)


@dataclass(frozen=True)
class Problem:
    """A file that was left out, and why."""

    path: str  # in a folder or an archive: relative to it
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Dataset:
    """All samples of one source.

    The fingerprint is 16 hex digits of a SHA-256 over the samples, the labels, the class names and the vectors: equal
    content has an equal fingerprint wherever it lies and whatever it is called. That of computed data (drawn points,
    images scaled in memory) is over what it was computed from, because processors differ in the last bit.
    """

    name: str  # what was asked for: "digits", "./photos"
    x: Tensor  # images: uint8 (N, C, H, W), possibly memory-mapped; points: float32 (N, D)
    y: Tensor | None  # (N,) int64, -1 = unlabelled
    classes: tuple[str, ...]  # names of the labels; () without labels
    fingerprint: str
    problems: tuple[Problem, ...] = ()  # files that were left out
    conditions: Tensor | None = None  # float32 (N, K): a vector for each sample, to generate by

    def __len__(self) -> int:
        return self.x.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """One sample's shape: (C, H, W) or (D,)."""
        return tuple(self.x.shape[1:])

    @property
    def condition(self) -> Condition | None:
        """What a GAN that learns from the classes, or else from the vectors, can be asked for."""
        if self.y is not None:
            return Condition(len(self.classes))
        return None if self.conditions is None else Condition(self.conditions.shape[1], "vector")

    @property
    def is_image(self) -> bool:
        """Whether samples are images (uint8) rather than points (float32)."""
        return self.x.dim() == 4

    def with_labels(self, count: int, seed: int) -> Dataset:
        """The same samples, of which `count` keep their labels: as many of each class (one more of the first classes
        where that does not go evenly), drawn by `seed` alone. All others have the label -1.

        Raises:
            DataError: there are no classes, or too few labelled samples of one.
        """
        if self.y is None or not self.classes:
            raise DataError(f"{self.name} has no labels of which {count} could be kept; {HINT}")
        if count < len(self.classes):
            raise DataError(f"{count} labels are fewer than the {len(self.classes)} classes of {self.name}; keep more")
        share, more = divmod(count, len(self.classes))
        draw, y = torch.Generator().manual_seed(seed), torch.full_like(self.y, -1)
        for k, name in enumerate(self.classes):
            own, wanted = (self.y == k).nonzero()[:, 0], share + (k < more)
            if len(own) < wanted:
                most = min(self.y[self.y >= 0].bincount(minlength=len(self.classes)).tolist()) * len(self.classes)
                raise DataError(
                    f"class {name!r} of {self.name} has {len(own)} labelled samples, and {count} labels in all ask for "
                    f"{wanted} of each class; keep at most {most}"
                )
            y[own[torch.randperm(len(own), generator=draw)[:wanted]]] = k
        return replace(self, y=y, fingerprint=fingerprint_of(f"{self.fingerprint} {count} labels of seed {seed}"))

    def without_labels(self) -> Dataset:
        """The same samples, unlabelled; their fingerprint tells the two apart."""
        if self.y is None and self.conditions is None:
            return self
        return replace(
            self, y=None, classes=(), conditions=None, fingerprint=fingerprint_of(f"{self.fingerprint} without labels")
        )


def fingerprint_of(text: str) -> str:
    """The fingerprint of data that `text` describes completely."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_of(x: Tensor) -> str:
    """SHA-256 (64 hex digits) of the samples' bytes."""
    return hashlib.sha256(x.contiguous().numpy().data).hexdigest()


def dataset(
    name: str,
    x: Tensor,
    y: Tensor | None = None,
    classes: tuple[str, ...] = (),
    *,
    conditions: Tensor | None = None,
    problems: tuple[Problem, ...] = (),
    digest: str | None = None,
) -> Dataset:
    """A Dataset with its fingerprint; `digest` is `digest_of(x)` where it is known already."""
    content = hashlib.sha256(f"{x.dtype} {tuple(x.shape)} {digest or digest_of(x)}".encode())
    if y is not None:
        content.update("\0".join(classes).encode())
        content.update(y.contiguous().numpy().data)
    if conditions is not None:
        content.update(f"{tuple(conditions.shape)}".encode())
        content.update(conditions.contiguous().numpy().data)
    return Dataset(name, x, y, classes, content.hexdigest()[:16], problems, conditions)
