"""Networks of images and what is said of them; Reed et al., 2016, section 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks import dcgan
from zerosum.networks.blocks import Norm, normalisation


class Generator(nn.Module):
    """z, (B, latent_dim), and meanings, (B, size), to images: DCGAN's generator of z and a compressed meaning."""

    def __init__(self, latent_dim: int, size: int, shape: Shape, width: int, text: int, norm: Norm = "batch"):
        super().__init__()
        self.compress = nn.Sequential(nn.Linear(size, text), nn.LeakyReLU(0.2))
        self.generator = dcgan.Generator(latent_dim + text, shape, width, norm)

    def forward(self, z: Tensor, meaning: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, self.compress(meaning).to(z.dtype)], 1))
        return samples


class Discriminator(nn.Module):
    """Images and meanings, (B, size), to logits (B, 1).

    DCGAN's convolutions, down to 4..7 pixels; there a compressed meaning is repeated at every place, beside the
    features, and a 1x1 convolution sees both; Reed et al., 2016, section 4.1.
    """

    def __init__(self, size: int, shape: Shape, width: int, text: int, norm: Norm = "batch"):
        super().__init__()
        *body, _, _ = dcgan.Discriminator(shape, width, norm).layers
        self.body = nn.Sequential(*body)
        with torch.no_grad():
            _, features, height, across = self.body.eval()(torch.zeros(1, *shape)).shape
        self.body.train()
        self.compress = nn.Sequential(nn.Linear(size, text), nn.LeakyReLU(0.2))
        self.joint = nn.Sequential(
            nn.Conv2d(features + text, features, 1),
            *normalisation(norm, features, images=True),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(features * height * across, 1),
        )

    def forward(self, x: Tensor, meaning: Tensor) -> Tensor:
        features = self.body(x)
        said = self.compress(meaning)[..., None, None].expand(-1, -1, *features.shape[2:])
        logits: Tensor = self.joint(torch.cat([features, said.to(features.dtype)], 1))
        return logits
