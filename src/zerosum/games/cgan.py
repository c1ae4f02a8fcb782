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
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw, Labelled
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.penalties import GradientPenalties, PenaltyEvery, check_weights, lazy
from zerosum.modality import Condition, Spec
from zerosum.networks import conditional as networks
from zerosum.networks import dcgan, mlp
from zerosum.networks.blocks import Norm
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.optim import SGD, Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe

Sight = Literal["concat", "projection"]  # how D sees the condition


class CGAN(TwoPlayerGame[Labelled]):
    """CGAN, conditional GAN: both players see the class, or the vector, of a sample; Mirza and Osindero, 2014, eq. 2.

    Fakes are made for the conditions of the real batch, and a paired objective compares the two of one condition. Any
    objective and penalties of `two_player` can be asked for; penalties are of D's slope in x alone.

    Args:
        generator: z, (B, latent_dim), and conditions, (B, K), to samples (B, *shape).
        discriminator: samples and conditions to logits (B, 1).
    """

    name = "cgan"
    condition: Condition
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: GradientPenalties = None
        penalty_every: PenaltyEvery = 1
        latent_dim: latent.LatentDim = 100
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        d_steps: Annotated[int, Gt(0), "discriminator moves per step"] = 1
        shared_fakes: Annotated[bool, "reuse D's fake batch for G's update: faster"] = False
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.prior = latent.PRIORS[config.prior](config.latent_dim)
        adversarial.check(config.objective, config.targets)

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        config, objective, noise = self.config, OBJECTIVES[self.config.objective], self.config.noise
        for i in reversed(range(config.d_steps)):
            x, y = draw()
            real, condition = noise(x, step), self.condition.vector(y)  # (B, *shape), (B, K)
            with torch.set_grad_enabled(config.shared_fakes and i == 0):
                fake = noise(self.generate(self.latents(len(x)), y), step)
            logits = Logits(*discriminate(self.discriminator, (real, condition), (fake.detach(), condition)))
            given = self._given(condition)
            penalties = lazy(config.penalties, config.penalty_every, step, given, real, fake, self.discriminator)
            loss = objective.d(*logits, config.targets)
            yield Move("discriminator", adversarial=loss, **penalties, logits=logits)
        if not config.shared_fakes:
            if objective.paired:
                x, y = draw()
                real, condition = noise(x, step), self.condition.vector(y)
            fake = noise(self.generate(self.latents(len(x)), y), step)
        # D has moved since it saw these: a pair is compared by one D, the one that G answers to.
        real_logits = constant_logits(self.discriminator, real, condition) if objective.paired else None
        yield Move("generator", adversarial=objective.g(self.discriminator(fake, condition), real_logits))

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def _given(self, condition: Tensor) -> Callable[[Tensor], Tensor]:
        """D as a function of x alone: of one batch of these conditions, (B, K), or of several below each other."""
        return lambda x: self.discriminator(x, condition.repeat(len(x) // len(condition), 1))


@dataclass(frozen=True)
class Network(Checked):
    """DCGAN's networks, conditional."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64
    norm: Annotated[Norm, "D's normalisation; penalties want any but batch"] = "batch"
    generator_norm: Annotated[Norm, "G's normalisation"] = "batch"
    condition: Annotated[Sight, "D's conditioning: concatenated with x, or projected onto D's last features"] = (
        "projection"
    )


@recipe(data="digits", batch_size=64, steps=20_000)
def images(data: Spec, config: CGAN.Config = CGAN.Config(shared_fakes=True), network: Network = Network()) -> CGAN:
    """DCGAN's networks for any images with classes or vectors; D by projection (Miyato and Koyama, 2018)."""
    return _convolutional(data, config, network)


_DIGITS_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", start=1500))


@recipe(data="digits", batch_size=64, steps=5_000, average=0.99, sample_every=100, checkpoint_every=500)
def digits(
    data: Spec,
    config: CGAN.Config = CGAN.Config(
        latent_dim=32, shared_fakes=True, g_optimizer=_DIGITS_ADAM, d_optimizer=_DIGITS_ADAM
    ),
    network: Network = Network(width=16),
) -> CGAN:
    """Narrow networks and large rates: the right digit in about two minutes on one core."""
    return _convolutional(data, config, network)


# The paper's rate falls by a factor of 1.00004 a step, from 0.1 to 1e-6. Its momentum rises to 0.7, it does not say in
# how many steps: here in 250 epochs of 500, as in the code of Goodfellow et al., 2014.
_PAPER_SGD = SGD(
    0.1, 0.5, decay=Decay("exponential", steps=287_829, final=1e-5), momentum_end=0.7, momentum_steps=125_000
)


@recipe(data="mnist", batch_size=100, steps=200_000, precision="fp32")
def mnist(
    data: Spec,
    config: CGAN.Config = CGAN.Config(prior="uniform", g_optimizer=_PAPER_SGD, d_optimizer=_PAPER_SGD),
) -> CGAN:
    """The paper's perceptrons, maxout and dropout, by SGD with momentum."""
    generator = networks.PaperGenerator(config.latent_dim, data.x.shape, data.y.size)
    return CGAN(generator, networks.PaperDiscriminator(data.x.shape, data.y.size), data.y, config)


@dataclass(frozen=True)
class ToyNetwork(Checked):
    """How D of the small perceptrons sees the condition."""

    condition: Annotated[Sight, "D's conditioning: concatenated with x, or projected onto D's last features"] = "concat"


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="moons", batch_size=256, steps=1_600, average=0.99)
def toy(
    data: Spec,
    config: CGAN.Config = CGAN.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
    network: ToyNetwork = ToyNetwork(),
) -> CGAN:
    """Two small perceptrons on points in the plane: each class, or vector, has its own."""
    generator = mlp.Generator(config.latent_dim + data.y.size, data.x.shape, (64,) * 3)
    return _conditional(generator, partial(mlp.Discriminator, hidden=(64,) * 3), network.condition, data, config)


def _convolutional(data: Spec, config: CGAN.Config, network: Network) -> CGAN:
    latent_dim = config.latent_dim + data.y.size
    generator = dcgan.Generator(latent_dim, data.x.shape, network.width, network.generator_norm)
    build = partial(dcgan.Discriminator, width=network.width, norm=network.norm)
    return _conditional(generator, build, network.condition, data, config)


def _conditional(
    generator: nn.Module, build: Callable[..., nn.Module], sight: Sight, data: Spec, config: CGAN.Config
) -> CGAN:
    discriminator = networks.DISCRIMINATORS[sight](build, data.x.shape, data.y.size)
    return CGAN(networks.Generator(generator), discriminator, data.y, config)
