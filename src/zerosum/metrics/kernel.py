"""The kernel distance: squared maximum mean discrepancy of features under a cubic kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, too_few, too_heavy
from zerosum.metrics.score import Score
from zerosum.util import checks

_AT_A_TIME = 4_000_000  # numbers of a part of a kernel matrix, in float64: 32 MB


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets; the deviation is not an error of the mean."""

    mean: float
    std: float


def kernel(real: Tensor, fake: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 0) -> KernelDistance:
    """The distance of features (N, F) and (M, F), in float64; KID on Inception's features; Bińkowski et al., 2018.

    The unbiased estimate of MMD^2 with k(x, y) = (x.y / F + 1)^3, over subsets drawn without replacement: of equal
    distributions its mean is 0, so it may be below. Subsets are those of torch-fidelity with the same seed. ValueError
    where a side has fewer rows than a subset, or a feature is not finite.
    """
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features must be (N, F) and (M, F), not {tuple(real.shape)} and {tuple(fake.shape)}")
    if subset_size < 2 or subsets < 1:
        raise ValueError(f"subsets must be at least 1 and of at least 2 rows, not {subsets} of {subset_size}")
    if subset_size > min(len(real), len(fake)):
        raise ValueError(f"subsets of {subset_size} rows need as many; there are {len(real)} real, {len(fake)} fake")
    checks.finite("real", real)
    checks.finite("fake", fake)
    draw = np.random.RandomState(seed)  # torch-fidelity's order of draws, a stream that NumPy has frozen
    values = []
    for _ in range(subsets):
        x, y = (f[torch.from_numpy(draw.choice(len(f), subset_size, replace=False))].double() for f in (real, fake))
        values.append(float(_squared_discrepancy(x, y)))
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def _squared_discrepancy(x: Tensor, y: Tensor) -> Tensor:
    """The unbiased estimate of MMD^2 from (n, F) and (n, F)."""
    n = len(x)
    xx, yy, xy = _cubic(x, x), _cubic(y, y), _cubic(x, y)
    return (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (n * (n - 1)) - 2 * xy.mean()


def variance_over_fakes(real: Tensor, fake: Tensor) -> float:
    """Of the unbiased estimate of MMD^2 from all of (N, F) and (M, F), M >= 4: how it varies with other fakes.

    Given the reals it is a U-statistic of the fakes, of h(y, y') = k(y, y') - a(y) - a(y') with a(y) the mean of
    k(y, x) over the reals. Its variance (Hoeffding, 1948) is (4 (M - 2) z1 + 2 z2) / (M (M - 1)), where z1 is the
    covariance of h(1, 2) with h(1, 3) and z2 the variance of h. Both are estimated without bias, by sums over distinct
    fakes; z1 is at least 0.
    """
    x, y = real.double(), fake.double()
    count, step = len(y), max(1, _AT_A_TIME // max(len(x), len(y)))
    a = torch.cat([_cubic(part, x).mean(1) for part in y.split(step)])  # (M,)
    sums, squares = [], 0.0
    for rows in torch.arange(count).split(step):
        h = _cubic(y[rows], y) - a[rows, None] - a
        h[torch.arange(len(rows)), rows] = 0
        sums.append(h.sum(1))
        squares += float(h.square().sum())
    by_row = torch.cat(sums)  # (M,)
    total, of_rows = float(by_row.sum()), float(by_row.square().sum())
    pairs = count * (count - 1)
    shared = (of_rows - squares) / (pairs * (count - 2))  # E h(1, 2) h(1, 3)
    apart = (total**2 - 4 * of_rows + 2 * squares) / (pairs * (count - 2) * (count - 3))  # E h(1, 2) h(3, 4)
    z1, z2 = max(0.0, shared - apart), max(0.0, squares / pairs - apart)
    return (4 * (count - 2) * z1 + 2 * z2) / pairs


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


@dataclass(frozen=True)
class Kernel(Metric):
    """The kernel distance; Binkowski et al., 2018. Unbiased, so it may fall below 0."""

    subsets: Annotated[int, Gt(0), "how many"] = 100
    subset_size: Annotated[int, Gt(1), "samples of each side in one"] = 1000

    name = "kernel"
    needs = "features"

    def why_not(self, context: Context) -> str:
        return "" if context.fewest >= 4 else "it needs at least 4 samples of each side"

    def adapt(self, context: Context) -> Kernel:
        return replace(self, subset_size=min(self.subset_size, context.fewest // 2))

    def warnings(self, context: Context) -> list[str]:
        few = too_few(context, 2 * self.subset_size, f"subsets of {self.subset_size:,} are to differ")
        if context.fake.count < intervals.ENOUGH:
            return few
        groups = context.fake.features.double().tensor_split(intervals.GROUPS)
        variances = torch.stack([group.var(0) for group in groups])
        return few + too_heavy(variances, context.fake.count / len(groups))

    def measure(self, context: Context) -> dict[str, Score]:
        own = self.adapt(context)
        mean, std = kernel(context.real.features, context.fake.features, own.subsets, own.subset_size, context.seed)
        by_fakes = variance_over_fakes(context.real.features, context.fake.features)
        half = math.inf
        if own.subsets > 1:  # whose choice varies, too; degrees of freedom by Welch and Satterthwaite
            by_choice = std**2 / (own.subsets - 1)
            freedom = (own.subsets - 1) * (1 + by_fakes / by_choice) ** 2 if by_choice > 0 else math.inf
            half = intervals.student(freedom) * math.sqrt(by_fakes + by_choice)
        note = "Student's t, by the variance of a U-statistic of the fakes"
        return {
            "distance": Score(mean, "lower", (mean - half, mean + half), note),
            "subset std": Score(std, note="no interval: a deviation between subsets"),
        }
