"""R3GAN; Huang et al., 2024, its last configuration: residual bottlenecks of grouped convolutions, no normalisation.

Fix-up initialisation (Zhang et al., 2019) stands in for it: each block starts as the identity, since its last
convolution starts at zero, and the others are scaled down by depth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import halvings, image_shape

LEAK = 0.2
GAIN = math.sqrt(2 / (1 + LEAK**2))  # keeps the variance through a leaky ReLU
Halving = Literal["bilinear", "mean"]


class BiasedLeakyReLU(nn.Module):
    """LeakyReLU of x plus a learnt bias a channel: the only biases of the network."""

    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.bias, LEAK)


class Bottleneck(nn.Module):
    """x + 1x1 (expand), 3x3 (grouped), 1x1 (contract), with activations between; (B, width, h, w) kept.

    `blocks` is the number of such blocks in the whole network: the depth that fix-up scales by.
    """

    def __init__(self, width: int, group_size: int, blocks: int, expansion: int = 2):
        super().__init__()
        inner = width * expansion
        self.expand = nn.Conv2d(width, inner, kernel_size=1, bias=False)
        self.middle = nn.Conv2d(inner, inner, kernel_size=3, padding=1, groups=max(inner // group_size, 1), bias=False)
        self.contract = nn.Conv2d(inner, width, kernel_size=1, bias=False)
        self.act1, self.act2 = BiasedLeakyReLU(inner), BiasedLeakyReLU(inner)
        scale = GAIN * blocks ** (-1 / 4)  # L^(-1/(2m - 2)) for m = 3 convolutions
        for conv, gain in ((self.expand, scale), (self.middle, scale), (self.contract, 0.0)):
            _initialise(conv, gain)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.contract(self.act2(self.middle(self.act1(self.expand(x)))))


class Resample(nn.Module):
    """(B, before, *size) to (B, after, *target): bilinear, with a 1x1 convolution where the channels change.

    Both ways it is the authors' filter, [1, 3, 3, 1], but for its weight at the border, which goes to the pixels that
    are there; theirs meets zeros. `halving` "mean" is the mean of 2x2 pixels, as older versions had it.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        before: int,
        after: int,
        size: tuple[int, int],
        target: tuple[int, int],
        halving: Halving = "bilinear",
    ):
        super().__init__()
        self.growing = target[0] > size[0]
        self.project = _pointwise(before, after) if before != after else nn.Identity()
        # Bilinear resizing is linear in rows and in columns. As two products it is many times faster on a GPU than
        # `F.interpolate`, which took two thirds of a step.
        self.register_buffer("rows", _bilinear(size[0], target[0], halving), persistent=False)  # (target h, h)
        self.register_buffer("columns", _bilinear(size[1], target[1], halving).T, persistent=False)  # (w, target w)

    def forward(self, x: Tensor) -> Tensor:
        if self.growing:  # project where there are fewer pixels
            return self._resize(self.project(x))
        return self.project(self._resize(x))

    def _resize(self, x: Tensor) -> Tensor:
        return self.rows @ (x @ self.columns)


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W), unbounded: the paper has no tanh.

    `widths` are the channels from the smallest size (4..7 pixels) to the full one; the last repeats where it is short.
    """

    def __init__(self, latent_dim: int, shape: Shape, widths: Sequence[int], blocks: int = 2, group_size: int = 16):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, smallest=4)[::-1]
        widths = _pad_widths(widths, len(sizes))
        self.basis = nn.Parameter(torch.randn(widths[0], *sizes[0]))
        self.linear = nn.Linear(latent_dim, widths[0], bias=False)
        _initialise(self.linear, 1.0)
        layers: list[nn.Module] = []
        for i, (width, size) in enumerate(zip(widths, sizes, strict=True)):
            layers += [Resample(widths[i - 1], width, sizes[i - 1], size)] if i else []
            layers += [Bottleneck(width, group_size, blocks * len(sizes)) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers, _pointwise(widths[-1], channels))

    def forward(self, z: Tensor) -> Tensor:
        x = self.basis * self.linear(z)[..., None, None]  # (B, widths[0], h, w)
        return self.layers(x)


class Discriminator(nn.Module):
    """Images (B, C, H, W) to logits (B, outputs): the generator's mirror.

    `widths` are the channels from the smallest size to the full one.
    """

    def __init__(
        self,
        shape: Shape,
        widths: Sequence[int],
        blocks: int = 2,
        group_size: int = 16,
        outputs: int = 1,
        halving: Halving = "bilinear",
    ):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, smallest=4)
        widths = _pad_widths(widths, len(sizes))[::-1]
        layers: list[nn.Module] = [_pointwise(channels, widths[0])]
        for i, (width, size) in enumerate(zip(widths, sizes, strict=True)):
            layers += [Resample(widths[i - 1], width, sizes[i - 1], size, halving)] if i else []
            layers += [Bottleneck(width, group_size, blocks * len(sizes)) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers)
        self.basis = nn.Conv2d(widths[-1], widths[-1], kernel_size=sizes[-1], groups=widths[-1], bias=False)
        self.linear = nn.Linear(widths[-1], outputs, bias=False)
        _initialise(self.basis, 1.0)
        _initialise(self.linear, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        features = self.basis(self.layers(x)).flatten(1)  # (B, widths[-1])
        return self.linear(features)


def _pad_widths(widths: Sequence[int], count: int) -> list[int]:
    return [*widths, *[widths[-1]] * count][:count]


def _pointwise(before: int, after: int) -> nn.Conv2d:
    conv = nn.Conv2d(before, after, kernel_size=1, bias=False)
    _initialise(conv, 1.0)
    return conv


def _bilinear(size: int, target: int, halving: Halving) -> Tensor:
    """What linear resizing does to a row of `size` pixels, as a matrix (target, size).

    The filter grows with the pixels of a smaller target, to the triangle [1, 3, 3, 1] / 8 for half of an even size;
    with the mean, as between pixels, it does not.
    """
    wide = halving == "bilinear"
    row = F.interpolate(torch.eye(size)[None, None], (size, target), mode="bilinear", antialias=wide)
    return row[0, 0].T.contiguous()


@torch.no_grad()
def _initialise(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    """N(0, gain^2 / fan in)."""
    layer.weight.normal_(0, gain / math.sqrt(layer.weight[0].numel()))
