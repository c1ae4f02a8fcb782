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


def doubling(before: int, after: int, size: tuple[int, int], target: tuple[int, int], bias: bool) -> nn.ConvTranspose2d:
    """A 4x4 transposed convolution of stride 2 from `size` to `target`, each side twice as long, or one less than that.

    (B, before, *size) to (B, after, *target). Padding makes the odd sides: cropping would leave strided views, which
    batch norm is slow at.
    """
    odd = tuple(2 * side - wanted for side, wanted in zip(size, target, strict=True))  # 0 or 1
    padding = (1 + odd[0], 1 + odd[1])
    return nn.ConvTranspose2d(before, after, 4, stride=2, padding=padding, output_padding=(odd[0], odd[1]), bias=bias)


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
