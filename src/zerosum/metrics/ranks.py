"""Two sets of numbers compared pair by pair."""

from __future__ import annotations

import torch
from torch import Tensor


def above(a: Tensor, b: Tensor) -> float:
    """The share of all pairs in which a of (N,) is larger than b of (M,), ties counted half: Mann and Whitney's U / NM.

    ValueError where a side is empty.
    """
    if len(a) == 0 or len(b) == 0:
        raise ValueError("there must be numbers on both sides")
    ordered = b.sort().values
    below = torch.searchsorted(ordered, a) + torch.searchsorted(ordered, a, right=True)
    return float(below.sum()) / (2 * len(a) * len(b))
