"""Made-up photographs: waves with a little noise, which differ by their number."""

from __future__ import annotations

import torch

from zerosum.data.images.benchmarks import Whole


def photo(number: int, channels: int = 3, height: int = 40, width: int = 52) -> Whole:
    generator = torch.Generator().manual_seed(number)
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    waves = 120 + 50 * torch.sin(rows / (2 + number)) + 50 * torch.cos(columns / 3 + number)
    noise = 6 * torch.randn(channels, height, width, generator=generator)
    return Whole(f"{number}.png", (waves + noise).round().clamp(0, 255).to(torch.uint8))
