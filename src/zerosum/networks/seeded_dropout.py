"""Dropout whose masks are a function of a number for each sample: noise that can be asked for again.

An image then gives one output, in training and in use, alone and in a batch, on every device: by its seed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# SplitMix64 (Steele, Lea and Flood, 2014), as signed numbers: int64 wraps around.
STEP, FIRST, SECOND = (c - 2**64 for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
LARGEST = 2**63 - 1  # of a seed


class SeededDropout(nn.Module):
    """x, (B, ...), with a share `rate` of its values at 0 and the others divided by 1 - rate, in every mode.

    `place` tells the layers of a network apart: two of one place and size have the same masks.
    """

    def __init__(self, rate: float, place: int):
        super().__init__()
        self.rate, self.place = rate, place

    def forward(self, x: Tensor, seeds: Tensor) -> Tensor:
        if self.rate == 0:
            return x
        kept = uniform(seeds, x[0].numel(), self.place) >= self.rate
        return x * kept.view_as(x) / (1 - self.rate)


def uniform(seeds: Tensor, count: int, place: int = 0) -> Tensor:
    """(B, count) float64 in [0, 1), a function of seeds, (B,) int64, and of `place`."""
    positions = torch.arange(count, device=seeds.device)
    started = _mixed(_mixed(seeds * STEP) + place)
    return _shifted(_mixed(started[:, None] + (positions + 1) * STEP), 11).double() * 2.0**-53


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ _shifted(x, 30)) * FIRST
    x = (x ^ _shifted(x, 27)) * SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """To the right as of an unsigned number."""
    return (x >> bits) & (2 ** (64 - bits) - 1)
