"""Unrolled GAN; Metz et al., 2017, "Unrolled generative adversarial networks"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.func import functional_call

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses.adversarial import HARD, LabelSmoothing, minimax, non_saturating
from zerosum.modality import Spec
from zerosum.networks import dcgan as networks
from zerosum.networks import mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.util import distributed
from zerosum.util.switches import With


class Unrolled(TwoPlayerGame[Tensor]):
    """Unrolled GAN; Metz et al., 2017, eq. 7, 9 and 10: G answers to the D that would come of K more steps.

    Its gradient flows through these steps too, so that G feels how D would react to it. They are plain gradient steps,
    as in eq. 7, on one batch; the paper unrolls Adam. D itself is updated once a step, as ever (eq. 11).
    """

    name = "unrolled"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        unrolling: Annotated[int, Ge(0), "steps of D that G looks ahead (K); 0 is the plain GAN"] = 5
        unrolled_lr: Annotated[
            float, Gt(0), With("unrolling"), "learning rate of these steps (eta), of plain gradient descent"
        ] = 0.01
        generator: Annotated[
            Literal["minimax", "non-saturating"], "G's loss: f of eq. 4 (minimax) or -log D(G(z)) (non-saturating)"
        ] = "minimax"
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(1e-3)
        d_optimizer: DiscriminatorOptimizer = Adam(1e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Normal(config.latent_dim)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        noise = self.config.noise
        real = noise(draw(), step)  # (B, *shape)
        with torch.no_grad():
            fake = noise(self.generate(self.latents(len(real))), step)
        logits = Logits(*discriminate(self.discriminator, real, fake))
        yield Move("discriminator", adversarial=minimax.d(*logits, self.config.targets), logits=logits)
        fake = noise(self.generate(self.latents(len(real))), step)
        state = self._unroll(real, fake)
        if self.config.generator == "minimax":
            loss = -self._d_loss(state, real, fake)  # real logits count: they depend on G through D's steps
        else:
            loss = non_saturating.g(functional_call(self.discriminator, state, (fake,)))
        yield Move("generator", adversarial=loss)

    def _unroll(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """D's parameters and buffers after `unrolling` steps on these batches, differentiable; D itself stays."""
        buffers = {name: buffer.clone() for name, buffer in self.discriminator.named_buffers()}
        state: dict[str, Tensor] = {n: p for n, p in self.discriminator.named_parameters() if p.requires_grad}
        for _ in range(self.config.unrolling):
            loss = self._d_loss(state | buffers, real, fake)
            own = torch.autograd.grad(loss, list(state.values()), create_graph=True)
            gradients = distributed.differentiable_mean(own)
            state = {
                name: p - self.config.unrolled_lr * gradient
                for (name, p), gradient in zip(state.items(), gradients, strict=True)
            }
        return state | buffers

    def _d_loss(self, state: dict[str, Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """What D minimises, -f of eq. 4, with the parameters and buffers of `state` in place of its own."""
        real_logits, fake_logits = (functional_call(self.discriminator, state, (x,)) for x in (real, fake))
        return minimax.d(real_logits, fake_logits, self.config.targets)

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None


@dataclass(frozen=True)
class Network(Checked):
    """The size of DCGAN's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64


_ADAM = Adam(2e-4)


@recipe(data="digits", batch_size=64, steps=20_000)
def images(
    data: Spec,
    config: Unrolled.Config = Unrolled.Config(
        unrolling=2, generator="non-saturating", g_optimizer=_ADAM, d_optimizer=_ADAM
    ),
    network: Network = Network(),
) -> Unrolled:
    """DCGAN's networks, where G looks two steps of D ahead."""
    generator = networks.Generator(config.latent_dim, data.x.shape, network.width)
    return Unrolled(generator, networks.Discriminator(data.x.shape, network.width), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=128, steps=1_200, average=0.99)
def toy(
    data: Spec,
    config: Unrolled.Config = Unrolled.Config(2, unrolling=3, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM),
) -> Unrolled:
    """Two small perceptrons on points in the plane, where G looks three steps of D ahead."""
    return Unrolled(*mlp.toy_pair(config.latent_dim, data.x.shape), config)
