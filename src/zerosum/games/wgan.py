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
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses.adversarial import wasserstein
from zerosum.modality import Spec
from zerosum.networks import dcgan, mlp
from zerosum.networks.blocks import Norm
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Decay, Optimizer, RMSprop
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates
from zerosum.util.switches import With

_SOME_SHORT = With("long_every", lambda own: own.long_every > 1)


class WGAN(LatentGame[Tensor], Discriminates):
    """WGAN, Wasserstein GAN with weight clipping; Arjovsky et al., 2017, Algorithm 1."""

    name = "wgan"

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        critic_steps: Annotated[int, Gt(0), _SOME_SHORT, "critic moves per step (n_critic)"] = 5
        long_steps: Annotated[int, Gt(0), "critic moves in a long step, which brings it close to its optimum"] = 100
        long_first: Annotated[int, Ge(0), _SOME_SHORT, "how many of the first steps are long"] = 25
        long_every: Annotated[int, Gt(0), "steps from one long step to the next; 1 makes all long"] = 500
        weight_clip: Annotated[float, Gt(0), "the critic's weights are clipped to [-c, c]"] = 0.01
        noise: Annotated[InstanceNoise, "noise on the critic's input"] = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players; momentum unsettles the critic"] = RMSprop(5e-5)

    def __init__(self, generator: nn.Module, critic: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.critic, self.config = generator, critic, config
        self.prior = latent.Normal(config.latent_dim)
        self._clip_weights()

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "critic": Player(self.config.optimizer, (self.critic,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        noise = self.config.noise
        for _ in range(self.config.long_steps if self._is_long(step) else self.config.critic_steps):
            real = noise(draw(), step)  # (B, *shape)
            with torch.no_grad():
                fake = noise(self.generate(self.latents(len(real))), step)
            logits = Logits(*discriminate(self.critic, real, fake))
            yield Move("critic", adversarial=wasserstein.d(*logits), logits=logits)
            self._clip_weights()
        fake = noise(self.generate(self.latents(len(real))), step)
        yield Move("generator", adversarial=wasserstein.g(self.critic(fake)))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) and not self._is_long(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.critic(x).flatten()

    def _is_long(self, step: int) -> bool:
        """Whether step `step` (from 0) has `long_steps` critic moves, as in the authors' code."""
        return step < self.config.long_first or step % self.config.long_every == 0

    @torch.no_grad()
    def _clip_weights(self) -> None:
        """Bring every parameter of the critic into [-weight_clip, weight_clip], which bounds its Lipschitz constant."""
        for parameter in self.critic.parameters():
            parameter.clamp_(-self.config.weight_clip, self.config.weight_clip)


@dataclass(frozen=True)
class Network(Checked):
    """DCGAN's networks; the paper trains without their batch norm, too."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64
    norm: Annotated[Norm, "normalisation in both networks"] = "batch"


@recipe(data="digits", batch_size=64, steps=20_000, average=0.0)
def images(data: Spec, config: WGAN.Config = WGAN.Config(), network: Network = Network()) -> WGAN:
    """DCGAN's networks with the paper's settings: RMSprop at 5e-5, weights within 0.01."""
    generator = dcgan.Generator(config.latent_dim, data.x.shape, network.width, network.norm)
    return WGAN(generator, dcgan.Discriminator(data.x.shape, network.width, network.norm), config)


_TOY_RMSPROP = RMSprop(2e-3, decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=2_500, average=0.99)
def toy(
    data: Spec,
    config: WGAN.Config = WGAN.Config(2, critic_steps=2, long_steps=10, weight_clip=0.2, optimizer=_TOY_RMSPROP),
) -> WGAN:
    """Two small perceptrons on points in the plane, with wide bounds: a critic this small would be flat within 0.01."""
    return WGAN(*mlp.toy_pair(config.latent_dim, data.x.shape), config)
