"""The plain networks of the tutorials: a good first GAN to read."""

from __future__ import annotations

import math

from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Reshape, image_shape


class Generator(nn.Module):
    """z, (B, 100), to images in [-1, 1]: 100 - 256 - 512 - pixels, LeakyReLU 0.2, then batch norm, tanh at the end."""

    def __init__(self, latent_dim: int, shape: Shape):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, 256),
            nn.LeakyReLU(0.2),
            nn.BatchNorm1d(256),
            nn.Linear(256, 512),
            nn.LeakyReLU(0.2),
            nn.BatchNorm1d(512),
            nn.Linear(512, math.prod(shape)),
            nn.Tanh(),
            Reshape(shape),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Images to logits (B, 1): three times a 3x3 convolution (16, 32, 64), LeakyReLU 0.2 and max-pooling, then linear.

    Max-pooling halves and rounds down, so 28x28 leaves 14, 7, 3: the linear layer has 64 * 3 * 3 = 576 inputs.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        channels, height, width = image_shape(shape)
        if min(height, width) < 8:
            raise ValueError(f"three halvings need images of at least 8x8 pixels, not {height}x{width}")
        layers: list[nn.Module] = []
        for before, after in ((channels, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(before, after, kernel_size=3, padding=1), nn.LeakyReLU(0.2), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (height // 8) * (width // 8), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
