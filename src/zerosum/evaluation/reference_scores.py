"""Reference scores: what real data scores in the place of the fakes, and what noise does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zerosum.metrics.metric import Context
from zerosum.metrics.samples import BLOCK, Samples, of_dataset


@dataclass(frozen=True)
class Reference:
    """Samples of known quality, in the place of the fakes."""

    name: str  # "real", "noise"
    description: str
    context: Context


def references_for(context: Context, unused: Tensor) -> list[Reference]:
    """Other real data, and uniform noise; `unused` are the numbers of the real samples that are not compared with."""
    return [_real(context, unused), _noise(context)]


def _real(context: Context, unused: Tensor) -> Reference:
    """What is left of the reference data; else its published test part; else one half of it against the other."""
    data, count = context.data, context.fake.count
    if 2 * len(unused) >= min(count, context.real.count):
        other, description = (data, unused[:count]), f"other samples of {data.name}"
    elif context.test is not None:
        order = torch.randperm(len(context.test), generator=torch.Generator().manual_seed(context.seed))
        other, description = (context.test, order[:count]), f"samples of {context.test.name}"
    else:
        first, second = context.real.halves()
        description = f"one half of {data.name} against the other, {first.count:,} and {second.count:,} samples"
        return Reference("real", description, replace(context, real=first, fake=second))
    extractor, progress = context.real.extractor, context.real.progress
    fake = of_dataset(other[0], extractor, name="the real reference", chosen=other[1], progress=progress)
    return Reference("real", f"{fake.count:,} {description}", replace(context, fake=fake))


def _noise(context: Context) -> Reference:
    """Uniform over the range of the samples."""
    count, modality = context.fake.count, context.fake.modality

    def blocks() -> Iterator[Tensor]:
        generator, real = torch.Generator().manual_seed(context.seed), context.real.stored
        for start in range(0, count, BLOCK):
            yield modality.noise(min(BLOCK, count - start), generator, real)

    noise = Samples("the noise", count, modality, blocks, context.fake.extractor, None, context.fake.progress)
    description = f"{count:,} {modality.plural} of uniform noise over the range of the real ones"
    return Reference("noise", description, replace(context, fake=noise))
