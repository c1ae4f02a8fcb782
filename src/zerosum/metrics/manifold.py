"""Precision, recall, density and coverage: two sets of features compared by balls around the points of each.

A ball reaches to its centre's k-th nearest neighbour in its own set and, as in the code of Naeem et al., holds what is
nearer than that: a perfect copy of the data has density 1. Balls around more than k equal points are empty.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.metrics.neighbours import k_nearest, pairs


class PrecisionRecall(NamedTuple):
    """Two shares, in [0, 1]."""

    precision: float  # of the fakes, that lie in the ball of a real
    recall: float  # of the reals, that lie in the ball of a fake


class DensityCoverage(NamedTuple):
    """`density` may exceed 1, where fakes crowd; `coverage` is a share, in [0, 1]."""

    density: float  # real balls around a fake, on average, over k
    coverage: float  # share of the real balls that hold a fake


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall of features (N, F) and (M, F); Kynkäänniemi et al., 2019.

    They fall and rise with the number of samples: keep it. ValueError where a side has k rows or fewer.
    """
    return all_four(real, fake, k)[0]


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> DensityCoverage:
    """Density and coverage of fake features (M, F) over the balls of real ones (N, F); Naeem et al., 2020.

    Only real balls count, so outliers among the fakes cover nothing. ValueError where there are k reals or fewer.
    """
    radii = _radii(real, k)  # (N,)
    held = covered = 0
    for part in pairs(real, fake):
        within = part.within(radii[part.rows, None])
        held += int(within.count_nonzero())
        covered += int(_any(within, 1).count_nonzero())
    return DensityCoverage(held / (k * len(fake)), covered / len(real))


def all_four(real: Tensor, fake: Tensor, k: int) -> tuple[PrecisionRecall, DensityCoverage]:
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
        PrecisionRecall(int(precise.count_nonzero()) / len(fake), recalled / len(real)),
        DensityCoverage(held / (k * len(fake)), covered / len(real)),
    )


def _radii(features: Tensor, k: int) -> Tensor:
    """(N,) distances from each of (N, F) to its k-th nearest other."""
    return k_nearest(features, features, k, exclude_self=True)[0][:, -1]


def _any(within: Tensor, dim: int) -> Tensor:
    """`within.any(dim)`, but many times faster on the CPU."""
    return within.view(torch.uint8).amax(dim).bool()
