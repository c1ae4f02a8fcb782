"""The bicubic kernel that papers on super-resolution shrink and enlarge images by: that of MATLAB's `imresize`.

Cubic convolution with a = -0.5 (Keys, 1981, eq. 15), `factor` times as wide where an image shrinks (antialiasing),
pixels mirrored at the borders, those at the border twice, rows and columns one after the other. Other libraries have
other kernels under this name: OpenCV and PyTorch's default one with a = -0.75, and neither widens it.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

RADIUS = 2  # pixels to each side that the kernel reaches


def shrunk(x: Tensor, factor: int) -> Tensor:
    """(..., H, W) to (..., ceil(H / factor), ceil(W / factor)), floats of x's type, not rounded."""
    return _along(_along(x, -2, 1, factor), -1, 1, factor)


def enlarged(x: Tensor, factor: int) -> Tensor:
    """(..., H, W) to (..., factor H, factor W), floats of x's type, not rounded."""
    return _along(_along(x, -2, factor, 1), -1, factor, 1)


def shrunk_bytes(x: Tensor, factor: int) -> Tensor:
    """`shrunk` of uint8, computed in float64 and rounded to uint8."""
    return to_bytes(shrunk(x.double(), factor))


def enlarged_bytes(x: Tensor, factor: int) -> Tensor:
    """`enlarged` of uint8, computed in float64 and rounded to uint8."""
    return to_bytes(enlarged(x.double(), factor))


def to_bytes(x: Tensor) -> Tensor:
    """Values of 0 to 255, rounded; what is beyond them is cut off."""
    return x.round().clamp(0, 255).to(torch.uint8)


def kernel(distance: Tensor) -> Tensor:
    """The weight of a pixel at a distance, in pixels; Keys, 1981, eq. 15 with a = -1/2."""
    d = distance.abs()
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return torch.where(d <= 1, near, torch.where(d <= RADIUS, far, torch.zeros_like(d)))


def _along(x: Tensor, dim: int, up: int, down: int) -> Tensor:
    """x with `up / down` times as many pixels along a dimension."""
    pixels, weights = _taps(x.shape[dim], up, down)
    shape = (-1, 1) if dim == -2 else (-1,)
    parts = (
        x.index_select(dim, pixels[:, k].to(x.device)) * weights[:, k].to(x).view(shape) for k in range(pixels.shape[1])
    )
    return functools.reduce(torch.add, parts)


@functools.lru_cache(maxsize=64)
def _taps(side: int, up: int, down: int) -> tuple[Tensor, Tensor]:
    """(out, taps) each: the pixels of a row of `side` that each of the other size is made of, and their weights."""
    wide = max(1.0, down / up)  # of a shrunk image the kernel is stretched
    places = torch.arange(math.ceil(side * up / down), dtype=torch.float64)
    centres = (places + 0.5) * down / up - 0.5
    first = (centres - RADIUS * wide).floor().long()
    pixels = first[:, None] + torch.arange(math.ceil(2 * RADIUS * wide) + 2)
    weights = kernel((centres[:, None] - pixels) / wide)
    used = (weights != 0).any(0)
    pixels, weights = pixels[:, used], weights[:, used]
    turn = pixels % (2 * side)  # 0, 1, ... side - 1, side - 1, ... 1, 0, over and over
    return torch.minimum(turn, 2 * side - 1 - turn), weights / weights.sum(1, keepdim=True)
