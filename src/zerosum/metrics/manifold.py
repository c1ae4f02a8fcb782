"""Precision, recall, density and coverage: two sets of features compared by balls around the points of each.

A ball reaches to its centre's k-th nearest neighbour in its own set and, as in the code of Naeem et al., holds what is
nearer than that: a perfect copy of the data has density 1. Balls around more than k equal points are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, too_few
from zerosum.metrics.neighbours import k_nearest, pairs
from zerosum.metrics.score import Score

OF_FAKES = "binomial, of the fakes"
BY_SUBSETS = "Wilson's, of the number of independent reals that disjoint subsets of the fakes show"


class PrecisionAndRecall(NamedTuple):
    """Two shares, in [0, 1]."""

    precision: float  # of the fakes, that lie in the ball of a real
    recall: float  # of the reals, that lie in the ball of a fake


class DensityAndCoverage(NamedTuple):
    """`density` may exceed 1, where fakes crowd; `coverage` is a share, in [0, 1]."""

    density: float  # real balls around a fake, on average, over k
    coverage: float  # share of the real balls that hold a fake


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionAndRecall:
    """Improved precision and recall of features (N, F) and (M, F); Kynkäänniemi et al., 2019.

    They fall and rise with the number of samples: keep it. ValueError where a side has k rows or fewer.
    """
    return all_four(real, fake, k)[0]


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> DensityAndCoverage:
    """Density and coverage of fake features (M, F) over the balls of real ones (N, F); Naeem et al., 2020.

    Only real balls count, so outliers among the fakes cover nothing. ValueError where there are k reals or fewer.
    """
    radii = _radii(real, k)  # (N,)
    held = covered = 0
    for part in pairs(real, fake):
        within = part.within(radii[part.rows, None])
        held += int(within.count_nonzero())
        covered += int(_any(within, 1).count_nonzero())
    return DensityAndCoverage(held / (k * len(fake)), covered / len(real))


def held_by(real: Tensor, fake: Tensor, k: int = 5) -> Tensor:
    """(M,) how many balls of the reals (N, F) each fake (M, F) lies in, over k: their mean is the density."""
    radii = _radii(real, k)
    held = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    for part in pairs(real, fake):
        held += part.within(radii[part.rows, None]).sum(0)
    return held / k


def all_four(real: Tensor, fake: Tensor, k: int) -> tuple[PrecisionAndRecall, DensityAndCoverage]:
    """Both at one k, for the price of the first."""
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)  # (N,), (M,)
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled = held = covered = 0
    for part in pairs(real, fake):
        in_real = part.within(real_radii[part.rows, None])  # (n, M)
        precise |= _any(in_real, 0)
        recalled += int(_any(part.within(fake_radii), 1).count_nonzero())
        held += int(in_real.count_nonzero())
        covered += int(_any(in_real, 1).count_nonzero())
    return (
        PrecisionAndRecall(int(precise.count_nonzero()) / len(fake), recalled / len(real)),
        DensityAndCoverage(held / (k * len(fake)), covered / len(real)),
    )


def recall_of(real: Tensor, fake: Tensor, k: int = 3) -> float:
    """The recall alone, in half the time."""
    radii = _radii(fake, k)
    return sum(int(_any(part.within(radii), 1).count_nonzero()) for part in pairs(real, fake)) / len(real)


def coverage_of(real: Tensor, fake: Tensor, k: int = 5) -> float:
    """The coverage alone."""
    return density_coverage(real, fake, k).coverage


def _radii(features: Tensor, k: int) -> Tensor:
    """(N,) distances from each of (N, F) to its k-th nearest other."""
    return k_nearest(features, features, k, exclude_self=True)[0][:, -1]


def _any(within: Tensor, dim: int) -> Tensor:
    """`within.any(dim)`, but many times faster on the CPU."""
    return within.view(torch.uint8).amax(dim).bool()


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Improved precision and recall; Kynkäänniemi et al., 2019."""

    k: Annotated[int, Gt(0), "a ball reaches to its centre's k-th neighbour"] = 3

    name = "precision-recall"
    needs = "features"

    def why_not(self, context: Context) -> str:
        return "" if context.fewest > self.k else f"it needs more than k = {self.k} samples of each side"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, 2_000, "balls grow as samples get fewer, and both shares with them")

    def measure(self, context: Context) -> dict[str, Score]:
        real, fake = context.real.features, context.fake.features
        precision, recall = precision_recall(real, fake, self.k)
        of_precision = Score(precision, "higher", intervals.of_share(precision, len(fake)), OF_FAKES)
        if context.fewest < max(intervals.ENOUGH, 2 * self.k + 2):
            return {"precision": of_precision, "recall": Score(recall, "higher", note=intervals.TOO_FEW)}
        of_recall, least = partial(recall_of, k=self.k), max(intervals.ENOUGH, self.k + 1)
        interval = intervals.of_neighbours(of_recall, real, fake, recall, context.seed, least)
        return {"precision": of_precision, "recall": Score(recall, "higher", interval, BY_SUBSETS)}


@dataclass(frozen=True)
class DensityCoverage(Metric):
    """Density and coverage; Naeem et al., 2020."""

    k: Annotated[int, Gt(0), "a ball reaches to its centre's k-th neighbour"] = 5

    name = "density-coverage"
    needs = "features"

    def why_not(self, context: Context) -> str:
        return "" if context.real.count > self.k else f"it needs more than k = {self.k} real samples"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, 2_000, "coverage depends on their numbers")

    def measure(self, context: Context) -> dict[str, Score]:
        real, fake = context.real.features, context.fake.features
        density, coverage = density_coverage(real, fake, self.k)
        if context.fewest < max(intervals.ENOUGH, 2 * self.k + 2):
            values = {"density": density, "coverage": coverage}
            return {name: Score(value, "higher", note=intervals.TOO_FEW) for name, value in values.items()}
        of_density = intervals.of_mean(held_by(real, fake, self.k), 0.0)
        of_reals, least = partial(coverage_of, k=self.k), max(intervals.ENOUGH, self.k + 1)
        of_coverage = intervals.of_neighbours(of_reals, real, fake, coverage, context.seed, least)
        return {
            "density": Score(density, "higher", of_density, "Student's t, of the fakes"),
            "coverage": Score(coverage, "higher", of_coverage, BY_SUBSETS),
        }
