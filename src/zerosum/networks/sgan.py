"""Networks that learn classes from few labels: discriminators with a logit for each class, and their generators.

The perceptrons are those of Salimans et al., 2016, for MNIST, as the authors' code builds them: weight norm, and noise
on the input of every layer. Their scales begin where the authors' first batch would put them.
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
from zerosum.networks.blocks import Norm, halvings, image_shape, normalisation
from zerosum.networks.heads import Discriminator
from zerosum.options import Checked
from zerosum.util.checks import ArgumentError

LEAK = 0.1


@dataclass(frozen=True)
class Network(Checked):
    """The size of the convolutional networks."""

    width: Annotated[int, Gt(0), "D's channels at half the image's size; each further halving doubles them"] = 16
    norm: Annotated[Norm, "D's normalisation; with batch norm it sees real, fake and unlabelled batches apart"] = (
        "batch"
    )


class GaussianNoise(nn.Module):
    """x + N(0, std^2) in training, x otherwise."""

    def __init__(self, std: float):
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        return x + self.std * torch.randn_like(x) if self.training else x


class WeightNormLinear(nn.Module):
    """A linear layer whose weights have the length `scale` for each output; Salimans and Kingma, 2016, eq. 2.

    It is learnt where `learnt`; in the authors' semi-supervised code only the last layer's is.
    """

    scale: Tensor

    def __init__(self, in_features: int, out_features: int, scale: float, learnt: bool = False):
        super().__init__()
        self.direction = nn.Parameter(0.1 * torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        length = torch.full((out_features, 1), scale)
        if learnt:
            self.scale = nn.Parameter(length)
        else:
            self.register_buffer("scale", length)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.scale * F.normalize(self.direction, dim=1), self.bias)


def weight_normalised(network: nn.Module) -> list[WeightNormLinear]:
    """The layers that `initialise_from_data` is of; an `ArgumentError` where there are none."""
    layers = [layer for layer in network.modules() if isinstance(layer, WeightNormLinear)]
    if not layers:
        raise ArgumentError(
            "an initialisation by data is of weight-normalised layers, and the discriminator has none; leave "
            "initial_images at 0"
        )
    return layers


@torch.no_grad()
def initialise_from_data(network: nn.Module, x: Tensor) -> None:
    """Give every `WeightNormLinear`, one after the other, outputs of mean 0 and variance 1 on x, (B, *shape).

    By its scale and its bias, as in the authors' code, which does so with 500 images; Salimans and Kingma, 2016,
    section 3. A layer whose biases are no longer 0 has learnt, and stays as it is.
    """

    def centre(layer: nn.Module, _: object, output: Tensor) -> Tensor:
        assert isinstance(layer, WeightNormLinear)
        output = output.float()
        mean = output.mean(0)
        std = ((output - mean).square().mean(0) + 1e-6).sqrt()
        fresh = ~layer.bias.any()  # on the device
        layer.scale.copy_(torch.where(fresh, layer.scale / std[:, None], layer.scale))
        layer.bias.copy_(torch.where(fresh, -mean / std, layer.bias))
        return torch.where(fresh, (output - mean) / std, output)

    handles = [layer.register_forward_hook(centre) for layer in weight_normalised(network)]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()


class PaperGenerator(nn.Module):
    """z in [-1, 1], (B, latent_dim), to images (B, *shape) in [-1, 1]: two layers of 500 softplus units, batch norm."""

    def __init__(self, latent_dim: int, shape: Shape, width: int = 500):
        super().__init__()
        layers: list[nn.Module] = []
        for before in (latent_dim, width):
            layers += [nn.Linear(before, width, bias=False), nn.BatchNorm1d(width), nn.Softplus()]
        self.layers = nn.Sequential(*layers, WeightNormLinear(width, math.prod(shape), 1.0, learnt=True))
        self.shape = shape

    def forward(self, z: Tensor) -> Tensor:
        z = (z + 1) / 2  # the authors' z is uniform on [0, 1]
        return torch.sigmoid(self.layers(z)).reshape(-1, *self.shape) * 2 - 1


class PaperBody(nn.Module):
    """Images (B, *shape) in [-1, 1] to features (B, 250): five layers of rectifiers, weight norm, noise before each."""

    def __init__(self, shape: Shape, widths: Sequence[int] = (1000, 500, 250, 250, 250)):
        super().__init__()
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise([math.prod(shape), *widths])):
            # So that a layer's outputs have a variance of about 1: the mean square of MNIST's pixels is 0.1, that of a
            # rectified normal variable 1/2, and the noise adds its own.
            std, square = (0.3, 0.1) if i == 0 else (0.5, 0.5)
            layers += [GaussianNoise(std), WeightNormLinear(before, after, (square + std**2) ** -0.5), nn.ReLU()]
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x + 1) / 2)


def paper_discriminator(shape: Shape, outputs: int) -> Discriminator:
    """The authors' discriminator of digits; a `ValueError` for samples that are no images."""
    image_shape(shape)
    head = nn.Sequential(GaussianNoise(0.5), WeightNormLinear(250, outputs, 1.0, learnt=True))
    return Discriminator(PaperBody(shape), head)


def convolutional(shape: Shape, outputs: int, width: int = 16, norm: Norm = "none") -> Discriminator:
    """A small convolutional discriminator of any images: strided convolutions, and the normalisation `norm`.

    Channels double with each halving, down to 4..7 pixels on the shorter side.
    """
    before, height, image_width = image_shape(shape)
    layers: list[nn.Module] = [GaussianNoise(0.1)]
    for i in range(len(halvings(height, image_width, smallest=4)) - 1):
        after, kernel = width * 2 ** min(i, 3), 5 if i == 0 else 3
        layers += [nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2)]
        layers += [*normalisation(norm, after, images=True), nn.LeakyReLU(LEAK)]
        before = after
    layers += [nn.Conv2d(before, before, 1), *normalisation(norm, before, images=True), nn.LeakyReLU(LEAK)]
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    layers += [nn.Linear(4 * before, 2 * before), nn.LeakyReLU(LEAK)]
    network = Discriminator(nn.Sequential(*layers), nn.Linear(2 * before, outputs))
    return _initialise(network)


def perceptron(shape: Shape, outputs: int, hidden: Sequence[int] = (64, 64, 64)) -> Discriminator:
    """A small discriminator of points: linear layers with leaky rectifiers."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise([math.prod(shape), *hidden]):
        layers += [nn.Linear(before, after), nn.LeakyReLU(LEAK)]
    return _initialise(Discriminator(nn.Sequential(*layers), nn.Linear(hidden[-1], outputs)))


def _initialise(network: Discriminator) -> Discriminator:
    """He et al.'s normal distribution before leaky rectifiers, small weights at the end; biases 0."""
    weighted = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    for module in weighted:
        nn.init.kaiming_normal_(module.weight, LEAK)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    nn.init.normal_(weighted[-1].weight, 0, 0.05)
    return network
