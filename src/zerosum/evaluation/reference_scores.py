"""Reference scores: what real data scores in the place of the fakes, and what noise does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.metrics.metric import Context
from zerosum.metrics.samples import BLOCK, Samples, of_dataset
from zerosum.metrics.text_metric import likeliest, shuffled
from zerosum.modality import Tokens
from zerosum.roles import Completes, has_role
from zerosum.util import rng


@dataclass(frozen=True)
class Reference:
    """Samples of known quality, in the place of the fakes."""

    name: str  # "real", "noise"
    description: str
    context: Context
    fakes: Context | None = None  # with as few of the fakes, where the reference has fewer samples


def references_for(context: Context, data: Dataset, unused: Tensor, noise: Samples) -> list[Reference]:
    """Other real data, and noise; `unused` are the numbers of the samples of `data` that are not compared with."""
    description = f"{noise.modality.counted(noise.count)} of uniform noise over the range of the real ones"
    known = [_real(context, data, unused), Reference("noise", description, replace(context, fake=noise))]
    return known + _of_texts(context)


def _of_texts(context: Context) -> list[Reference]:
    """Real texts whose tokens are shuffled and, of a policy, its likeliest text alone; of other samples nothing."""
    tokens, fake = context.fake.modality, context.fake
    if not isinstance(tokens, Tokens):
        return []
    real = context.real.stored[: fake.count]
    known = {"shuffled": (shuffled(tokens, real, context.seed), "the tokens of each real text in any order")}
    if context.run is not None and has_role(context.run.game, Completes):
        greedy = likeliest(context.run.game, context.seed).expand(fake.count, -1)
        known["greedy"] = greedy, "the text of the likeliest tokens, again and again"
    return [
        Reference(name, f"{len(ids):,} texts: {description}", replace(context, fake=_samples(name, ids, fake)))
        for name, (ids, description) in known.items()
    ]


def _samples(name: str, ids: Tensor, fakes: Samples) -> Samples:
    """Texts of ids (N, length) in the place of the fakes."""
    return Samples(name, len(ids), fakes.modality, lambda: iter(ids.split(BLOCK)), fakes.extractor)


def _real(context: Context, data: Dataset, unused: Tensor) -> Reference:
    """What is left of the reference data; else its published test part; else one half of it against the other."""
    count = context.fake.count
    if 2 * len(unused) >= min(count, context.real.count):
        other, description = (data, unused[:count]), f"other samples of {data.name}"
    elif context.test is not None:
        order = rng.shuffled(len(context.test), context.seed)
        other, description = (context.test, order[:count]), f"samples of {context.test.name}"
    else:
        first, second = context.real.halves()
        description = f"one half of {data.name} against the other, {first.count:,} and {second.count:,} samples"
        fakes = context.fake.select(torch.arange(min(count, second.count)))
        both = (replace(context, real=first, fake=side) for side in (second, fakes))
        return Reference("real", description, *both)
    extractor, progress = context.real.extractor, context.real.progress
    fake = of_dataset(other[0], extractor, name="the real reference", chosen=other[1], progress=progress)
    few = fake.count < count
    fewer = replace(context, fake=context.fake.select(torch.arange(fake.count))) if few else None
    return Reference("real", f"{fake.count:,} {description}", replace(context, fake=fake), fewer)


def noise_for(context: Context) -> Samples:
    """Uniform over the range of the samples."""
    count, modality = context.fake.count, context.fake.modality

    def blocks() -> Iterator[Tensor]:
        generator, real = torch.Generator().manual_seed(context.seed), context.real.stored
        for start in range(0, count, BLOCK):
            yield modality.noise(min(BLOCK, count - start), generator, real)

    return Samples("the noise", count, modality, blocks, context.fake.extractor, None, context.fake.progress)
