"""WGAN with gradient penalty; Gulrajani et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses import penalties
from zerosum.losses.adversarial import wasserstein
from zerosum.modality import Spec
from zerosum.networks import mlp, resnet
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates


class WGANGP(LatentGame[Tensor], Discriminates):
    """WGAN-GP, a Wasserstein GAN with gradient penalty; Gulrajani et al., 2017, Algorithm 1."""

    name = "wgan-gp"

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 128
        critic_steps: Annotated[int, Gt(0), "critic moves per step (n_critic)"] = 5
        generator_batches: Annotated[int, Gt(0), "G's batch, in batches of the critic"] = 1
        penalty_weight: Annotated[float, Ge(0), "gradient penalty weight (lambda, eq. 3)"] = 10.0
        noise: Annotated[InstanceNoise, "noise on the critic's input"] = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players; Algorithm 1's defaults"] = Adam(1e-4, (0.0, 0.9))

    def __init__(self, generator: nn.Module, critic: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.critic, self.config = generator, critic, config
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "critic": Player(self.config.optimizer, (self.critic,)),
        }

    def check(self) -> None:
        penalties.refuse_batch_norm(self.critic)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        noise, weight = self.config.noise, self.config.penalty_weight
        for _ in range(self.config.critic_steps):
            real = noise(draw(), step)  # (B, *shape)
            with torch.no_grad():
                fake = noise(self.generate(self.latents(len(real))), step)
            logits = Logits(*discriminate(self.critic, real, fake))
            penalty = weight * penalties.interpolation(self.critic, real, fake)
            yield Move("critic", adversarial=wasserstein.d(*logits), gradient_penalty=penalty, logits=logits)
        fake = noise(self.generate(self.latents(self.config.generator_batches * len(real))), step)
        yield Move("generator", adversarial=wasserstein.g(self.critic(fake)))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.critic(x).flatten()


@dataclass(frozen=True)
class Network(Checked):
    """The residual networks."""

    width: Annotated[int, Gt(0), "channels of every layer; the paper has 128"] = 128
    shortcut: Annotated[
        resnet.Shortcut, "beside G's blocks: the paper's 1x1 convolution, or none, as in runs of older versions"
    ] = "convolution"


_IMAGES = WGANGP.Config(generator_batches=2, optimizer=Adam(2e-4, (0.0, 0.9), decay=Decay("linear")))


@recipe(data="digits", batch_size=64, steps=100_000)
def images(data: Spec, config: WGANGP.Config = _IMAGES, network: Network = Network()) -> WGANGP:
    """The paper's residual networks and its rates for CIFAR-10, for images of about 32 pixels."""
    shape = data.x.shape
    generator = resnet.Generator(config.latent_dim, shape, network.width, network.shortcut)
    return WGANGP(generator, resnet.Critic(shape, network.width), config)


_TOY_ADAM = Adam(4e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=128, steps=1_800, average=0.99)
def toy(
    data: Spec, config: WGANGP.Config = WGANGP.Config(2, critic_steps=2, penalty_weight=1.0, optimizer=_TOY_ADAM)
) -> WGANGP:
    """Two small perceptrons on points in the plane; two moves of so small a critic are enough."""
    return WGANGP(*mlp.toy_pair(config.latent_dim, data.x.shape), config)
