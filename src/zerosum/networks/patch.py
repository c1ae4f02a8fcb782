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
FIELDS: tuple[Field, ...] = get_args(Field)
STRIDED: dict[Field, int] = {16: 1, 34: 2, 70: 3, 142: 4, 286: 5}  # layers of stride 2 of each field


@dataclass(frozen=True)
class Patch(Checked):
    """D, a PatchGAN."""

    field: Annotated[Field, "pixels of a patch's side (receptive field); 1 judges pixels, 286 whole images of 256"] = 70
    width: Annotated[
        int, Gt(0), "channels of the first layer; each further one of stride 2 doubles them, up to 8 times"
    ] = 64
    norm: Annotated[Norm, "of the inner layers; none suits gradient penalties"] = "instance"


class Discriminator(nn.Module):
    """Images (B, C, H, W), of any H and W from `smallest` on, to logits (B, 1, h, w) of their patches.

    4x4 convolutions, of stride 2 and then twice of stride 1, LeakyReLU 0.2; of a field of 1 pixel, 1x1 convolutions.
    """

    def __init__(self, channels: int, network: Patch = Patch()):
        super().__init__()
        pixels, strided = network.field == 1, STRIDED.get(network.field, 1)
        layers: list[nn.Module] = []
        before = channels
        for level in range(strided + 1):
            after = network.width * 2 ** min(level, 3)
            own = normalisation(network.norm, after, images=True) if level else []
            stride = 2 if level < strided else 1
            layers += [_convolution(before, after, stride, pixels, bias=not own), *own, nn.LeakyReLU(0.2)]
            before = after
        self.layers = nn.Sequential(*layers, _convolution(before, 1, 1, pixels, bias=True))
        self.network = network
        self.apply(initialise)

    @property
    def smallest(self) -> int:
        """Pixels of an image's side that leave a logit, and more than one number to normalise in each layer."""
        return 2 if self.network.field == 1 else 3 * 2 ** STRIDED[self.network.field]

    def check(self, height: int, width: int) -> None:
        """`ArgumentError` where such images are too small."""
        if min(height, width) < self.smallest:
            fits = [field for field, strided in STRIDED.items() if 3 * 2**strided <= min(height, width)]
            cure = f"choose --patch.field {max(fits, default=1)}" if min(height, width) > 1 else "take larger images"
            raise ArgumentError(
                f"images of {height}x{width} pixels are too small for patches of {self.network.field} pixels: {cure}"
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _convolution(before: int, after: int, stride: int, pixels: bool, bias: bool) -> nn.Conv2d:
    if pixels:
        return nn.Conv2d(before, after, 1, bias=bias)
    return nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=bias)
