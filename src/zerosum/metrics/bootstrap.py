"""Confidence intervals by resampling."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def interval(
    statistic: Callable[..., float], *samples: Tensor, repeats: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """A confidence interval of statistic(*samples), each (N_i, *shape), by resampling the rows of each."""
    if not samples or repeats < 1 or not 0 < level < 1:
        raise ValueError("an interval needs samples, repeats of at least 1 and a level between 0 and 1")
    generator = torch.Generator().manual_seed(seed)
    values = [
        statistic(*(s[torch.randint(len(s), (len(s),), generator=generator).to(s.device)] for s in samples))
        for _ in range(repeats)
    ]
    tail = (1 - level) / 2
    low, high = torch.tensor(values, dtype=torch.float64).quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64))
    return float(low), float(high)
