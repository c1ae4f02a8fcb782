"""DCGAN; Radford et al., 2016, section 3: strided convolutions, batch norm, no pooling, no hidden linear layers.

By default an image is halved down to 4..7 pixels on its shorter side by 4x4 convolutions, as in the authors' second
code, of Torch; each halving doubles the channels. With 5x5 ones, as in their first, PacGAN halves digits down to 2x2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Kernel, Norm, Reshape, doubling, halvings, image_shape, normalisation, reparametrise
from zerosum.options import Checked

SMALLEST = 4  # pixels that a side is at least halved down to


@dataclass(frozen=True)
class Network(Checked):
    """DCGAN's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64
    norm: Annotated[Norm, "D's normalisation; penalties want any but batch"] = "batch"
    generator_norm: Annotated[Norm, "G's normalisation"] = "batch"


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W) in [-1, 1]: transposed convolutions, normalised, ReLU, tanh.

    `norm` is "batch" as in the paper, or another; none comes after the last layer. `smallest` is the least number of
    pixels of a side, `kernel` the side of the convolutions.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        width: int = 64,
        norm: Norm = "batch",
        smallest: int = SMALLEST,
        kernel: Kernel = 4,
    ):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, smallest)[::-1]
        widths = [width * 2**i for i in range(len(sizes) - 1)][::-1] or [width]
        base, biased = (widths[0], *sizes[0]), norm not in ("batch", "instance")

        def normed(features: int) -> list[nn.Module]:
            return [*normalisation(norm, features, images=True), nn.ReLU(inplace=True)]

        layers: list[nn.Module] = [nn.Linear(latent_dim, base[0] * base[1] * base[2], bias=biased)]
        layers += [Reshape(base), *normed(base[0])]
        for i, size in enumerate(sizes[1:]):
            after = widths[i + 1] if i + 1 < len(widths) else channels
            last = i + 2 == len(sizes)
            layers += [doubling(widths[i], after, sizes[i], size, last or biased, kernel)]
            layers += [] if last else normed(after)
        if len(sizes) == 1:  # an image too small to halve
            layers += [nn.Conv2d(width, channels, kernel_size=3, padding=1)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(_initialise)
        reparametrise(self, norm)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Images (B, C, H, W) to logits (B, outputs): convolutions of stride 2, LeakyReLU 0.2.

    `norm` is "batch" as in the paper, or another: all but "batch" suit gradient penalties. "spectral" (SNGAN; Miyato et
    al., 2018) and "weight" are of every layer; the others come after every convolution but the first. `smallest`
    and `kernel` are those of `Generator`.
    """

    def __init__(
        self,
        shape: Shape,
        width: int = 64,
        norm: Norm = "batch",
        outputs: int = 1,
        smallest: int = SMALLEST,
        kernel: Kernel = 4,
    ):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        layers: list[nn.Module] = []
        before, after = channels, width
        for i in range(len(halvings(height, image_width, smallest)) - 1):
            biased = i == 0 or norm not in ("batch", "instance")
            layers += [nn.Conv2d(before, after, kernel, stride=2, padding=(kernel - 1) // 2, bias=biased)]
            layers += normalisation(norm, after, images=True) if i > 0 else []
            layers += [nn.LeakyReLU(0.2, inplace=True)]
            before, after = after, after * 2
        body = nn.Sequential(*layers)
        with torch.no_grad():
            features = body.eval()(torch.zeros(1, *shape)).numel()
        body.train()
        self.layers = nn.Sequential(*body, nn.Flatten(), nn.Linear(features, outputs))
        self.apply(_initialise)
        reparametrise(self, norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02^2); Radford et al., 2016, section 4; gains from N(1, 0.02^2), as in the authors' code.

    Unlike `normal_weights` it leaves biases, and the gains of instance norm, as PyTorch has them.
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
