"""The auto-encoders of BEGAN; Berthelot et al., 2017, have the convolutional one.

The generator is one more decoder, with weights of its own. The paper's skip connections are left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Reshape, halvings, image_shape

SMALLEST = 7  # pixels that the shorter side keeps at least; the paper halves down to 8


class Encoder(nn.Module):
    """Images (B, C, H, W) to codes (B, code): pairs of 3x3 convolutions and ELU; each halving adds `width` channels."""

    def __init__(self, code: int, shape: Shape, width: int = 64):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, SMALLEST)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ELU()]
        for i in range(1, len(sizes)):
            layers += _pair(width * i, width * i)
            layers += [nn.Conv2d(width * i, width * (i + 1), 3, stride=2, padding=1), nn.ELU()]
        last = width * len(sizes)
        layers += [*_pair(last, last), nn.Flatten(), nn.Linear(last * math.prod(sizes[-1]), code)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Decoder(nn.Module):
    """Codes, or z, (B, code) to images (B, C, H, W), not bounded: pairs of 3x3 convolutions and ELU, each size the
    nearest-neighbour doubling of the one before."""

    def __init__(self, code: int, shape: Shape, width: int = 64):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        smallest, *others = halvings(height, image_width, SMALLEST)[::-1]
        layers: list[nn.Module] = [nn.Linear(code, width * math.prod(smallest)), Reshape((width, *smallest))]
        layers += _pair(width, width)
        for size in others:
            layers += [nn.Upsample(size), *_pair(width, width)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


def convolutional(code: int, shape: Shape, width: int = 64) -> nn.Module:
    """The auto-encoder of images, (B, C, H, W) to the same."""
    return nn.Sequential(Encoder(code, shape, width), Decoder(code, shape, width))


def perceptron(code: int, shape: Shape, hidden: Sequence[int] = (128, 128)) -> nn.Module:
    """The auto-encoder of points, (B, *shape) to the same: ELU between linear layers of these widths, then mirrored."""
    inwards = [math.prod(shape), *hidden, code]
    return nn.Sequential(nn.Flatten(), *_linear(inwards), *_linear(inwards[::-1]), Reshape(shape))


def _pair(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.ELU(), nn.Conv2d(after, after, 3, padding=1), nn.ELU()]


def _linear(widths: Sequence[int]) -> list[nn.Module]:
    """Linear layers from each width to the next, ELU between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ELU()]
    return layers[:-1]
