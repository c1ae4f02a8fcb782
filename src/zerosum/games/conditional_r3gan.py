"""Class-conditional R3GAN; Huang et al., 2024, "The GAN is dead; long live the GAN!"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Condition, Draw, Game, Labelled, Move, Player, Shape
from zerosum.losses import penalties
from zerosum.losses.adversarial import HARD, LabelSmoothing, relativistic
from zerosum.networks import conditional, mlp
from zerosum.networks import r3gan as networks
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class ConditionalR3GAN(Game[Labelled]):
    """R3GAN with classes, or vectors: each fake against a real sample of its condition, R1 and R2; Huang et al., 2024.

    Args:
        generator: z, (B, latent_dim), and conditions, (B, K), to samples (B, *shape).
        discriminator: samples and conditions to logits (B, 1).
    """

    name = "conditional-r3gan"
    condition: Condition

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 64
        gamma: Annotated[float, Ge(0), "weight of both penalties"] = 1.0
        targets: Annotated[LabelSmoothing, "D's targets for a pair"] = HARD
        noise: Annotated[InstanceNoise, "noise on the samples that D sees"] = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-4, (0.0, 0.99))

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        noise, gamma = self.config.noise, self.config.gamma
        data = draw()
        x, asked = noise(data.x, step).detach().requires_grad_(), self.condition.vector(data.y)  # (B, *shape), (B, K)
        with torch.no_grad():
            made = noise(self.sample(data), step)
        real, fake = discriminate(self.discriminator, (x, asked), (made.requires_grad_(), asked))
        yield Move(
            "discriminator",
            adversarial=relativistic.d(real, fake, self.config.targets),
            r1=gamma * penalties.zero_centered(real, x),
            r2=gamma * penalties.zero_centered(fake, made),
            log={"real": real, "fake": fake},
        )
        data = draw()
        asked = self.condition.vector(data.y)
        pairs = (noise(data.x, step), asked), (noise(self.sample(data), step), asked)
        real, fake = discriminate(self.discriminator, *pairs)
        yield Move("generator", adversarial=relativistic.g(fake, real))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def realism(self, samples: Labelled) -> Tensor:
        return self.discriminator(samples.x, self.condition.vector(samples.y)).flatten()

    def sample(self, like: Labelled, z: Tensor | None = None) -> Tensor:
        made: Tensor = self.generator(self.prior.draw(like.x) if z is None else z, self.condition.vector(like.y))
        return made


@dataclass(frozen=True)
class Network:
    """The size of R3GAN's residual networks, and of the embeddings of what is asked for."""

    widths: Annotated[tuple[int, ...], "channels from the smallest size (4 to 7 pixels) to the full one"] = (
        256,
        128,
        64,
    )
    blocks: Annotated[int, Gt(0), "residual blocks a size"] = 2
    group_size: Annotated[int, Gt(0), "channels in a group of the 3x3 convolutions"] = 16
    embedding: Annotated[int, Gt(0), "size of the condition's embedding in G, beside z"] = 32


@recipe(data="digits", batch_size=64, steps=50_000)
def images(
    shape: Shape,
    condition: Condition,
    config: ConditionalR3GAN.Config = ConditionalR3GAN.Config(),
    network: Network = Network(),
) -> ConditionalR3GAN:
    """Residual networks for any images with classes, or vectors; D by projection, as the authors'."""
    widths, blocks, group_size = network.widths, network.blocks, network.group_size
    generator = networks.Generator(config.latent_dim + network.embedding, shape, widths, blocks, group_size)
    build = partial(networks.Discriminator, widths=widths, blocks=blocks, group_size=group_size)
    return ConditionalR3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, network.embedding),
        conditional.EmbeddedProjection(build, shape, condition.size, widths[0]),
        condition,
        config,
    )


_TOY_ADAM = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))


@recipe(data="moons", batch_size=256, steps=1_400, average=0.99)
def toy(
    shape: Shape,
    condition: Condition,
    config: ConditionalR3GAN.Config = ConditionalR3GAN.Config(latent_dim=2, gamma=0.05, optimizer=_TOY_ADAM),
) -> ConditionalR3GAN:
    """Two small perceptrons on points in the plane."""
    generator = mlp.Generator(config.latent_dim + 8, shape, (64,) * 3)
    build = partial(mlp.Discriminator, hidden=(64,) * 3)
    return ConditionalR3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, 8),
        conditional.EmbeddedProjection(build, shape, condition.size, 64),
        condition,
        config,
    )
