"""A doubled image convolved: both ways beside each other, at batches of more and more pixels.

    python -m benchmarks.doubling

prints for each layer how many times as long as `DoublingConv2d` two layers take, forward and back, medians in turn:
`ENOUGH` pixels is where that begins to be above 1.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.networks.doubling import summed

REPEATS = 7
LAYERS = ((512, 256), (256, 64), (128, 64), (128, 3))  # channels before and after
PIXELS = ((1, 4), (1, 8), (1, 16), (8, 4), (8, 8), (1, 32), (8, 16), (8, 32))  # images, and pixels of a side


def by_two_layers(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)


def by_one(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv_transpose2d(x, summed(weight), stride=2, padding=1)


def seconds(function: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor) -> float:
    """Of processor time, forward and back."""
    began = process_time()
    function(x, weight).sum().backward()
    return process_time() - began


def main() -> None:
    for before, after in LAYERS:
        ratios = []
        for images, side in PIXELS:
            x = torch.randn(images, before, side, side, requires_grad=True)
            weight = torch.randn(after, before, 3, 3, requires_grad=True)
            pairs = [(seconds(by_two_layers, x, weight), seconds(by_one, x, weight)) for _ in range(REPEATS)]
            ratios.append(f"{images}x{side}x{side} {median(a for a, _ in pairs) / median(b for _, b in pairs):.2f}")
        print(f"{before} to {after} channels: {', '.join(ratios)}")


if __name__ == "__main__":
    main()
