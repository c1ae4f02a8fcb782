"""Small convolutional networks that learn digits in minutes without a GPU.

Most weights lie in linear layers, which cost little; convolutions keep few channels. Weights start from He et al.'s
normal distribution, so that large learning rates work at once.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Reshape, doubling, halvings, image_shape

HIDDEN = 256  # units of the linear layers


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W) in [-1, 1]: two linear layers, then transposed convolutions."""

    def __init__(self, latent_dim: int, shape: Shape, width: int = 24):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, smallest=5)[::-1]
        widths = [width * 2**i for i in range(len(sizes) - 1)][::-1]
        base = (widths[0] if widths else channels, *sizes[0])
        layers: list[nn.Module] = [nn.Linear(latent_dim, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.LeakyReLU(0.2)]
        layers += [nn.Linear(HIDDEN, math.prod(base)), Reshape(base)]
        for i, after in enumerate([*widths[1:], channels][: len(widths)]):
            layers += [nn.BatchNorm2d(widths[i]), nn.LeakyReLU(0.2)]
            layers += [doubling(widths[i], after, sizes[i], sizes[i + 1], bias=True)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        _initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Images (B, C, H, W) to logits (B, outputs): strided convolutions, then two linear layers; no normalisation."""

    def __init__(self, shape: Shape, width: int = 16, outputs: int = 1):
        super().__init__()
        before, height, image_width = image_shape(shape)
        layers: list[nn.Module] = []
        for i, _ in enumerate(halvings(height, image_width, smallest=5)[1:]):
            layers += [nn.Conv2d(before, width * 2**i, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            before, height, image_width = width * 2**i, height // 2, image_width // 2
        layers += [nn.Flatten(), nn.Linear(before * height * image_width, HIDDEN), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, outputs))
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _initialise(network: nn.Module) -> None:
    """N(0, 2 / fan in) where a leaky ReLU follows, N(0, 1 / fan in) at the end; biases 0."""
    weighted = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    for module in weighted:
        fan_in = module.weight[0].numel()
        if isinstance(module, nn.ConvTranspose2d):  # each output pixel meets (4 / 2)^2 taps of every input channel
            fan_in = module.in_channels * module.weight[0, 0].numel() // module.stride[0] ** 2
        gain = 1.0 if module is weighted[-1] else 2.0
        nn.init.normal_(module.weight, 0, math.sqrt(gain / fan_in))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
