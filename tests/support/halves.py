"""Images of two classes that any classifier tells apart."""

from __future__ import annotations

import torch

from zerosum.data.dataset import Dataset, dataset


def halves(count: int, seed: int, shape: tuple[int, int, int]) -> Dataset:
    """`count` images (C, H, W): bright above, or bright below."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.randint(2, (count,), generator=draw)
    x = torch.randint(100, (count, *shape), generator=draw)
    middle = shape[1] // 2
    x[y == 0, :, :middle] += 150
    x[y == 1, :, middle:] += 150
    return dataset("halves", x.to(torch.uint8), y, ("above", "below"))
