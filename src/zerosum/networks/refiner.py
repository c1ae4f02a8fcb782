"""SimGAN's networks; Shrivastava et al., 2017, section 3.1: a refiner that keeps places, and a D of local patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.networks.tiles import Tileable
from zerosum.options import Checked


@dataclass(frozen=True)
class Network(Checked):
    """The refiner, and the discriminator."""

    width: Annotated[int, Gt(0), "channels of the refiner"] = 64
    blocks: Annotated[int, Ge(0), "residual blocks of the refiner; each sees two pixels further to every side"] = 4
    d_width: Annotated[int, Gt(0), "channels of D's first layer; the next have two thirds and a third"] = 96


class Refiner(Tileable):
    """R: images (B, C, H, W) in [-1, 1], of any H and W, to such images.

    No strides and no normalisation: a pixel follows from those at most 1 + 2 `blocks` away to every side, and nothing
    moves far.
    """

    def __init__(self, channels: int, network: Network = Network()):
        super().__init__()
        self.reach = 1 + 2 * network.blocks
        self.layers = nn.Sequential(
            nn.Conv2d(channels, network.width, 3, padding=1),
            nn.ReLU(),
            *(Block(network.width) for _ in range(network.blocks)),
            nn.Conv2d(network.width, channels, 1),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Block(nn.Module):
    """(B, width, H, W) to the same: two 3x3 convolutions, added, and rectified after the sum (figure 6)."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()


class Discriminator(nn.Module):
    """D: images (B, C, H, W), of any H and W, to logits (B, 1, h, w), a quarter of the sides, rounded up.

    Each logit is of a patch of 23 pixels. One logit, of "real", in place of the paper's softmax of two, which is the
    same function.
    """

    def __init__(self, channels: int, network: Network = Network()):
        super().__init__()
        first, second, third = (max(1, network.d_width * share // 3) for share in (3, 2, 1))
        self.layers = nn.Sequential(
            nn.Conv2d(channels, first, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(second, third, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(third, third, 1),
            nn.ReLU(),
            nn.Conv2d(third, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
