"""Conditional GAN; Mirza and Osindero, 2014, "Conditional generative adversarial nets"."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Condition, Draw, Game, Labelled, Move, Player, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.penalties import Weights, lazy
from zerosum.networks import conditional as networks
from zerosum.networks import dcgan, mlp
from zerosum.networks.blocks import Norm
from zerosum.networks.discriminate import discriminate
from zerosum.optim import SGD, Adam, Decay, Optimizer
from zerosum.recipe import recipe


class CGAN(Game[Labelled]):
    """Conditional GAN: both players see the class, or the vector, that is asked for; Mirza and Osindero, 2014, eq. 2.

    Fakes are made for the conditions of the real batch, and a relativistic objective compares the two of one condition.
    Any objective and penalties of `composed` can be asked for; penalties are of D's slope in x alone.

    Args:
        generator: z, (B, latent_dim), and conditions, (B, K), to samples (B, *shape).
        discriminator: samples and conditions to logits (B, 1).
    """

    name = "cgan"
    condition: Condition

    @dataclass(frozen=True)
    class Config:
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: Annotated[Weights | None, "gradient penalties of D by name, with their weights"] = None
        penalty_every: Annotated[int, Gt(0), "rounds between penalties, which then weigh as much more"] = 1
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        prior: Annotated[Literal["normal", "uniform"], "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        d_steps: Annotated[int, Gt(0), "discriminator moves a round"] = 1
        shared_fakes: Annotated[bool, "G answers for the batch that D just saw, not for a fresh one: faster"] = False
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: Annotated[InstanceNoise, "noise on the samples that D sees"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(2e-4)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.prior = (latent.Normal if config.prior == "normal" else latent.Uniform)(config.latent_dim)
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        objective, noise, share = OBJECTIVES[self.config.objective], self.config.noise, self.config.shared_fakes
        for i in reversed(range(self.config.d_steps)):
            data = draw()
            x, asked = noise(data.x, step), self.condition.vector(data.y)  # (B, *shape), (B, K)
            with torch.set_grad_enabled(share and i == 0):
                made = noise(self.sample(data), step)
            real, fake = discriminate(self.discriminator, (x, asked), (made.detach(), asked))
            penalties = lazy(self.config.penalties, self.config.penalty_every, step, self._given(asked), x, made)
            value = objective.d(real, fake, self.config.targets)
            yield Move("discriminator", adversarial=value, **penalties, log={"real": real, "fake": fake})
        if not share:
            if self.config.objective == "relativistic":
                data = draw()
                asked = self.condition.vector(data.y)
                real = self.discriminator(noise(data.x, step), asked)
            made = noise(self.sample(data), step)
        yield Move("generator", adversarial=objective.g(self.discriminator(made, asked), real.detach()))

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def realism(self, samples: Labelled) -> Tensor:
        return self.discriminator(samples.x, self.condition.vector(samples.y)).flatten()

    def sample(self, like: Labelled, z: Tensor | None = None) -> Tensor:
        made: Tensor = self.generator(self.prior.draw(like.x) if z is None else z, self.condition.vector(like.y))
        return made

    def _given(self, asked: Tensor) -> Callable[[Tensor], Tensor]:
        """D as a function of x alone: of one batch of these conditions, (B, K), or of several below each other."""
        return lambda x: self.discriminator(x, asked.repeat(len(x) // len(asked), 1))


@dataclass(frozen=True)
class Network:
    """DCGAN's networks, which are told what is asked for."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64
    norm: Annotated[Norm, "D's normalisation; penalties want any but batch"] = "batch"
    generator_norm: Annotated[Norm, "G's normalisation"] = "batch"
    condition: Annotated[
        Literal["concat", "projection"], "how D sees the condition: beside x, or by its product with D's last features"
    ] = "projection"


@recipe(data="digits", batch_size=64, steps=20_000)
def images(
    shape: Shape,
    condition: Condition,
    config: CGAN.Config = CGAN.Config(shared_fakes=True),
    network: Network = Network(),
) -> CGAN:
    """DCGAN's networks for any images, told what is asked for; D by projection (Miyato and Koyama, 2018)."""
    return _convolutional(shape, condition, config, network)


_DIGITS_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", start=1500))


@recipe(data="digits", batch_size=64, steps=5_000, average=0.99, sample_every=100, checkpoint_every=500)
def digits(
    shape: Shape,
    condition: Condition,
    config: CGAN.Config = CGAN.Config(
        latent_dim=32, shared_fakes=True, g_optimizer=_DIGITS_ADAM, d_optimizer=_DIGITS_ADAM
    ),
    network: Network = Network(width=16),
) -> CGAN:
    """Narrow networks and large rates: the digit that is asked for, in about two minutes on one core."""
    return _convolutional(shape, condition, config, network)


# The paper's rate falls by a factor of 1.00004 a round, from 0.1 to 1e-6; its momentum rises to 0.7 (ours stays).
_PAPER_SGD = SGD(0.1, 0.5, decay=Decay("exponential", steps=287_829, final=1e-5))


@recipe(data="mnist", batch_size=100, steps=200_000, precision="fp32")
def mnist(
    shape: Shape,
    condition: Condition,
    config: CGAN.Config = CGAN.Config(prior="uniform", g_optimizer=_PAPER_SGD, d_optimizer=_PAPER_SGD),
) -> CGAN:
    """The paper's perceptrons, maxout and dropout, by SGD with momentum."""
    generator = networks.PaperGenerator(config.latent_dim, shape, condition.size)
    return CGAN(generator, networks.PaperDiscriminator(shape, condition.size), condition, config)


@dataclass(frozen=True)
class ToyNetwork:
    """How D of the small perceptrons sees the condition."""

    condition: Annotated[
        Literal["concat", "projection"], "how D sees the condition: beside x, or by its product with D's last features"
    ] = "concat"


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="moons", batch_size=256, steps=1_600, average=0.99)
def toy(
    shape: Shape,
    condition: Condition,
    config: CGAN.Config = CGAN.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
    network: ToyNetwork = ToyNetwork(),
) -> CGAN:
    """Two small perceptrons on points in the plane: each class, or vector, has its own."""
    generator = mlp.Generator(config.latent_dim + condition.size, shape, (64,) * 3)
    build = partial(mlp.Discriminator, hidden=(64,) * 3)
    discriminator = networks.DISCRIMINATORS[network.condition](build, shape, condition.size)
    return CGAN(networks.Generator(generator), discriminator, condition, config)


def _convolutional(shape: Shape, condition: Condition, config: CGAN.Config, network: Network) -> CGAN:
    generator = dcgan.Generator(config.latent_dim + condition.size, shape, network.width, network.generator_norm)
    build = partial(dcgan.Discriminator, width=network.width, norm=network.norm)
    discriminator = networks.DISCRIMINATORS[network.condition](build, shape, condition.size)
    return CGAN(networks.Generator(generator), discriminator, condition, config)
