"""DiffAugment: random changes of images that gradients pass through; Zhao et al., 2020, arXiv 2006.10738.

Operations map images (B, C, H, W) in [-1, 1] to the same shape, each image by a draw of its own. Their ranges are those
of the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from zerosum.errors import unknown
from zerosum.util.checks import ArgumentError, shapes

Operation = Literal["color", "translation", "cutout"]


class DiffAugment(nn.Module):
    """Some of the operations, one after the other."""

    def __init__(self, operations: Sequence[Operation]):
        super().__init__()
        for name in operations:
            if name not in OPERATIONS:
                raise ArgumentError(unknown("operation", name, OPERATIONS))
        self.operations = tuple(operations)

    def forward(self, x: Tensor) -> Tensor:
        shapes("B C H W", x=x)
        for name in self.operations:
            x = OPERATIONS[name](x)
        return x


def color(x: Tensor) -> Tensor:
    """Brightness moved by up to 0.5, saturation times up to 2, contrast times 0.5 to 1.5."""
    x = x + _uniform(x, -0.5, 0.5)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * _uniform(x, 0.0, 2.0)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * _uniform(x, 0.5, 1.5)


def translation(x: Tensor) -> Tensor:
    """Moved by up to an eighth of each side, in whole pixels; 0 comes in from outside."""
    for axis in (2, 3):
        side = x.shape[axis]
        by = torch.randint(-(side // 8), side // 8 + 1, (len(x), 1), device=x.device)
        source = torch.arange(side, device=x.device) + by  # (B, side)
        inside = (source >= 0) & (source < side)
        along = [len(x), 1, 1, 1]
        along[axis] = side
        index = source.clamp(0, side - 1).view(along).expand_as(x)
        x = x.gather(axis, index) * inside.view(along)
    return x


def cutout(x: Tensor) -> Tensor:
    """A square of half of each side becomes 0, wherever its centre lies in the image."""
    hidden = torch.ones(len(x), 1, 1, 1, dtype=torch.bool, device=x.device)
    for axis in (2, 3):
        side = x.shape[axis]
        size = side // 2
        first = torch.randint(0, side + 1 - size % 2, (len(x), 1), device=x.device) - size // 2
        place = torch.arange(side, device=x.device)
        along = [len(x), 1, 1, 1]
        along[axis] = side
        hidden = hidden & ((place >= first) & (place < first + size)).view(along)
    return x.masked_fill(hidden, 0.0)


OPERATIONS: dict[Operation, Callable[[Tensor], Tensor]] = {"color": color, "translation": translation, "cutout": cutout}


def _uniform(x: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)
