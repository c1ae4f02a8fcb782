"""R3GAN, the modern default; Huang et al., 2024, "The GAN is dead; long live the GAN!"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import penalties
from zerosum.losses.adversarial import HARD, LabelSmoothing, relativistic
from zerosum.networks import mlp
from zerosum.networks import r3gan as networks
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class R3GAN(Game[Tensor]):
    """Relativistic pairing GAN with R1 and R2: each fake against a real sample; Huang et al., 2024."""

    name = "r3gan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 64
        gamma: Annotated[float, Ge(0), "weight of both penalties"] = 1.0
        targets: Annotated[LabelSmoothing, "D's targets for a pair"] = HARD
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-4, (0.0, 0.99))

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        noise, gamma = self.config.noise, self.config.gamma
        data = noise(draw(), step).detach().requires_grad_()  # (B, *shape)
        with torch.no_grad():
            made = noise(self.sample(data), step)
        real, fake = discriminate(self.discriminator, data, made.requires_grad_())
        yield Move(
            "discriminator",
            adversarial=relativistic.d(real, fake, self.config.targets),
            r1=gamma * penalties.zero_centered(real, data),
            r2=gamma * penalties.zero_centered(fake, made),
            log={"real": real, "fake": fake},
        )
        real, fake = discriminate(self.discriminator, noise(draw(), step), noise(self.sample(data), step))
        yield Move("generator", adversarial=relativistic.g(fake, real))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.discriminator(samples).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)


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


@recipe(data="digits", batch_size=64, steps=50_000)
def images(shape: Shape, config: R3GAN.Config = R3GAN.Config(), network: Network = Network()) -> R3GAN:
    """Residual networks for any images: what to try first on a folder of your own."""
    sizes = (network.widths, network.blocks, network.group_size)
    return R3GAN(networks.Generator(config.latent_dim, shape, *sizes), networks.Discriminator(shape, *sizes), config)


_TOY_ADAM = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_400, average=0.99)
def toy(shape: Shape, config: R3GAN.Config = R3GAN.Config(latent_dim=2, gamma=0.05, optimizer=_TOY_ADAM)) -> R3GAN:
    """Two small perceptrons on points in the plane."""
    return R3GAN(mlp.Generator(config.latent_dim, shape, (64,) * 3), mlp.Discriminator(shape, (64,) * 3), config)
