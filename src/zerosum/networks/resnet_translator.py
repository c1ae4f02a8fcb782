"""CycleGAN's residual translator; Zhu et al., 2017, section 7.2, after Johnson et al., 2016.

Two halvings, residual blocks at a quarter of the size, two doublings; instance norm; any height and width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import image_shape
from zerosum.networks.doubling import doubling
from zerosum.networks.tiles import Tileable
from zerosum.networks.unet import Upsampling, initialise, padded
from zerosum.options import Checked

STRIDE = 4
SMALLEST = 8  # pixels of a side: blocks reflect one of at least two


@dataclass(frozen=True)
class ResNet(Checked):
    """The residual translators."""

    width: Annotated[int, Gt(0), "channels at the image's size; blocks have 4 times as many"] = 64
    blocks: Annotated[int, Ge(0), "residual blocks; the paper has 6 for images of 128 pixels, 9 for 256 and more"] = 6
    upsampling: Annotated[
        Upsampling, "resize: nearest neighbours and a 3x3 convolution; transposed: the paper's 3x3, with checkerboards"
    ] = "resize"


class Translator(Tileable):
    """Images (B, C, H, W), of any H and W from 8 on, to images (B, C', H, W) in [-1, 1]."""

    stride = STRIDE

    def __init__(self, source: Shape, target: Shape, network: ResNet = ResNet()):
        super().__init__()
        width = network.width
        # Both 7x7 convolutions, two halvings, blocks, two doublings; and the pixels of a cell of 4x4.
        self.reach = 3 + 3 + (1 + 2) + 2 * STRIDE * network.blocks + (2 + 2) + (STRIDE - 1)
        self.layers = nn.Sequential(
            *_convolution(image_shape(source)[0], width, 7),
            *_convolution(width, 2 * width, 3, stride=2),
            *_convolution(2 * width, 4 * width, 3, stride=2),
            *(Block(4 * width) for _ in range(network.blocks)),
            *_doubling(4 * width, 2 * width, network.upsampling),
            *_doubling(2 * width, width, network.upsampling),
            nn.Conv2d(width, image_shape(target)[0], 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        return self.layers(padded(x, STRIDE))[..., :height, :width]


class Block(nn.Module):
    """(B, width, h, w) to the same: two 3x3 convolutions, added; no rectifier after the sum."""

    def __init__(self, width: int):
        super().__init__()
        first, second = _convolution(width, width, 3), _convolution(width, width, 3)
        self.layers = nn.Sequential(*first, *second[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _convolution(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Reflected at the borders where sizes stay, as in the authors' code; normalised and rectified."""
    convolution = nn.Conv2d(
        before, after, kernel, stride, kernel // 2, bias=False, padding_mode="reflect" if stride == 1 else "zeros"
    )
    return [convolution, nn.InstanceNorm2d(after), nn.ReLU()]


def _doubling(before: int, after: int, upsampling: Upsampling) -> list[nn.Module]:
    if upsampling == "resize":
        return [*doubling(before, after, bias=False, edges="reflect"), nn.InstanceNorm2d(after), nn.ReLU()]
    convolution = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1, bias=False)
    return [convolution, nn.InstanceNorm2d(after), nn.ReLU()]
