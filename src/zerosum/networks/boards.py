"""Networks that choose a move: boards, as images, to a number for each move."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from annotated_types import Gt
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import image_shape
from zerosum.options import Checked


@dataclass(frozen=True)
class Network(Checked):
    """Both networks."""

    width: Annotated[int, Gt(0), "channels of each convolution"] = 32
    depth: Annotated[int, Gt(0), "convolutions of 3x3 squares"] = 3
    hidden: Annotated[int, Gt(0), "units of the layer after them"] = 256


class Networks(NamedTuple):
    """Which belong together."""

    generator: nn.Module  # boards (B, C, H, W) to logits (B, K) of the moves
    discriminator: nn.Module  # boards to D's logits (B, K), one for each move: the higher, the more of the style


class Chooser(nn.Module):
    """Boards (B, C, H, W) to numbers (B, moves): convolutions that keep every square, then two linear layers."""

    def __init__(self, shape: Shape, moves: int, network: Network):
        super().__init__()
        channels, *size = image_shape(shape)
        width, hidden = network.width, network.hidden
        layers: list[nn.Module] = []
        for before in (channels, *[width] * (network.depth - 1)):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.LeakyReLU(0.2)]
        layers += [
            nn.Flatten(),
            nn.Linear(width * math.prod(size), hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, moves),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def networks(shape: Shape, moves: int, network: Network) -> Networks:
    """For boards of this shape and so many moves."""
    return Networks(*(Chooser(shape, moves, network) for _ in Networks._fields))
