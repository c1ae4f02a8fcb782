"""A density of images: how likely each pixel is after those above it and to its left."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import image_shape


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees nothing at or after its pixel (`first`), or nothing after it; rows go first.

    van den Oord et al., 2016 (Pixel recurrent neural networks), whose masks A and B these are for one channel.
    """

    mask: Tensor

    def __init__(self, before: int, after: int, kernel: int, first: bool):
        super().__init__(before, after, kernel, padding=kernel // 2)
        mask = torch.ones(kernel * kernel)
        mask[kernel * kernel // 2 + (not first) :] = 0
        self.register_buffer("mask", mask.reshape(1, 1, kernel, kernel), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PixelDensity(nn.Module):
    """Images (B, C, H, W) in [-1, 1] to the log-density of each, (B,), in nats.

    A pixel's value, brought to [0, 1], is read as its probability of being white, and the density is that of black and
    white images, averaged over them in the logarithm. The channels of a pixel do not see each other.
    """

    def __init__(self, shape: Shape, width: int = 16, layers: int = 3):
        super().__init__()
        channels, _, _ = image_shape(shape)
        stack: list[nn.Module] = [MaskedConv2d(channels, width, kernel=7, first=True), nn.ReLU()]
        for _ in range(layers):
            stack += [MaskedConv2d(width, width, kernel=3, first=False), nn.ReLU()]
        self.layers = nn.Sequential(*stack, nn.Conv2d(width, channels, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layers(x).float()
        white = (x.float() + 1) / 2
        return (white * F.logsigmoid(logits) + (1 - white) * F.logsigmoid(-logits)).sum((1, 2, 3))
