"""WGAN with weight clipping; Arjovsky et al., 2017."""

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
from zerosum.losses.adversarial import wasserstein
from zerosum.networks import dcgan, mlp
from zerosum.networks.blocks import Norm
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Decay, Optimizer, RMSprop
from zerosum.recipe import recipe


class WGAN(Game[Tensor]):
    """WGAN with weight clipping; Arjovsky et al., 2017, Algorithm 1."""

    name = "wgan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        critic_steps: Annotated[int, Gt(0), "critic moves a round (n_critic)"] = 5
        long_steps: Annotated[int, Gt(0), "critic moves in a long round, which brings it close to its optimum"] = 100
        long_first: Annotated[int, Ge(0), "how many of the first rounds are long"] = 25
        long_every: Annotated[int, Gt(0), "rounds from one long round to the next; 1 makes all long"] = 500
        weight_clip: Annotated[float, Gt(0), "largest size of a critic's weight (c)"] = 0.01
        noise: Annotated[InstanceNoise, "noise on the critic's input"] = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players; momentum unsettles the critic"] = RMSprop(5e-5)

    def __init__(self, generator: nn.Module, critic: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.critic, self.config = generator, critic, config
        self.prior = latent.Normal(config.latent_dim)
        self.clip_weights()

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "critic": Player(self.config.optimizer, (self.critic,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        for _ in range(self.config.long_steps if self.is_long(step) else self.config.critic_steps):
            data = self.config.noise(draw(), step)  # (B, *shape)
            with torch.no_grad():
                made = self.config.noise(self.sample(data), step)
            real, fake = discriminate(self.critic, data, made)
            yield Move("critic", adversarial=wasserstein.d(real, fake), log={"real": real, "fake": fake})
            self.clip_weights()
        fake = self.critic(self.config.noise(self.sample(data), step))
        yield Move("generator", adversarial=wasserstein.g(fake))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) and not self.is_long(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.critic(samples).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)

    def is_long(self, step: int) -> bool:
        """Whether round `step` (from 0) has `long_steps` critic moves: the first 25 and every 500th, as the authors'
        code has it."""
        return step < self.config.long_first or step % self.config.long_every == 0

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Bring every parameter of the critic into [-weight_clip, weight_clip], which bounds its Lipschitz constant."""
        for parameter in self.critic.parameters():
            parameter.clamp_(-self.config.weight_clip, self.config.weight_clip)


@dataclass(frozen=True)
class Network:
    """DCGAN's networks; WGAN is said to train without their batch norm, too."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64
    norm: Annotated[Norm, "normalisation in both networks"] = "batch"


@recipe(data="digits", batch_size=64, steps=20_000, average=0.0)
def images(shape: Shape, config: WGAN.Config = WGAN.Config(), network: Network = Network()) -> WGAN:
    """DCGAN's networks with the paper's settings: RMSprop at 5e-5, weights within 0.01."""
    generator = dcgan.Generator(config.latent_dim, shape, network.width, network.norm)
    return WGAN(generator, dcgan.Discriminator(shape, network.width, network.norm), config)


_TOY_RMSPROP = RMSprop(2e-3, decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=2_500, average=0.99)
def toy(
    shape: Shape,
    config: WGAN.Config = WGAN.Config(2, critic_steps=2, long_steps=10, weight_clip=0.2, optimizer=_TOY_RMSPROP),
) -> WGAN:
    """Two small perceptrons on points in the plane, with wide bounds: so few weights of 0.01 would be a flat critic."""
    return WGAN(mlp.Generator(config.latent_dim, shape, (64,) * 3), mlp.Discriminator(shape, (64,) * 3), config)
