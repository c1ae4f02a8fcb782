"""Conditional networks: ordinary generators and discriminators that take a condition, too.

A condition is a vector (B, K): one-hot for classes (`Condition.vector`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.mlp import Maxout

Build = Callable[..., nn.Module]  # a shape, and perhaps `outputs`, to a discriminator


class Generator(nn.Module):
    """z, (B, latent_dim), and conditions (B, K) to samples: a generator of their concatenation."""

    def __init__(self, generator: nn.Module):
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, condition], dim=1))
        return samples


class EmbeddedGenerator(nn.Module):
    """A generator of z and a learnt linear embedding of the condition, (B, embedding); Huang et al., 2024.

    The embedding's initialisation is the authors': smaller than z, by the root of the condition's size.
    """

    def __init__(self, generator: nn.Module, size: int, embedding: int):
        super().__init__()
        self.generator = generator
        self.embed = nn.Linear(size, embedding, bias=False)
        nn.init.normal_(self.embed.weight, std=1 / math.sqrt(size))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, self.embed(condition)], dim=1))
        return samples


class ConcatDiscriminator(nn.Module):
    """Samples (B, *shape) and conditions (B, K) to logits (B, 1): a discriminator of their concatenation.

    Images get a plane for each number of the condition, points the numbers themselves.
    """

    def __init__(self, build: Build, shape: Shape, size: int):
        super().__init__()
        self.discriminator = build((shape[0] + size, *shape[1:]))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        planes = condition.reshape(*condition.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])
        logits: Tensor = self.discriminator(torch.cat([x, planes.to(x)], dim=1))
        return logits


class ProjectionDiscriminator(nn.Module):
    """The projection discriminator: y^T V phi(x) + psi(phi(x)), (B, 1); Miyato and Koyama, 2018, eq. 3.

    phi is a discriminator up to its last layer. That layer, with 1 + K outputs, holds both psi and V, which begin, and
    are normed, as it is; where it has biases, phi has one more number, which is 1.
    """

    def __init__(self, build: Build, shape: Shape, size: int):
        super().__init__()
        self.discriminator = build(shape, outputs=1 + size)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        psi, projected = self.discriminator(x).split([1, condition.shape[1]], dim=1)
        logits: Tensor = psi + (projected * condition).sum(1, keepdim=True)
        return logits


class EmbeddedProjection(nn.Module):
    """R3GAN's: the inner product of phi(x), (B, embedding), with an embedding of the condition; Huang et al., 2024.

    There is no psi: what all conditions share is a part of each embedding. Weights begin as in the authors' code.
    """

    def __init__(self, build: Build, shape: Shape, size: int, embedding: int):
        super().__init__()
        self.discriminator = build(shape, outputs=embedding)
        self.embed = nn.Linear(size, embedding, bias=False)
        nn.init.normal_(self.embed.weight, std=1 / math.sqrt(size * embedding))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        logits: Tensor = (self.discriminator(x) * self.embed(condition)).sum(1, keepdim=True)
        return logits


DISCRIMINATORS: dict[str, Callable[[Build, Shape, int], nn.Module]] = {
    "concat": ConcatDiscriminator,
    "projection": ProjectionDiscriminator,
}


class PaperGenerator(nn.Module):
    """z, (B, latent_dim), and conditions (B, K) to images (B, *shape) in [-1, 1]; Mirza and Osindero, 2014, 4.1.

    A hidden layer of z, one of the condition and a joint one: 200, 1000 and 1200 rectifiers, dropout 0.5 before the
    joint layer and before the output. z in [-1, 1] is stretched to unit variance, and weights begin, as in the authors'
    code of the first GAN.
    """

    def __init__(self, latent_dim: int, shape: Shape, size: int, widths: tuple[int, int, int] = (200, 1000, 1200)):
        super().__init__()
        of_z, of_y, joint = widths
        self.z = nn.Sequential(nn.Linear(latent_dim, of_z), nn.ReLU())
        self.y = nn.Sequential(nn.Linear(size, of_y), nn.ReLU())
        self.joint = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(of_z + of_y, joint),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(joint, math.prod(shape)),
        )
        self.shape = shape
        _uniform(self, 0.05)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        hidden = torch.cat([self.z(math.sqrt(3) * z), self.y(condition)], dim=1)
        return torch.sigmoid(self.joint(hidden)).reshape(-1, *self.shape) * 2 - 1


class PaperDiscriminator(nn.Module):
    """Images (B, *shape) and conditions (B, K) to logits (B, 1); Mirza and Osindero, 2014, section 4.1.

    A maxout layer of x, one of the condition and a joint one: 240 units of 5 pieces, 50 of 5 and 240 of 4, dropout 0.5
    before the joint layer and before the output. The paper does not say how weights begin: small, as in the authors'
    code of the first GAN, but for those that see the condition, which D would overlook for long.
    """

    def __init__(self, shape: Shape, size: int, widths: tuple[int, int, int] = (240, 50, 240)):
        super().__init__()
        of_x, of_y, joint = widths
        self.x = nn.Sequential(nn.Flatten(), Maxout(math.prod(shape), of_x, pieces=5))
        self.y = Maxout(size, of_y, pieces=5)
        self.joint = nn.Sequential(
            nn.Dropout(0.5), Maxout(of_x + of_y, joint, pieces=4), nn.Dropout(0.5), nn.Linear(joint, 1)
        )
        for layer, bound in ((self.x, 0.005), (self.y, 0.5), (self.joint, 0.02)):
            _uniform(layer, bound)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        logits: Tensor = self.joint(torch.cat([self.x((x + 1) / 2), self.y(condition)], dim=1))
        return logits


def _uniform(network: nn.Module, bound: float) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)
