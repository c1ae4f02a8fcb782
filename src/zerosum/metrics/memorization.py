"""Memorisation: do samples lie nearer to the training data than other real data does?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.neighbours import k_nearest
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.score import Score
from zerosum.metrics.statistics import above
from zerosum.util import checks


class Copying(NamedTuple):
    """Distances of samples to the training data, compared with those of held-out data from the same source."""

    z: float  # Mann-Whitney; far below 0: samples lie too near (copied); far above 0: too far (underfitted)
    farther: float  # probability that a sample lies farther from the training data than a held-out one; 1/2 if alike
    copies: float  # share of samples that lie nearer than all but 1 % of the held-out data; 0.01 if alike


def copying(train: Tensor, fake: Tensor, held_out: Tensor | None = None) -> Copying:
    """Features (N, F) of the training data, (M, F) of samples, and (L, F) of held-out data.

    The global test of Meehan et al., 2020 (A Non-Parametric Test to Detect Data-Copying in Generative Models): the
    distances of samples and of held-out data to the nearest training sample are compared by their ranks. `copies` sees
    what ranks over all samples may not: few exact copies among many good samples. Without held-out data each training
    sample is held out in turn.

    The training data must hold no sample twice, and the held-out data none of it: where one in a hundred does, nothing
    can be nearer than all but 1 %. `zerosum.data.twins` finds them.
    """
    return compare_distances(*distances(train, fake, held_out))


def distances(
    train: Tensor, fake: Tensor, held_out: Tensor | None = None, mirrored: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """To the nearest training sample, from samples (M,) and from held-out data (L,); arguments as for `copying`.

    Args:
        mirrored: (N, F) features of the training data in their other orientation, where both were learnt from: the
            nearer counts. A training sample that is held out is so in both.
    """
    near, apart = [], []
    for known in [train] if mirrored is None else [train, mirrored]:
        near.append(k_nearest(fake, known, 1)[0][:, 0])
        left_out = held_out is None
        apart.append(k_nearest(train if held_out is None else held_out, known, 1, exclude_self=left_out)[0][:, 0])
    return torch.stack(near).amin(0), torch.stack(apart).amin(0)


def compare_distances(fake: Tensor, held_out: Tensor) -> Copying:
    """From the distances to the nearest training sample, (M,) and (L,).

    Where more than 1 % of the held-out data share the smallest distance, as texts do, nothing is nearer than all but
    1 %: then `copies` counts the samples that are as near, and `as_near(held_out, held_out)` is what it is if alike.
    """
    if len(fake) == 0 or len(held_out) == 0:
        raise ValueError("there must be distances of both sides")
    for name, side in (("fake", fake), ("held_out", held_out)):
        checks.shapes("N", **{name: side})
        checks.finite(name, side)
    farther = above(fake, held_out)
    return Copying(_z(fake, held_out, farther), farther, as_near(fake, held_out))


def as_near(side: Tensor, held_out: Tensor) -> float:
    """The share of a side's distances (M,) that are below all but 1 % of the held-out ones (L,), or among these 1 %
    where they are all equal."""
    percentile = held_out.sort().values[len(held_out) // 100]  # the largest that at most 1 % lie below
    tied = percentile == held_out.min() and int((held_out == percentile).sum()) > 1
    return float((side <= percentile if tied else side < percentile).double().mean())


def _z(a: Tensor, b: Tensor, share: float) -> float:
    """U's distance from its mean under equal distributions, in standard deviations corrected for ties."""
    n, m = len(a), len(b)
    _, ties = torch.cat([a, b]).unique(return_counts=True)
    tied = float((ties.double() ** 3 - ties).sum()) / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - tied)
    return n * m * (share - 0.5) / math.sqrt(variance) if variance > 0 else 0.0


@dataclass(frozen=True)
class Memorization(Metric):
    """The data-copying test; Meehan et al., 2020: do fakes lie nearer to the training data than held-out data does?"""

    name = "memorization"
    needs = "features"
    has_references = False  # it compares with held-out real data itself

    def why_not(self, context: Context) -> str:
        if context.training is None:
            return "it compares with the run's own training data; leave out --against"
        return "" if context.training.count > 1 else "it needs at least 2 training samples, none the twin of another"

    def held_out(self, context: Context) -> str:
        both = "; both orientations" if self.both_orientations(context) else ""
        if context.test is None:
            return f"each training sample in turn{both}"
        return f"{len(context.test)} samples of {context.test.fingerprint}{both}"

    def both_orientations(self, context: Context) -> bool:
        """Whether the run was shown mirrored images, too, whose copies lie far from the images as they are."""
        return context.run is not None and context.run.record.training.flip and context.fake.modality.mirrors

    def measure(self, context: Context) -> dict[str, Score]:
        assert context.training is not None
        test, real = context.test, context.real
        apart = None if test is None else of_dataset(test, real.extractor, progress=real.progress).features
        both = self.both_orientations(context)
        mirrored = context.training.mirrored().features if both else None
        near, held_out = distances(context.training.features, context.fake.features, apart, mirrored)
        z, farther, copies = compare_distances(near, held_out)
        of_copies = intervals.of_share(copies, len(near))
        alike = f"{as_near(held_out, held_out):.2g} of held-out data are as near"
        scores = {
            "z": Score(z, note="no interval: a test statistic, standard normal where nothing is copied"),
            "farther": Score(farther, note="no interval: read z"),
            "copies": Score(copies, "lower", of_copies, f"binomial, of the fakes; {alike}"),
        }
        said = "; the nearest of both orientations, as the run learnt from mirrored images, too"
        return {name: replace(s, note=s.note + said) for name, s in scores.items()} if both else scores
