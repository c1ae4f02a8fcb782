"""Samples as metrics see them: in blocks, with features and moments that are computed once, on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, Progress
from zerosum.metrics.extractors import Extractor, Features, joined
from zerosum.metrics.intervals import GROUPS
from zerosum.metrics.statistics import Moments
from zerosum.modality import Modality, Shape

BLOCK = 1000  # samples in a block


class Samples:
    """One side of a comparison.

    Args:
        name: what progress calls them.
        count: how many there are.
        modality: what they are.
        blocks: makes all of them, block by block, in their order, as they are stored: images uint8 (B, C, H, W) ...
            Called anew for each pass, it must give the same samples.
        extractor: what makes features of them.
        labels: (N,) int64 classes, -1 where unknown.
        progress: called after each block.
    """

    def __init__(
        self,
        name: str,
        count: int,
        modality: Modality,
        blocks: Callable[[], Iterator[Tensor]],
        extractor: Extractor,
        labels: Tensor | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.name, self.count, self.modality, self.labels = name, count, modality, labels
        self.extractor, self.progress, self._blocks = extractor, progress, blocks
        self._stored: Tensor | None = None
        self._features: Features | None = None
        self._moments: tuple[Moments, ...] | None = None
        self._whole: tuple[Samples, Tensor] | None = None  # what these were selected from, and which they are

    def __len__(self) -> int:
        return self.count

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.modality.shape

    @property
    def stored(self) -> Tensor:
        """All samples as they are stored: images uint8 (N, C, H, W), points float32 (N, D) ..."""
        if self._stored is None and self._whole is not None:
            whole, rows = self._whole
            self._stored = whole.stored[rows]
        elif self._stored is None:
            self._stored = torch.cat(list(self._report(self._blocks(), f"drawing {self.name}")))
        return self._stored

    @property
    def x(self) -> Tensor:
        """All samples as players see them: images float32 in [-1, 1] ..."""
        return self.modality.load(self.stored)

    def first(self, count: int) -> Tensor:
        """The first `count` samples as players see them, (count, *shape); no more are drawn."""
        parts: list[Tensor] = []
        for block in self._known_blocks():
            parts.append(block)
            if sum(map(len, parts)) >= count:
                break
        return self.modality.load(torch.cat(parts)[:count])

    @property
    def features(self) -> Tensor:
        """(N, F) float32."""
        return self._extract().features

    @property
    def probabilities(self) -> Tensor | None:
        """(N, K) float64 of the extractor's classes; None where it is no classifier."""
        logits = self._extract().logits
        return None if logits is None else logits.double().softmax(1)

    @property
    def moments(self) -> tuple[Moments, ...]:
        """Moments of the features, of GROUPS groups of successive samples each; in memory that does not grow with N."""
        if self._moments is None:
            groups: list[Moments] = []
            start = 0
            for features, _ in self._feature_blocks():
                groups = groups or [Moments(features.shape[1]) for _ in range(GROUPS)]
                group = torch.arange(start, start + len(features)) * GROUPS // self.count
                for number in group.unique().tolist():
                    groups[number].update(features[group == number])
                start += len(features)
            self._moments = tuple(groups)
        return self._moments

    def halves(self) -> tuple[Samples, Samples]:
        """The first half and the second, with the features that are known already."""
        first, second = torch.arange(self.count).tensor_split([self.count // 2])
        return self.select(first), self.select(second)

    def select(self, rows: Tensor) -> Samples:
        """Those of the given numbers (M,), ascending. Their features and samples are computed once, with all others."""

        def blocks() -> Iterator[Tensor]:
            start = 0
            for block in self._known_blocks():
                inside = rows[(rows >= start) & (rows < start + len(block))]
                if len(inside):
                    yield block[inside - start]
                start += len(block)

        labels = None if self.labels is None else self.labels[rows]
        part = Samples(self.name, len(rows), self.modality, blocks, self.extractor, labels, self.progress)
        part._whole = (self, rows)
        return part

    def as_images(self, modality: Modality) -> Samples:
        """The same images as others of `modality`: grey ones in three equal channels, or the reverse."""

        def blocks() -> Iterator[Tensor]:
            for block in self._known_blocks():
                yield to_channels(block, modality.shape[0])

        return Samples(self.name, self.count, modality, blocks, self.extractor, self.labels, self.progress)

    def mirrored(self) -> Samples:
        """The same images, left to right."""

        def blocks() -> Iterator[Tensor]:
            for block in self._known_blocks():
                yield block.flip(-1)

        name = f"{self.name}, mirrored"
        return Samples(name, self.count, self.modality, blocks, self.extractor, self.labels, self.progress)

    def cache(self, *, samples: bool = False, features: bool = False) -> None:
        """Compute now, once, what several metrics will read."""
        if samples:
            _ = self.stored
        if features:
            self._extract()

    def _known_blocks(self) -> Iterator[Tensor]:
        """All blocks: of what is kept, or drawn anew."""
        return self._blocks() if self._stored is None else iter(self._stored.split(BLOCK))

    def _extract(self) -> Features:
        if self._features is None and self._whole is not None:
            whole, rows = self._whole
            self._features = whole._extract().map(lambda known: known[rows])
        elif self._features is None:
            self._features = joined(list(self._feature_blocks()))
        return self._features

    def _feature_blocks(self) -> Iterator[Features]:
        if self._features is not None or (self._whole is not None and self._whole[0]._features is not None):
            yield self._extract()
            return
        for block in self._report(self._known_blocks(), f"features of {self.name}"):
            yield self.extractor(self.modality.load(block)).map(Tensor.cpu)

    def _report(self, blocks: Iterator[Tensor], what: str) -> Iterator[Tensor]:
        done = 0
        for block in blocks:
            done += len(block)
            yield block
            if self.progress:
                self.progress(what, done, self.count)


def to_channels(stored: Tensor, channels: int) -> Tensor:
    """Stored images (N, C, H, W), grey or RGB with equal channels, with so many channels."""
    return stored[:, :1].repeat(1, channels, 1, 1)


def of_dataset(
    data: Dataset,
    extractor: Extractor,
    *,
    name: str | None = None,
    chosen: Tensor | None = None,
    progress: Progress | None = None,
) -> Samples:
    """A data set, or those of its samples whose numbers (N,) are `chosen`, as one side."""
    numbers = torch.arange(len(data.x)) if chosen is None else chosen

    def blocks() -> Iterator[Tensor]:
        for part in numbers.split(BLOCK):
            yield data.x[part]

    labels = None if data.y is None else data.y[numbers]
    return Samples(name or data.name, len(numbers), data.modality, blocks, extractor, labels, progress)
