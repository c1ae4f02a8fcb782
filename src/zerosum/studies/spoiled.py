"""Ways to make a training fail on purpose: generators that miss z or the label, data with wrong labels, and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, Labelled
from zerosum.data.dataset import Dataset, dataset
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses import penalties
from zerosum.losses.adversarial import non_saturating, wasserstein
from zerosum.modality import Classes, Shape
from zerosum.networks import mlp
from zerosum.optim import Optimizer
from zerosum.util import rng

Change = Callable[[Dataset, int], Dataset]  # data and a seed to other data
Spoil = Callable[[Any], None]  # changes a game before it is trained


class Conditional(LatentGame[Labelled]):
    """A small game with classes: both players see them as one-hot vectors."""

    name = "conditional"

    def __init__(self, shape: Shape, classes: Classes, latent_dim: int, hidden: tuple[int, ...], optimizer: Optimizer):
        super().__init__()
        self.condition = self.classes = classes
        self.optimizer, self.prior = optimizer, latent.Normal(latent_dim)
        self.generator: nn.Module = mlp.Generator(latent_dim + classes.size, shape, hidden)
        self.discriminator: nn.Module = mlp.Discriminator((torch.Size(shape).numel() + classes.size,), hidden[::-1])

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        real, y = draw()
        real = real.requires_grad_()
        with torch.no_grad():
            fake = self.generate(self.latents(len(y)), y)
        logits = Logits(self.logits(real, y), self.logits(fake, y))
        r1 = 0.2 * penalties.zero_centered(logits.real, real)
        yield Move("discriminator", logits=logits, adversarial=non_saturating.d(*logits), r1=r1)
        fake = self.generate(self.latents(len(y)), y)
        yield Move("generator", adversarial=non_saturating.g(self.logits(fake, y)))

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.generator(torch.cat([z, *self.conditions(y)], 1))

    def logits(self, x: Tensor, y: Tensor) -> Tensor:
        return self.discriminator(torch.cat([x.flatten(1), *self.conditions(y)], 1))


class Shift(LatentGame[Tensor]):
    """G learns where to put a Gaussian against a linear critic, and circles for ever; Mescheder et al., 2018."""

    name = "shift"

    def __init__(self, shape: Shape, optimizer: Optimizer):
        super().__init__()
        generator, self.critic = nn.Linear(shape[0], shape[0]), nn.Linear(shape[0], 1)
        with torch.no_grad():
            generator.weight.requires_grad_(False).copy_(0.5 * torch.eye(shape[0]))
            generator.bias.zero_()
            self.critic.weight.zero_()
        self.generator, self.optimizer, self.prior = generator, optimizer, latent.Normal(shape[0])

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.optimizer, (self.generator,)),
            "critic": Player(self.optimizer, (self.critic,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        real = draw()
        logits = Logits(self.critic(real), self.critic(self.generate(self.latents(len(real))).detach()))
        yield Move("critic", logits=logits, adversarial=wasserstein.d(*logits))
        fake = self.generate(self.latents(len(real)))
        yield Move("generator", adversarial=wasserstein.g(self.critic(fake)))


class Through(nn.Module):
    """A network that sees its input only through a function."""

    def __init__(self, before: Callable[[Tensor], Tensor], network: nn.Module):
        super().__init__()
        self.before, self.network = before, network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.before(x))


def z_through(change: Callable[[Tensor], Tensor]) -> Spoil:
    """The generator sees z only through `change`."""

    def spoil(game: Any) -> None:
        game.generator = Through(change, game.generator)

    return spoil


def constant(z: Tensor) -> Tensor:
    """Always the same z."""
    return torch.ones_like(z)


def fixed_points(count: int) -> Callable[[Tensor], Tensor]:
    """z as one of `count` fixed points, and a little noise."""

    def change(z: Tensor) -> Tensor:
        points = torch.randn(count, z.shape[1], generator=torch.Generator().manual_seed(count))
        return points[(z[:, 0].sigmoid() * count).long().clamp_max(count - 1)] + 0.002 * z

    return change


def without_z(game: Conditional) -> None:
    """The generator sees only the class."""
    dim = game.prior.dim
    game.generator = Through(lambda x: torch.cat([0.002 * x[:, :dim], x[:, dim:]], 1), game.generator)


def without_labels(game: Conditional) -> None:
    """Neither player sees the class."""
    dim, classes = game.prior.dim, game.classes.size
    game.generator = Through(lambda x: nn.functional.pad(x[:, :dim], (0, classes)), game.generator)
    game.discriminator = Through(lambda x: nn.functional.pad(x[:, :-classes], (0, classes)), game.discriminator)


class Unseen(nn.Module):
    """A translator that is shown black images in place of its inputs."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, a: Tensor, *noise: Tensor) -> Tensor:
        return self.network(torch.full_like(a, -1.0), *noise)


def unseen_input(game: Any) -> None:
    """pix2pix's translator does not see its input."""
    game.translator = Unseen(game.translator)


def shuffle_labels(loaded: Dataset, seed: int) -> Dataset:
    """Every label at a random sample."""
    assert loaded.y is not None
    order = rng.shuffled(len(loaded), seed)
    return dataset(loaded.name, loaded.x, loaded.y[order], loaded.classes)


def subset(count: int) -> Change:
    """Only `count` samples, chosen by the seed."""

    def change(loaded: Dataset, seed: int) -> Dataset:
        chosen = rng.shuffled(len(loaded), seed)[:count]
        y = None if loaded.y is None else loaded.y[chosen]
        return dataset(loaded.name, loaded.x[chosen].clone(), y, loaded.classes)

    return change
