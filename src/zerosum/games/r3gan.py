"""R3GAN, the modern default; Huang et al., 2024, "The GAN is dead; long live the GAN!"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw, Labelled
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses import penalties
from zerosum.losses.adversarial import HARD, LabelSmoothing, relativistic
from zerosum.modality import Condition, Spec
from zerosum.networks import conditional, mlp
from zerosum.networks import r3gan as networks
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe
from zerosum.roles import Discriminates


class R3GAN(LatentGame[Tensor | Labelled], Discriminates):
    """R3GAN: each fake against a real sample (relativistic pairing), with R1 and R2; Huang et al., 2024.

    Args:
        generator: z, (B, latent_dim), and conditions, (B, K), where there is one, to samples (B, *shape).
        discriminator: samples, and conditions where there is one, to logits (B, 1).
        condition: classes or vectors; each fake then meets a real sample of its own.
    """

    name = "r3gan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: latent.LatentDim = 64
        gamma: Annotated[float, Ge(0), "weight of both gradient penalties"] = 1.0
        targets: Annotated[LabelSmoothing, "D's targets for a pair"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-4, (0.0, 0.99))

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        config: Config = Config(),
        condition: Condition | None = None,
    ):
        super().__init__()
        self.generator, self.discriminator, self.config, self.condition = generator, discriminator, config, condition
        self.prior = latent.Normal(config.latent_dim)
        self.batch = Labelled if condition else Tensor

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor | Labelled], step: int) -> Iterator[Move]:
        noise, gamma = self.config.noise, self.config.gamma
        real, y = _parts(draw())  # (B, *shape), and (B,) or (B, K)
        real = noise(real, step).detach().requires_grad_()
        with torch.no_grad():
            fake = noise(self.generate(self.latents(len(real)), y), step)
        given = self.conditions(y)
        logits = Logits(*discriminate(self.discriminator, (real, *given), (fake.requires_grad_(), *given)))
        yield Move(
            "discriminator",
            adversarial=relativistic.d(*logits, self.config.targets),
            r1=gamma * penalties.zero_centered(logits.real, real),
            r2=gamma * penalties.zero_centered(logits.fake, fake),
            logits=logits,
        )
        real, y = _parts(draw())
        given, real = self.conditions(y), noise(real, step)
        fake = noise(self.generate(self.latents(len(real)), y), step)
        real_logits, fake_logits = discriminate(self.discriminator, (real, *given), (fake, *given))
        yield Move("generator", adversarial=relativistic.g(fake_logits, real_logits))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x, *self.conditions(y)).flatten()


def _parts(batch: Tensor | Labelled) -> tuple[Tensor, Tensor | None]:
    """Samples, and their classes or vectors where there are any."""
    return (batch, None) if isinstance(batch, Tensor) else (batch.x, batch.y)


@dataclass(frozen=True)
class Network:
    """The size of R3GAN's residual networks."""

    widths: Annotated[tuple[int, ...], "channels from the smallest size (4 to 7 pixels) to the full one"] = (
        256,
        128,
        64,
    )
    blocks: Annotated[int, Gt(0), "residual blocks a size"] = 2
    group_size: Annotated[int, Gt(0), "channels in a group of the 3x3 convolutions"] = 16


@dataclass(frozen=True)
class ConditionalNetwork(Network):
    """The size of R3GAN's residual networks, and of the embeddings of classes or vectors."""

    embedding: Annotated[int, Gt(0), "size of the condition's embedding in G, beside z"] = 32


@recipe(data="digits", batch_size=64, steps=50_000)
def images(data: Spec, config: R3GAN.Config = R3GAN.Config(), network: Network = Network()) -> R3GAN:
    """Residual networks for any images: what to try first on a folder of your own."""
    shape, sizes = data.x.shape, (network.widths, network.blocks, network.group_size)
    return R3GAN(networks.Generator(config.latent_dim, shape, *sizes), networks.Discriminator(shape, *sizes), config)


@recipe(data="digits", batch=Labelled, batch_size=64, steps=50_000)
def classes(
    data: Spec, config: R3GAN.Config = R3GAN.Config(), network: ConditionalNetwork = ConditionalNetwork()
) -> R3GAN:
    """Residual networks for any images with classes, or vectors; D by projection, as the authors'."""
    shape, condition = data.x.shape, data.y
    widths, blocks, group_size = network.widths, network.blocks, network.group_size
    generator = networks.Generator(config.latent_dim + network.embedding, shape, widths, blocks, group_size)
    build = partial(networks.Discriminator, widths=widths, blocks=blocks, group_size=group_size)
    return R3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, network.embedding),
        conditional.EmbeddedProjection(build, shape, condition.size, widths[0]),
        config,
        condition,
    )


_TOY_ADAM = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))
_TOY = R3GAN.Config(latent_dim=2, gamma=0.05, optimizer=_TOY_ADAM)


@recipe(data="ring", batch_size=256, steps=1_400, average=0.99)
def toy(data: Spec, config: R3GAN.Config = _TOY) -> R3GAN:
    """Two small perceptrons on points in the plane."""
    return R3GAN(*mlp.toy_pair(config.latent_dim, data.x.shape), config)


@recipe(data="moons", batch=Labelled, batch_size=256, steps=1_400, average=0.99)
def toy_classes(data: Spec, config: R3GAN.Config = _TOY) -> R3GAN:
    """Two small perceptrons on points in the plane, which have classes."""
    shape, condition, hidden = data.x.shape, data.y, (64,) * 3
    generator = mlp.Generator(config.latent_dim + 8, shape, hidden)
    build = partial(mlp.Discriminator, hidden=hidden)
    return R3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, 8),
        conditional.EmbeddedProjection(build, shape, condition.size, 64),
        config,
        condition,
    )
