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
from zerosum.metrics.metric import Context, Metric, too_few
from zerosum.metrics.score import Score


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets; the deviation is not an error of the mean."""

    mean: float
    std: float


def kernel(real: Tensor, fake: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 0) -> KernelDistance:
    """The distance of features (N, F) and (M, F), in float64; KID on Inception's features; Bińkowski et al., 2018.

    The unbiased estimate of MMD^2 with k(x, y) = (x.y / F + 1)^3, over subsets drawn without replacement: near equal
    distributions it is below 0 as often as above. Subsets are those of torch-fidelity with the same seed. ValueError
    where a side has fewer rows than a subset.
    """
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features must be (N, F) and (M, F), not {tuple(real.shape)} and {tuple(fake.shape)}")
    if subset_size < 2 or subsets < 1:
        raise ValueError(f"subsets must be at least 1 and of at least 2 rows, not {subsets} of {subset_size}")
    if subset_size > min(len(real), len(fake)):
        raise ValueError(f"subsets of {subset_size} rows need as many; there are {len(real)} real, {len(fake)} fake")
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
        return too_few(context, 2 * self.subset_size, f"subsets of {self.subset_size:,} are to differ")

    def measure(self, context: Context) -> dict[str, Score]:
        own = self.adapt(context)
        mean, std = kernel(context.real.features, context.fake.features, own.subsets, own.subset_size, context.seed)
        # Subsets of m among n differ less than independent ones, by the factor 1 - m/n; all n vary as m/n of that.
        half = intervals.Z * std * math.sqrt(own.subset_size / (context.fewest - own.subset_size) + 1 / own.subsets)
        note = "from the deviation between subsets"
        return {"distance": Score(mean, "lower", (mean - half, mean + half), note), "subset std": Score(std)}
