"""Binary vectors as squares of fields, row by row: white where a feature is there."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

PIXELS = 4  # of a field's side
THERE, ABSENT, BEYOND = 0.9, -0.9, 0.0  # grey; the last of fields beyond the last feature


def side_of(dim: int) -> tuple[int, int]:
    """(H, W) of a square of `dim` features, in pixels: as wide as it is high, but for rows that would be empty."""
    across = math.ceil(math.sqrt(dim))
    return PIXELS * math.ceil(dim / across), PIXELS * across


def squares(x: Tensor) -> Tensor:
    """(..., 1, H, W) in [-1, 1] of vectors (..., D), whose numbers between 0 and 1 are as bright."""
    height, width = side_of(x.shape[-1])
    rows, across = height // PIXELS, width // PIXELS
    shades = ABSENT + (THERE - ABSENT) * x.float().clamp(0, 1)
    fields = F.pad(shades, (0, rows * across - x.shape[-1]), value=BEYOND).unflatten(-1, (rows, across))
    whole = torch.repeat_interleave(torch.repeat_interleave(fields, PIXELS, -2), PIXELS, -1)
    return whole.unsqueeze(-3)
