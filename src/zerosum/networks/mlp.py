"""Multi-layer perceptrons, for points and for small images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Norm, Reshape, normalisation, reparametrise
from zerosum.options import Checked

PointNorm = Literal["batch", "spectral", "weight", "layer", "none"]  # instance norm is of the pixels of a channel


@dataclass(frozen=True)
class Network(Checked):
    """The perceptrons' normalisation."""

    norm: Annotated[PointNorm, "D's normalisation; penalties want any but batch"] = "none"
    generator_norm: Annotated[PointNorm, "G's normalisation"] = "none"


class Maxout(nn.Module):
    """The largest of `pieces` linear maps, for each output; Goodfellow et al., 2013 (Maxout networks), section 3."""

    def __init__(self, in_features: int, out_features: int, pieces: int):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features * pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


class Generator(nn.Module):
    """z, (B, latent_dim), to samples (B, *shape) in [-1, 1] for images (tanh), unbounded for points.

    Hidden layers are linear, then LeakyReLU 0.2, then the normalisation `norm`; none after the last layer.
    """

    def __init__(self, latent_dim: int, shape: Shape, hidden: Sequence[int] = (256, 512), norm: Norm = "none"):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip([latent_dim, *hidden], hidden, strict=False):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2, inplace=True)]
            layers += normalisation(norm, after, images=False)
        layers += [nn.Linear(hidden[-1], math.prod(shape)), nn.Tanh() if len(shape) == 3 else nn.Identity()]
        self.layers = nn.Sequential(*layers, Reshape(shape))
        reparametrise(self, norm)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Samples (B, *shape) to logits (B, outputs): linear layers, LeakyReLU 0.2, then the normalisation `norm`."""

    def __init__(self, shape: Shape, hidden: Sequence[int] = (512, 256), norm: Norm = "none", outputs: int = 1):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in zip([math.prod(shape), *hidden], hidden, strict=False):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2, inplace=True)]
            layers += normalisation(norm, after, images=False)
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], outputs))
        reparametrise(self, norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


CLIP = 1e-7  # of (0, 1), for pixels that are always 0 or 1: pylearn2's, whose logit is 16.1


class PaperGenerator(nn.Module):
    """Goodfellow et al., 2014, on MNIST: z to two hidden layers of rectifiers, then a sigmoid, scaled to [-1, 1].

    z in [-1, 1] is stretched to U(-sqrt 3, sqrt 3), of unit variance, as the authors' code draws it.
    """

    def __init__(self, latent_dim: int, shape: Shape, width: int = 1200):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, math.prod(shape)),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.uniform_(layer.weight, -0.05, 0.05)  # the authors' configuration file
                nn.init.zeros_(layer.bias)
        self.shape = shape

    @torch.no_grad()
    def initialise_at(self, mean: Tensor) -> None:
        """Give the last layer the biases that make the image `mean`, (*shape) in [-1, 1], as the authors' code does.

        Biases that are no longer 0 have learnt, and stay.
        """
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        first = ((mean.flatten() + 1) / 2).clamp(CLIP, 1 - CLIP).logit()
        last.bias.copy_(torch.where(last.bias.any(), last.bias, first))

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(math.sqrt(3) * z)).reshape(-1, *self.shape) * 2 - 1


class PaperDiscriminator(nn.Module):
    """Goodfellow et al., 2014, on MNIST: two maxout layers, 240 units of 5 pieces, dropout before each layer."""

    def __init__(self, shape: Shape, width: int = 240, pieces: int = 5):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.2),
            Maxout(math.prod(shape), width, pieces),
            nn.Dropout(0.5),
            Maxout(width, width, pieces),
            nn.Dropout(0.5),
            nn.Linear(width, 1),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.uniform_(layer.weight, -0.005, 0.005)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x + 1) / 2)  # the paper's pixels lie in [0, 1]


class GridGenerator(nn.Module):
    """z, (B, latent_dim), to points (B, *shape): four hidden layers of batch norm and ReLU; no biases but the last.

    The generator of the 25-Gaussian grid; Srivastava et al., 2017 (VEEGAN); Lin et al., 2018 (PacGAN), whose code has
    weights from N(0, 0.02^2).
    """

    def __init__(self, latent_dim: int, shape: Shape, width: int = 400, layers: int = 4):
        super().__init__()
        stack: list[nn.Module] = []
        for i in range(layers):
            stack += [nn.Linear(width if i else latent_dim, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        self.layers = nn.Sequential(*stack, nn.Linear(width, math.prod(shape)), Reshape(shape))
        self.apply(_small_normal)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class GridDiscriminator(nn.Module):
    """Points (B, *shape) to logits (B, 1): three maxout layers, 200 units of 5 pieces; `GridGenerator`'s opponent."""

    def __init__(self, shape: Shape, width: int = 200, pieces: int = 5, layers: int = 3):
        super().__init__()
        maxouts = [Maxout(width if i else math.prod(shape), width, pieces) for i in range(layers)]
        self.layers = nn.Sequential(nn.Flatten(), *maxouts, nn.Linear(width, 1))
        self.apply(_small_normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _small_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def toy_pair(
    latent_dim: int,
    shape: Shape,
    d_shape: Shape | None = None,
    width: int = 64,
    network: Network = Network(),
) -> tuple[Generator, Discriminator]:
    """A generator and a discriminator of three hidden layers for points in the plane.

    Args:
        shape: of one sample.
        d_shape: of what D sees, where that is not one sample.
    """
    generator = Generator(latent_dim, shape, (width,) * 3, network.generator_norm)
    return generator, Discriminator(d_shape or shape, (width,) * 3, network.norm)
