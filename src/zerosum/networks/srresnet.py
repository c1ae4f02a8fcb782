"""SRResNet and the discriminator of SRGAN; Ledig et al., 2017, section 2.1 and figure 4, for images of any size.

Without batch norm unless asked for: it makes an image depend on the statistics of others, and is blamed for colour
shifts and checkerboards. No layer looks at a whole image, so an image in parts gives what it gives as a whole.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.networks.blocks import normalisation, reparametrise
from zerosum.networks.doubling import doubling
from zerosum.networks.tiles import Tileable
from zerosum.options import Checked
from zerosum.util.bicubic import kernel

FACTORS = (2, 3, 4)
SLOPE = 0.2  # of LeakyReLU
TAPS = 5  # pixels of a row that an enlarged one is made of, at most
DENSE = 1024
STRIDED = 4  # layers of D that halve the image


@dataclass(frozen=True)
class SRResNet(Checked):
    """SRResNet, which enlarges."""

    width: Annotated[int, Gt(0), "channels"] = 64
    blocks: Annotated[int, Ge(0), "residual blocks"] = 16
    norm: Annotated[Literal["none", "batch"], "of the blocks; the paper has batch norm"] = "none"
    upsampling: Annotated[
        Literal["sub-pixel", "resize"],
        "sub-pixel: the paper's, begun without checkerboards (ICNR); resize: nearest neighbours, then a convolution",
    ] = "sub-pixel"
    base: Annotated[
        Literal["bicubic", "none"],
        "what the network adds to: the enlarged input, or, as in the paper, none",
    ] = "bicubic"


@dataclass(frozen=True)
class Judge(Checked):
    """D of SRGAN."""

    width: Annotated[int, Gt(0), "channels of the first two layers; the last have 8 times as many"] = 64
    norm: Annotated[Literal["none", "batch", "spectral"], "of its layers; the paper has batch norm"] = "none"


class Translator(Tileable):
    """Images (B, C, H, W), of any H and W, to (B, C', factor H, factor W); in [-1, 1] up to what is to be cut off.

    Args:
        inputs, outputs: C and C'.
        factor: 2, 3 or 4.
    """

    def __init__(self, inputs: int, outputs: int, factor: int, network: SRResNet = SRResNet()):
        super().__init__()
        if factor not in FACTORS:
            raise ValueError(f"SRResNet enlarges 2, 3 or 4 times, not {factor} times")
        width, normed, self.factor = network.width, network.norm == "batch", factor
        self.first = nn.Sequential(nn.Conv2d(inputs, width, 9, padding=4), nn.PReLU())
        self.blocks = nn.Sequential(*(Block(width, network.norm) for _ in range(network.blocks)))
        self.middle = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=not normed), *normalisation(network.norm, width, images=True)
        )
        steps = (2, 2) if factor == 4 else (factor,)
        # 9x9 before and after, the second of pixels that are smaller; blocks and the middle; layers that enlarge.
        self.reach = 4 + math.ceil(4 / factor) + 2 * network.blocks + 1 + len(steps)
        self.up = nn.Sequential(
            *(layer for step in steps for layer in (*_enlarging(width, step, network.upsampling), nn.PReLU()))
        )
        self.last = nn.Conv2d(width, outputs, 9, padding=4)
        self.base = Bicubic(factor) if network.base == "bicubic" else None
        self.mix = inputs != outputs  # an image of other colours is added to no input, but to its mean
        if self.base is not None:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        made: Tensor = self.last(self.up(h + self.middle(self.blocks(h))))
        if self.base is None:
            return made
        return self.base(x.mean(1, keepdim=True) if self.mix else x) + made


class Block(nn.Module):
    """(B, width, h, w) to the same: two 3x3 convolutions, added."""

    def __init__(self, width: int, norm: Literal["none", "batch"]):
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=norm == "none")]
            layers += [*normalisation(norm, width, images=True), nn.PReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Bicubic(nn.Module):
    """(B, C, H, W) to (B, C, factor H, factor W) by the kernel of `util.bicubic`, edges repeated."""

    weights: Tensor  # (factor, TAPS): of each place within an enlarged pixel

    def __init__(self, factor: int):
        super().__init__()
        centres = (torch.arange(factor) + 0.5) / factor - 0.5
        weights = kernel(centres[:, None] - (torch.arange(TAPS) - TAPS // 2))
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # Without a convolution, which autocast would step: bf16 does not tell an image's 256 values apart.
        height, width = x.shape[2:]
        padded = F.pad(x, [TAPS // 2] * 4, mode="replicate")
        rows = [padded[:, :, t : t + height, None] * self.weights[:, t, None] for t in range(TAPS)]
        padded = functools.reduce(torch.add, rows).flatten(2, 3)  # (B, C, factor H, W + TAPS - 1)
        columns = [padded[..., t : t + width, None] * self.weights[:, t] for t in range(TAPS)]
        return functools.reduce(torch.add, columns).flatten(3, 4)


def _enlarging(width: int, factor: int, upsampling: Literal["sub-pixel", "resize"]) -> list[nn.Module]:
    """(B, width, h, w) to (B, width, factor h, factor w)."""
    if upsampling == "resize" and factor == 2:
        return doubling(width, width)
    if upsampling == "resize":
        return [nn.Upsample(scale_factor=factor), nn.Conv2d(width, width, 3, padding=1)]
    convolution = nn.Conv2d(width, factor**2 * width, 3, padding=1)
    icnr(convolution, factor)
    return [convolution, nn.PixelShuffle(factor)]


@torch.no_grad()
def icnr(convolution: nn.Conv2d, factor: int) -> None:
    """First weights with which a sub-pixel convolution enlarges as nearest neighbours do; Aitken et al., 2017.

    Of the `factor^2` channels that make one, all are as the first: so nothing of a checkerboard is there to begin with.
    """
    places = factor**2
    for parameter in (convolution.weight, convolution.bias):
        if parameter is not None:
            parameter.copy_(parameter[::places].repeat_interleave(places, dim=0))


class Discriminator(nn.Module):
    """Images (B, C, H, W) of one size to logits (B, 1): eight 3x3 convolutions, four of them of stride 2, two layers.

    Args:
        channels: C.
        size: (H, W) of the images to learn from, of any size.
    """

    def __init__(self, channels: int, size: tuple[int, int], network: Judge = Judge()):
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for place in range(2 * STRIDED):
            after = network.width * 2 ** (place // 2)
            norm = normalisation(network.norm, after, images=True) if place else []
            layers += [nn.Conv2d(before, after, 3, stride=1 + place % 2, padding=1, bias=not norm), *norm]
            layers += [nn.LeakyReLU(SLOPE)]
            before = after
        pixels = math.prod(-(-side // 2**STRIDED) for side in size)
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(before * pixels, DENSE), nn.LeakyReLU(SLOPE), nn.Linear(DENSE, 1)
        )
        reparametrise(self, network.norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
