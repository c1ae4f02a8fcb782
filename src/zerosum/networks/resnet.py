"""Residual networks for WGAN-GP on CIFAR-10; Gulrajani et al., 2017, as the authors' code builds them.

No normalisation in the critic. Weights begin uniform, of the variance that Glorot and Bengio, 2010, give; of the 3x3
convolutions in blocks, which meet rectifiers, of twice that; biases at 0.
"""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import halvings, image_shape

Shortcut = Literal["convolution", "identity"]


class UpBlock(nn.Module):
    """(B, width, h, w) to (B, width, *size), size about twice: two 3x3 convolutions beside an upsampled 1x1 shortcut.

    `shortcut` is "identity" in runs of older versions: upsampled alone, and no bias before the second batch norm.
    """

    def __init__(self, width: int, size: tuple[int, int], shortcut: Shortcut = "convolution"):
        super().__init__()
        self.size, convolved = size, shortcut == "convolution"
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=convolved)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.shortcut = nn.Conv2d(width, width, kernel_size=1) if convolved else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        up = F.interpolate(F.relu(self.norm1(x)), self.size)  # nearest
        # On the small side: of equal pixels a 1x1 convolution makes equal ones, so that the order does not matter.
        return F.interpolate(self.shortcut(x), self.size) + self.conv2(F.relu(self.norm2(self.conv1(up))))


class DownBlock(nn.Module):
    """(B, before, h, w) to (B, width, h/2, w/2), rounded up: two 3x3 convolutions beside a pooled 1x1 shortcut."""

    def __init__(self, before: int, width: int, first: bool = False):
        super().__init__()
        self.first = first  # the image itself is not rectified
        self.conv1 = nn.Conv2d(before, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.shortcut = nn.Conv2d(before, width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        return _halve(y) + self.shortcut(_halve(x))


class Block(nn.Module):
    """(B, width, h, w) to the same shape: the critic's last layers."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W) in [-1, 1]."""

    def __init__(self, latent_dim: int, shape: Shape, width: int = 128, shortcut: Shortcut = "convolution"):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        base, *sizes = halvings(height, image_width, smallest=4)[::-1]
        self.base = (width, *base)
        self.linear = nn.Linear(latent_dim, width * base[0] * base[1])
        self.blocks = nn.Sequential(*(UpBlock(width, size, shortcut) for size in sizes))
        self.norm = nn.BatchNorm2d(width)
        self.out = nn.Conv2d(width, channels, kernel_size=3, padding=1)
        _initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        x = self.linear(z).reshape(-1, *self.base)
        x = self.blocks(x)  # (B, width, H, W)
        return self.out(F.relu(self.norm(x))).tanh()


class Critic(nn.Module):
    """Images (B, C, H, W) to scores (B, 1): two halvings, two blocks at a quarter of the size, mean over space."""

    def __init__(self, shape: Shape, width: int = 128):
        super().__init__()
        channels, _, _ = image_shape(shape)
        self.blocks = nn.Sequential(
            DownBlock(channels, width, first=True), DownBlock(width, width), Block(width), Block(width)
        )
        self.linear = nn.Linear(width, 1)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.blocks(x)).mean((2, 3))  # (B, width)
        return self.linear(features)


def _halve(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True)  # an odd border is averaged over what it has


def _initialise(network: nn.Module) -> None:
    """As in the authors' code, whose `he_init` is of the blocks' two convolutions alone: its default, but not of
    shortcuts, and not of the ends of the networks.
    """
    blocks = [m for m in network.modules() if isinstance(m, (UpBlock, DownBlock, Block))]
    rectified = {layer for block in blocks for layer in (block.conv1, block.conv2)}
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight, math.sqrt(2) if layer in rectified else 1.0)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
