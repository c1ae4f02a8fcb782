"""Anchors: what real data scores in the place of fakes, and what noise does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zerosum.metrics.metric import Bench
from zerosum.metrics.samples import BLOCK, Samples, of_dataset


@dataclass(frozen=True)
class Anchor:
    """Something whose quality is known."""

    name: str  # "real", "noise"
    what: str  # in words
    bench: Bench


def anchors_for(bench: Bench, rest: Tensor) -> list[Anchor]:
    """Other real data, and uniform noise, in the fakes' place; `rest` are the reference's samples that are not used."""
    return [_real(bench, rest), _noise(bench)]


def _real(bench: Bench, rest: Tensor) -> Anchor:
    """What is left of the reference; else its published test part; else one half of it against the other."""
    data, extractor, progress = bench.data, bench.real.extractor, bench.real.progress
    wanted = bench.fake.count
    if 2 * len(rest) >= min(wanted, bench.real.count):
        other = of_dataset(data, extractor, name="the real anchor", chosen=rest[:wanted], progress=progress)
        return Anchor("real", f"{other.count:,} other samples of {data.name}", replace(bench, fake=other))
    if bench.test is not None:
        order = torch.randperm(len(bench.test), generator=torch.Generator().manual_seed(bench.seed))
        other = of_dataset(bench.test, extractor, name="the real anchor", chosen=order[:wanted], progress=progress)
        return Anchor("real", f"{other.count:,} samples of {bench.test.name}", replace(bench, fake=other))
    first, second = bench.real.halves()
    what = f"one half of {data.name} against the other, {first.count:,} and {second.count:,} samples"
    return Anchor("real", what, replace(bench, real=first, fake=second))


def _noise(bench: Bench) -> Anchor:
    count, shape = bench.fake.count, bench.fake.shape
    images = len(shape) == 3
    low, high = (0.0, 256.0) if images else _bounds(bench.real.stored)

    def blocks() -> Iterator[Tensor]:
        draw = torch.Generator().manual_seed(bench.seed)
        for start in range(0, count, BLOCK):
            x = low + (high - low) * torch.rand(min(BLOCK, count - start), *shape, generator=draw)
            yield x.to(torch.uint8) if images else x

    noise = Samples("the noise", count, shape, blocks, bench.fake.extractor, None, bench.fake.progress)
    where = "uniform noise" if images else "points uniform in the box of the real ones"
    return Anchor("noise", f"{count:,} samples of {where}", replace(bench, fake=noise))


def _bounds(points: Tensor) -> tuple[Tensor, Tensor]:
    return points.amin(0), points.amax(0)
