"""DCGAN's networks for photographs, as the model released with the paper has them; Radford et al., 2016, section 5.1.

Six 3x3 convolutions, every second of which halves the image; no biases but those of batch norm. Nothing pools, and
there is no hidden linear layer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Reshape, image_shape, normal_weights

HALVINGS = 3  # in six convolutions
WIDTH = 128  # the published


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W) in [-1, 1], H and W multiples of 8, else `ValueError`.

    `Discriminator`'s mirror: batch norm in all layers but the last, ReLU, tanh.
    """

    def __init__(self, latent_dim: int, shape: Shape, width: int = WIDTH):
        super().__init__()
        grid = _grid(shape)
        stages = _stages(shape[0], width)[::-1]
        before = stages[0][1]
        units = before * grid[0] * grid[1]
        layers: list[nn.Module] = [nn.Linear(latent_dim, units, bias=False), nn.BatchNorm1d(units)]
        layers += [nn.ReLU(inplace=True), Reshape((before, *grid))]
        for i, (after, before, stride) in enumerate(stages):
            layers += [nn.ConvTranspose2d(before, after, 3, stride, padding=1, output_padding=stride - 1, bias=False)]
            layers += [] if i + 1 == len(stages) else [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        normal_weights(self)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Images (B, C, H, W), H and W multiples of 8, else `ValueError`, to logits (B, 1).

    LeakyReLU 0.2; batch norm from the second convolution on.
    """

    def __init__(self, shape: Shape, width: int = WIDTH):
        super().__init__()
        self.grid = _grid(shape)
        self.stages = nn.ModuleList()
        for i, (before, after, stride) in enumerate(_stages(shape[0], width)):
            layers: list[nn.Module] = [nn.Conv2d(before, after, 3, stride, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(after)] if i > 0 else []
            self.stages.append(nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True)))
        self.output = nn.Linear(after * self.grid[0] * self.grid[1], 1, bias=False)
        normal_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return self.output(x.flatten(1))

    def features(self, x: Tensor) -> Tensor:
        """(B, 14 * width * H/8 * W/8): what every stage finds in x, its largest values on an even grid of H/8 by W/8.

        28,672 of an image of 32x32, at the published width.
        """
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(F.adaptive_max_pool2d(x, self.grid).flatten(1))
        return torch.cat(found, dim=1)


def _grid(shape: Shape) -> tuple[int, int]:
    _, height, width = image_shape(shape)
    if height % 2**HALVINGS or width % 2**HALVINGS:
        raise ValueError(f"this network is for images whose sides are multiples of 8, not for {height}x{width}")
    return height // 2**HALVINGS, width // 2**HALVINGS


def _stages(channels: int, width: int) -> list[tuple[int, int, int]]:
    """Channels before and after, and the stride, of each of D's convolutions."""
    stages: list[tuple[int, int, int]] = []
    before = channels
    for halving in range(HALVINGS):
        after = width * 2**halving
        stages += [(before, after, 1), (after, after, 2)]
        before = after
    return stages
