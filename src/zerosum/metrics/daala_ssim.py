"""SSIM as the program `dump_ssim` of Xiph's daala has it, which the paper on SRGAN measured with."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from zerosum.metrics.structural import C1, C2, prepared

UNIT = 256  # weights of the window are whole numbers of this sum
DEVIATION = 1.5 / 256  # of the window, in heights of the image


def daala_ssim(x: Tensor, y: Tensor, *, luma: bool = False, border: int = 0) -> Tensor:
    """Structural similarity of each pair, (N,), by a window that grows with the image.

    It differs from `structural.ssim`, which follows Wang et al., 2004, in three things: the Gaussian window has a
    deviation of 1.5 pixels in images of 256 rows, and in proportion in others, with weights in 256ths; it reaches over
    the border, where what lies outside has no weight and places count by what is left; and values are whole numbers of
    0 to 255. Arguments and errors are those of `structural.psnr`; N images of C channels are averaged over these.
    """
    x, y = (side.round() for side in prepared(x, y, luma, border))
    down, right = (_window(side, *x.shape[2:]).to(x.device) for side in x.shape[2:])

    def summed(values: Tensor) -> Tensor:
        return down @ (values @ right.T)

    weight = summed(torch.ones_like(x[:1, :1]))
    mean_x, mean_y, square_x, square_y, product = (summed(v) / weight for v in (x, y, x * x, y * y, x * y))
    variances = square_x - mean_x.square() + square_y - mean_y.square()
    structure = (2 * (product - mean_x * mean_y) + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    return ((luminance * structure * weight).sum((2, 3)) / weight.sum()).mean(1)


@functools.lru_cache(maxsize=16)
def _window(side: int, height: int, width: int) -> Tensor:
    """(side, side): row i weighs the pixels around i."""
    deviation = DEVIATION * height
    # As far as a weight is at least half of a unit.
    limit = math.sqrt(math.pi / 2) * deviation / UNIT
    reach = min(int(deviation * math.sqrt(-2 * math.log(limit))) if limit < 1 else 0, min(height, width) - 1)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = UNIT / (math.sqrt(2 * math.pi) * deviation) * torch.exp(-0.5 * (offsets / deviation) ** 2)
    weights = (weights + 0.5).floor()
    weights[reach] += UNIT - weights.sum()
    distance = torch.arange(side) - torch.arange(side)[:, None] + reach
    return torch.where((distance >= 0) & (distance <= 2 * reach), weights[distance.clamp(0, 2 * reach)], 0.0)
