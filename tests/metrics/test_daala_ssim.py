"""SSIM as daala's program has it, beside a slow transcription of its definition."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zerosum.metrics.daala_ssim import daala_ssim
from zerosum.metrics.structural import ssim


def window(deviation: float, most: int) -> list[int]:
    """Weights in 256ths from the centre on, as far as one is at least half of a unit."""
    weights: list[int] = []
    for k in range(1, most):
        exact = 256 / (math.sqrt(2 * math.pi) * deviation) * math.exp(-0.5 * (k / deviation) ** 2)
        if exact < 0.5:
            break
        weights.append(int(exact + 0.5))
    return [256 - 2 * sum(weights), *weights]


def slow(x: Tensor, y: Tensor) -> float:
    """Of two whole-numbered images (H, W)."""
    height, width = x.shape
    weights = window(height * 1.5 / 256, min(height, width))
    total = of_all = 0.0
    for row in range(height):
        for column in range(width):
            w = mx = my = xx = yy = xy = 0.0
            for i in range(height):
                for j in range(width):
                    down, right = abs(i - row), abs(j - column)
                    if max(down, right) < len(weights):
                        own, a, b = weights[down] * weights[right], float(x[i, j]), float(y[i, j])
                        w, mx, my = w + own, mx + own * a, my + own * b
                        xx, yy, xy = xx + own * a * a, yy + own * b * b, xy + own * a * b
            mx, my, xx, yy, xy = mx / w, my / w, xx / w, yy / w, xy / w
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            luminance = (2 * mx * my + c1) / (mx * mx + my * my + c1)
            total += w * luminance * (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
            of_all += w
    return total / of_all


@pytest.mark.parametrize("size", [(24, 10), (90, 6), (6, 30)])
def test_it_is_the_definition(size: tuple[int, int]):
    generator = torch.Generator().manual_seed(size[0])
    x = torch.randint(256, (1, 1, *size), generator=generator).double()
    y = (x + torch.randint(-40, 41, x.shape, generator=generator)).clamp(0, 255)
    found = daala_ssim(x / 127.5 - 1, y / 127.5 - 1)
    assert found.shape == (1,) and float(found) == pytest.approx(slow(x[0, 0], y[0, 0]), abs=1e-9)


def test_at_256_rows_it_is_near_wangs():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, 256, 64, generator=generator) * 2 - 1
    y = (x + 0.3 * torch.randn(x.shape, generator=generator)).clamp(-1, 1)
    for luma in (False, True):
        ours, wangs = daala_ssim(x, y, luma=luma, border=4), ssim(x, y, luma=luma, border=4)
        torch.testing.assert_close(ours, wangs, rtol=0, atol=0.01)
    torch.testing.assert_close(daala_ssim(x, x), torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match="of one shape"):
        daala_ssim(x, y[:, :, :10])


def test_values_are_those_of_whole_levels():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randint(256, (2, 2, 1, 20, 24), generator=generator).double()
    off = 0.9 * torch.rand(x.shape, generator=generator, dtype=torch.float64) - 0.45
    whole, between = (daala_ssim(side / 127.5 - 1, y / 127.5 - 1) for side in (x, x + off))
    torch.testing.assert_close(whole, between, rtol=0, atol=1e-12)
