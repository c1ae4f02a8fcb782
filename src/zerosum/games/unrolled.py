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
from zerosum.augment import InstanceNoise
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.networks import dcgan as networks
from zerosum.networks import mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class Unrolled(Game[Tensor]):
    """G answers to the discriminator that D would become in K more steps; Metz et al., 2017, eq. 7, 9 and 10.

    Its gradient flows through these steps too, so that G feels how D would react to it. They are plain gradient steps,
    as in eq. 7, on one batch; the paper unrolls Adam. D itself is updated once a round, as ever (eq. 11).
    """

    name = "unrolled"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        unrolling: Annotated[int, Ge(0), "steps of D that G looks ahead (K); 0 is the plain GAN"] = 5
        unrolled_lr: Annotated[float, Gt(0), "learning rate of these steps (eta), of plain gradient descent"] = 0.01
        generator: Annotated[
            Literal["minimax", "non-saturating"], "what G does: minimise f of eq. 4, or maximise log D(G(z))"
        ] = "minimax"
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(1e-3)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(1e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        data = self.config.noise(draw(), step)  # (B, *shape)
        with torch.no_grad():
            made = self.config.noise(self.sample(data), step)
        real, fake = discriminate(self.discriminator, data, made)
        value = adversarial.minimax.d(real, fake, self.config.targets)
        yield Move("discriminator", adversarial=value, log={"real": real, "fake": fake})
        made = self.config.noise(self.sample(data), step)
        state = self._ahead(data, made)
        if self.config.generator == "minimax":
            loss = -self._value(state, data, made)  # real logits count: they depend on G through D's steps
        else:
            loss = adversarial.non_saturating.g(functional_call(self.discriminator, state, (made,)))
        yield Move("generator", adversarial=loss)

    def _ahead(self, data: Tensor, made: Tensor) -> dict[str, Tensor]:
        """D's parameters and buffers after `unrolling` steps on these batches, differentiable; D itself stays."""
        buffers = {name: buffer.clone() for name, buffer in self.discriminator.named_buffers()}
        state: dict[str, Tensor] = {n: p for n, p in self.discriminator.named_parameters() if p.requires_grad}
        for _ in range(self.config.unrolling):
            value = self._value(state | buffers, data, made)
            gradients = torch.autograd.grad(value, list(state.values()), create_graph=True)
            state = {
                name: p - self.config.unrolled_lr * gradient
                for (name, p), gradient in zip(state.items(), gradients, strict=True)
            }
        return state | buffers

    def _value(self, state: dict[str, Tensor], data: Tensor, made: Tensor) -> Tensor:
        """What D minimises, -f of eq. 4, with the parameters and buffers of `state` in place of its own."""
        real, fake = (functional_call(self.discriminator, state, (x,)) for x in (data, made))
        return adversarial.minimax.d(real, fake, self.config.targets)

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.discriminator(samples).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)


@dataclass(frozen=True)
class Network:
    """The size of DCGAN's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64


_ADAM = Adam(2e-4)


@recipe(data="digits", batch_size=64, steps=20_000)
def images(
    shape: Shape,
    config: Unrolled.Config = Unrolled.Config(
        unrolling=2, generator="non-saturating", g_optimizer=_ADAM, d_optimizer=_ADAM
    ),
    network: Network = Network(),
) -> Unrolled:
    """DCGAN's networks, where G looks two steps of D ahead."""
    generator = networks.Generator(config.latent_dim, shape, network.width)
    return Unrolled(generator, networks.Discriminator(shape, network.width), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=128, steps=1_200, average=0.99)
def toy(
    shape: Shape,
    config: Unrolled.Config = Unrolled.Config(2, unrolling=3, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM),
) -> Unrolled:
    """Two small perceptrons on points in the plane, where G looks three steps of D ahead."""
    return Unrolled(mlp.Generator(config.latent_dim, shape, (64,) * 3), mlp.Discriminator(shape, (64,) * 3), config)
