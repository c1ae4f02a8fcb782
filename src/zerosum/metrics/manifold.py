"""Precision, recall, density and coverage: two sets of features compared by balls around their points."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.metrics.neighbours import k_nearest, squared_distances


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of fakes that look real, of reals that the fakes reach."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """How many balls a fake lies in, over k (above 1 is possible), and the share of real balls that hold a fake."""

    density: float
    coverage: float


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Shares of (M, F) fakes in real balls and of (N, F) reals in fake balls; Kynkäänniemi et al., 2019.

    A ball reaches to its centre's k-th nearest neighbour in its own set.
    """
    return PrecisionRecall(_held(real, fake, k).any_inside, _held(fake, real, k).any_inside)


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> DensityCoverage:
    """Density and coverage of (M, F) fakes over the balls of (N, F) reals; Naeem et al., 2020."""
    held = _held(real, fake, k)
    return DensityCoverage(held.pairs / (k * len(fake)), held.any_holding)


class _Held(NamedTuple):
    pairs: int  # (point, ball) with the point inside
    any_inside: float  # share of points in at least one ball
    any_holding: float  # share of balls with at least one point


def _held(centres: Tensor, points: Tensor, k: int) -> _Held:
    radii = k_nearest(centres, centres, k, exclude_self=True)[0][:, -1]
    centres, points = centres.double(), points.double()
    pairs, holding, inside = 0, 0, torch.zeros(len(points), dtype=torch.bool)
    for start, square in squared_distances(centres, points):
        within = square < radii[start : start + len(square), None].square()
        pairs += int(within.sum())
        holding += int(within.any(1).sum())
        inside |= within.any(0)
    return _Held(pairs, float(inside.double().mean()), holding / len(centres))
