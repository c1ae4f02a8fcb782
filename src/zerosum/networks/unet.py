"""The U-Net of pix2pix; Isola et al., 2017, sections 3.2.1 and 6.1.1, for images of any height and width.

The image is halved until its shorter side is 1 or 2 pixels, at most eight times; each layer of the way back sees the
layer of its size on the way down, too. What an image becomes does not depend on the others of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import image_shape, normalisation
from zerosum.networks.doubling import doubling
from zerosum.networks.seeded_dropout import SeededDropout
from zerosum.options import Checked
from zerosum.util.tracing import is_exporting

Upsampling = Literal["resize", "transposed"]
Norm = Literal["instance", "none"]
DEEPEST, NOISY = 8, 3  # halvings; layers with dropout


@dataclass(frozen=True)
class UNet(Checked):
    """The U-Net."""

    width: Annotated[
        int, Gt(0), "channels at half the image's size; each further halving doubles them, up to 8 times"
    ] = 64
    levels: Annotated[
        int, Ge(0), Le(DEEPEST), "halvings; 0: down to 1 or 2 pixels of the images' shorter side, at most 8"
    ] = 0
    dropout: Annotated[float, Ge(0), Lt(1), "of the three innermost layers on the way back: the noise, in use, too"] = (
        0.5
    )
    upsampling: Annotated[
        Upsampling, "resize: nearest neighbours and a 3x3 convolution; transposed: the paper's 4x4, with checkerboards"
    ] = "resize"
    norm: Annotated[Norm, "of the inner layers; the paper's batch norm of one image is instance norm"] = "instance"


class Translator(nn.Module):
    """Images (B, C, H, W), of any H and W, and seeds of their noise, (B,) int64, to images (B, C', H, W) in [-1, 1].

    Args:
        source, target: shapes of the images to learn from; their heights and widths are equal.
    """

    def __init__(self, source: Shape, target: Shape, network: UNet = UNet()):
        super().__init__()
        inputs, height, width = image_shape(source)
        outputs = image_shape(target)[0]
        levels = network.levels or min(DEEPEST, max(1, min(height, width).bit_length() - 1))
        self.stride = 2**levels
        widths = [network.width * 2 ** min(level, 3) for level in range(levels)]
        normed = [False, *[True] * (levels - 2), False][:levels]  # neither the outermost nor the innermost, of 1 pixel
        self.down = nn.ModuleList(
            nn.Sequential(
                *([] if level == 0 else [nn.LeakyReLU(0.2)]),
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=network.norm == "none"),
                *(normalisation(network.norm, after, images=True) if norm else []),
            )
            for level, (before, after, norm) in enumerate(zip([inputs, *widths], widths, normed, strict=False))
        )
        self.up = nn.ModuleList()
        for level in range(levels - 1, -1, -1):
            before = widths[level] * (1 if level == levels - 1 else 2)  # beside it, the layer of its size
            after = widths[level - 1] if level else outputs
            own = normalisation(network.norm, after, images=True) if level else []
            self.up.append(nn.Sequential(nn.ReLU(), *_doubling(before, after, network.upsampling, not own), *own))
        self.noise = nn.ModuleList(SeededDropout(network.dropout, place) for place in range(min(NOISY, levels - 1)))
        self.apply(initialise)

    def forward(self, x: Tensor, seeds: Tensor) -> Tensor:
        height, width = x.shape[2:]
        h, passed = padded(x, self.stride), list[Tensor]()
        for layer in self.down:
            h = layer(h)
            passed.append(h)
        passed.pop()
        for place, layer in enumerate(self.up):
            h = layer(h)
            if place < len(self.noise):
                h = self.noise[place](h, seeds)
            if passed:
                h = torch.cat([h, passed.pop()], dim=1)
        return h[..., :height, :width].tanh()


def padded(x: Tensor, multiple: int) -> Tensor:
    """(B, C, H, W), with its last row and column repeated until H and W are multiples."""
    if is_exporting():  # of sizes that may need it
        for dim in (2, 3):
            side = x.shape[dim]
            whole = (side + multiple - 1) // multiple * multiple
            x = x.index_select(dim, torch.arange(whole, device=x.device).clamp_max(side - 1))
        return x
    missing = [-side % multiple for side in x.shape[2:]]
    return F.pad(x, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else x


def _doubling(before: int, after: int, upsampling: Upsampling, bias: bool) -> list[nn.Module]:
    if upsampling == "transposed":
        return [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=bias)]
    return doubling(before, after, bias=bias)


def initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02^2); Isola et al., 2017, section 6.2; gains from N(1, 0.02^2), as in the authors' code."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.InstanceNorm2d) and module.weight is not None:
        nn.init.normal_(module.weight, 1.0, 0.02)
