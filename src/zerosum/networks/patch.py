"""PatchGAN: a logit for each patch of an image; Isola et al., 2017, sections 3.2.2 and 6.1.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from annotated_types import Gt
from torch import Tensor, nn

from zerosum.networks.blocks import normalisation
from zerosum.networks.unet import Norm, initialise
from zerosum.options import Checked
from zerosum.util.checks import ArgumentError

Field = Literal[1, 16, 34, 70, 142, 286]
DEFAULT: Field = 70
FIELDS: tuple[Field, ...] = get_args(Field)
STRIDED: dict[Field, int] = {16: 1, 34: 2, 70: 3, 142: 4, 286: 5}  # layers of stride 2 of each field


@dataclass(frozen=True)
class Patch(Checked):
    """D, a PatchGAN."""

    field: Annotated[
        Field | None,
        "pixels of a patch's side (receptive field); 1 judges pixels, 286 whole images of 256; none: the paper's 70, "
        "of smaller images the largest that fits",
    ] = None
    width: Annotated[int, Gt(0), "channels of the first layer; further ones double them, up to 8 times"] = 64
    norm: Annotated[Norm, "of the inner layers; none suits gradient penalties"] = "instance"


class Discriminator(nn.Module):
    """Images (B, C, H, W), of any H and W from `smallest(field)` on, to logits (B, 1, h, w) of their patches.

    4x4 convolutions, of stride 2 and then twice of stride 1, LeakyReLU 0.2; of a field of 1 pixel, 1x1 convolutions.

    Args:
        channels: C.
        size: (H, W) of the images to learn from.

    Raises:
        ArgumentError: they are too small for the chosen field.
    """

    def __init__(self, channels: int, size: tuple[int, int], network: Patch = Patch()):
        super().__init__()
        self.field = _fitting(size, network.field)
        pixels, strided = self.field == 1, STRIDED.get(self.field, 1)
        layers: list[nn.Module] = []
        before = channels
        for level in range(strided + 1):
            after = network.width * 2 ** min(level, 3)
            own = normalisation(network.norm, after, images=True) if level else []
            stride = 2 if level < strided else 1
            layers += [_convolution(before, after, stride, pixels, bias=not own), *own, nn.LeakyReLU(0.2)]
            before = after
        self.layers = nn.Sequential(*layers, _convolution(before, 1, 1, pixels, bias=True))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def smallest(field: Field) -> int:
    """Pixels of an image's side that leave a logit, and more than one number to normalise in each layer."""
    return 2 if field == 1 else 3 * 2 ** STRIDED[field]


def _fitting(size: tuple[int, int], chosen: Field | None) -> Field:
    """The chosen field, or the largest up to 70 for images of a size (H, W)."""
    side = min(size)
    fits = [field for field in FIELDS if smallest(field) <= side]
    if not fits:
        raise ArgumentError(f"images of {size[0]}x{size[1]} pixels are too small for a discriminator: take larger ones")
    if chosen is None:
        return min(fits[-1], DEFAULT)
    if chosen not in fits:
        raise ArgumentError(
            f"images of {size[0]}x{size[1]} pixels are too small for patches of {chosen} pixels: "
            f"choose --patch.field {fits[-1]}, or larger images"
        )
    return chosen


def _convolution(before: int, after: int, stride: int, pixels: bool, bias: bool) -> nn.Conv2d:
    if pixels:
        return nn.Conv2d(before, after, 1, bias=bias)
    return nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=bias)
