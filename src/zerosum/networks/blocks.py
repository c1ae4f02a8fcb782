"""What several architectures share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zerosum.game import Shape


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """(C, H, W), or a `ValueError` for samples that are no images."""
    if len(shape) != 3:
        raise ValueError(f"this network is for images (C, H, W), not for samples of shape {shape}; use an MLP recipe")
    return shape


def halvings(height: int, width: int, smallest: int) -> list[tuple[int, int]]:
    """Sizes from (height, width) down, each half of the one before, rounded up, while no side falls below `smallest`.

    28x28 with `smallest` 4 gives 28, 14, 7, 4; the list has at least one entry.
    """
    sizes = [(height, width)]
    while math.ceil(min(sizes[-1]) / 2) >= smallest:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    return sizes


class Crop(nn.Module):
    """Keep the first rows and columns: doubling 4 gives 8 where 7 was halved."""

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.height, self.width = size

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.height, : self.width]


class Reshape(nn.Module):
    """(B, *) to (B, *shape)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


def judge(discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """D's logits of both batches: in one forward where no layer looks across the batch.

    Batch norm does, and is to see real and fake batches apart.
    """
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in discriminator.modules()):
        return discriminator(real), discriminator(fake)
    on_real, on_fake = discriminator(torch.cat([real, fake])).split([len(real), len(fake)])
    return on_real, on_fake
