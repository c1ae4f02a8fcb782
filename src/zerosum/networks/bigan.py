"""The networks of BiGAN: generators, encoders whose features can be read, discriminators of pairs (x, z) or of x.

Those for images are the perceptrons of Donahue et al., 2017, section 4.2, as the authors' code builds them: z enters
every layer but the first of D and the output of G, there are no biases, batch norm neither scales nor shifts, and
weights begin as N(0, 0.02^2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks import heads
from zerosum.options import Checked


@dataclass(frozen=True)
class Network(Checked):
    """The size of the perceptrons."""

    width: Annotated[int, Gt(0), "units of each hidden layer"] = 1024


class Generator(nn.Module):
    """z, (B, latent_dim), to images (B, *shape) in [-1, 1]."""

    def __init__(self, latent_dim: int, shape: Shape, width: int = 1024):
        super().__init__()
        self.first, self.second = _linear(latent_dim, width), _linear(width, width)
        self.z_to_second = _linear(latent_dim, width)
        self.norms = nn.ModuleList(_norm(width) for _ in range(2))
        self.last = _linear(width, math.prod(shape))
        self.shape = shape

    def forward(self, z: Tensor) -> Tensor:
        h = F.relu(self.norms[0](self.first(z)))  # (B, width)
        h = F.relu(self.norms[1](self.second(h) + self.z_to_second(z)))
        return torch.sigmoid(self.last(h)).reshape(-1, *self.shape) * 2 - 1


class Features(nn.Module):
    """Images (B, *shape) in [-1, 1] to the encoder's layer before its output, (B, width)."""

    def __init__(self, shape: Shape, width: int = 1024):
        super().__init__()
        self.first, self.second = _linear(math.prod(shape), width), _linear(width, width)
        self.norm = _norm(width)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.first(_pixels(x)), 0.2)
        return F.leaky_relu(self.norm(self.second(h)), 0.2)


class Encoder(nn.Module):
    """Samples (B, *shape) to z, (B, latent_dim): in [-1, 1] if `bounded`, else anywhere.

    Args:
        features: samples to the layer before the output, (B, F).
        last: that to (B, latent_dim).
    """

    def __init__(self, features: nn.Module, last: nn.Linear, bounded: bool):
        super().__init__()
        self.features, self.last, self.bounded = features, last, bounded

    def forward(self, x: Tensor) -> Tensor:
        return self.code(self.features(x))

    def code(self, features: Tensor) -> Tensor:
        """z, (B, latent_dim), of features (B, F)."""
        z: Tensor = self.last(features)
        return torch.sigmoid(z) * 2 - 1 if self.bounded else z


def encoder(shape: Shape, latent_dim: int, width: int = 1024, bounded: bool = True) -> Encoder:
    """The paper's encoder of images."""
    return Encoder(Features(shape, width), _linear(width, latent_dim), bounded)


class Discriminator(nn.Module):
    """Pairs of an image, (B, *shape) in [-1, 1], and a z, (B, latent_dim), to logits (B, 1)."""

    def __init__(self, shape: Shape, latent_dim: int, width: int = 1024):
        super().__init__()
        self.first, self.second = _linear(math.prod(shape), width), _linear(width, width)
        self.z_to_second = _linear(latent_dim, width)
        self.norm = _norm(width)
        self.last = _linear(width, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        h = F.leaky_relu(self.first(_pixels(x)), 0.2)
        logits: Tensor = self.last(F.leaky_relu(self.norm(self.second(h) + self.z_to_second(z)), 0.2))
        return logits


def sample_discriminator(shape: Shape, width: int = 1024) -> heads.Discriminator:
    """The paper's discriminator of images alone, whose features are the encoder's layers: (B, *shape) to (B, 1)."""
    return heads.Discriminator(Features(shape, width), _linear(width, 1))


def plain_encoder(shape: Shape, latent_dim: int, hidden: Sequence[int] = (64, 64), bounded: bool = True) -> Encoder:
    """An encoder of any samples: linear layers with LeakyReLU 0.2, no normalisation."""
    return Encoder(_plain(math.prod(shape), hidden), nn.Linear(hidden[-1], latent_dim), bounded)


class PlainDiscriminator(nn.Module):
    """Pairs (B, *shape), (B, latent_dim) to logits (B, 1): linear layers with LeakyReLU 0.2, no normalisation."""

    def __init__(self, shape: Shape, latent_dim: int, hidden: Sequence[int] = (64, 64)):
        super().__init__()
        self.layers = nn.Sequential(_plain(math.prod(shape) + latent_dim, hidden), nn.Linear(hidden[-1], 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        logits: Tensor = self.layers(torch.cat([x.flatten(1), z], dim=1))
        return logits


def plain_sample_discriminator(shape: Shape, hidden: Sequence[int] = (64, 64)) -> heads.Discriminator:
    """Samples (B, *shape) to logits (B, 1): linear layers with LeakyReLU 0.2, no normalisation."""
    return heads.Discriminator(_plain(math.prod(shape), hidden), nn.Linear(hidden[-1], 1))


def _linear(before: int, after: int) -> nn.Linear:
    layer = nn.Linear(before, after, bias=False)
    nn.init.normal_(layer.weight, std=0.02)
    return layer


def _norm(width: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(width, eps=1e-8, affine=False)


def _pixels(x: Tensor) -> Tensor:
    """Images (B, C, H, W) in [-1, 1] as vectors (B, C * H * W) in [0, 1]: without biases, black must be nothing."""
    return x.flatten(1) * 0.5 + 0.5


def _plain(before: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in pairwise([before, *hidden]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers)
