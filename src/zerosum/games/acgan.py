"""AC-GAN; Odena et al., 2017, "Conditional image synthesis with auxiliary classifier GANs"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Condition, Draw, Game, Labelled, Move, Player, Semi, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName, to_float32
from zerosum.losses.penalties import Weights, lazy
from zerosum.networks import dcgan, mlp
from zerosum.networks.conditional import Generator
from zerosum.networks.dcgan import Network
from zerosum.networks.discriminate import discriminate_each
from zerosum.networks.heads import Classes
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class ACGAN(Game[Semi]):
    """GAN with an auxiliary classifier: G is told a class, and D tells the source of an image and its class.

    Both players maximise the log-likelihood of the class, L_C, of real samples and of fakes; over the log-likelihood of
    the source, L_S, they play against each other; Odena et al., 2017. L_S is of all samples, L_C of those with a class.

    Args:
        generator: z, (B, latent_dim), and one-hot classes, (B, K), to samples (B, *shape).
        discriminator: samples to (B, K + 1): logits of the classes, then the logit of being real.
    """

    name = "acgan"
    condition: Condition

    @dataclass(frozen=True)
    class Config:
        objective: Annotated[ObjectiveName, "the adversarial loss, of the source (L_S)"] = "non-saturating"
        penalties: Annotated[Weights | None, "gradient penalties of D's source by name, with their weights"] = None
        penalty_every: Annotated[int, Gt(0), "rounds between penalties, which then weigh as much more"] = 1
        class_weight: Annotated[float, Ge(0), "weight of L_C for D"] = 1.0
        g_class_weight: Annotated[
            float, Ge(0), "weight of L_C for G: more makes surer of the class, and gives less variety in it"
        ] = 1.0
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        shared_fakes: Annotated[bool, "G answers for the batch that D just saw, not for a fresh one: faster"] = False
        targets: Annotated[LabelSmoothing, "D's targets for the source, for objectives that have any"] = HARD
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(2e-4)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.classes = condition.classes()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.prior = latent.Normal(config.latent_dim)
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,), averaged=True),
        }

    def round(self, draw: Draw[Semi], step: int) -> Iterator[Move]:
        objective, noise, share = OBJECTIVES[self.config.objective], self.config.noise, self.config.shared_fakes
        data = draw()
        x, own = noise(data.unlabelled, step), data.x is data.unlabelled  # own: every sample has its class
        with torch.set_grad_enabled(share):
            made = noise(self.sample(data), step)
        seen = [x, made.detach()] if own else [x, made.detach(), noise(data.x, step)]
        of_x, of_made, *of_labelled = discriminate_each(self.discriminator, seen)  # (B, K + 1) each
        real, fake = self._source(of_x), self._source(of_made)
        penalties = lazy(self.config.penalties, self.config.penalty_every, step, self._judge, x, made)
        yield Move(
            "discriminator",
            adversarial=objective.d(real, fake, self.config.targets),
            class_real=self.config.class_weight * self._class_loss(of_x if own else of_labelled[0], data.y),
            class_fake=self.config.class_weight * self._class_loss(of_made, data.y),
            **penalties,
            log={"real": real, "fake": fake},
        )
        if not share:
            if self.config.objective == "relativistic":
                data = draw()
                real = self._judge(noise(data.unlabelled, step))
            made = noise(self.sample(data), step)
        of_made = self.discriminator(made)
        yield Move(
            "generator",
            adversarial=objective.g(self._source(of_made), real.detach()),
            class_fake=self.config.g_class_weight * self._class_loss(of_made, data.y),
        )

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def classifier(self) -> nn.Module:
        return Classes(self.discriminator, self.classes)

    def realism(self, samples: Labelled | Semi) -> Tensor:
        return self._judge(samples.x).flatten()

    def sample(self, like: Labelled | Semi, z: Tensor | None = None) -> Tensor:
        made: Tensor = self.generator(self.prior.draw(like.x) if z is None else z, self.condition.vector(like.y))
        return made

    def _judge(self, x: Tensor) -> Tensor:
        """The logit of being real, (B, 1)."""
        return self._source(self.discriminator(x))

    def _source(self, outputs: Tensor) -> Tensor:
        return outputs[:, self.classes :]

    def _class_loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """-E log P(C = y | X): a half of -L_C."""
        return F.cross_entropy(to_float32(outputs)[:, : self.classes], y)


@recipe(data="digits", batch_size=64, steps=20_000)
def images(
    shape: Shape,
    condition: Condition,
    config: ACGAN.Config = ACGAN.Config(shared_fakes=True),
    network: Network = Network(),
) -> ACGAN:
    """DCGAN's networks for any images: strided convolutions and batch norm, as the paper's."""
    return _convolutional(shape, condition, config, network)


_DIGITS_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", start=1500))


@recipe(data="digits", batch_size=64, steps=5_000, average=0.99, sample_every=100, checkpoint_every=500)
def digits(
    shape: Shape,
    condition: Condition,
    config: ACGAN.Config = ACGAN.Config(
        g_class_weight=5.0, latent_dim=32, shared_fakes=True, g_optimizer=_DIGITS_ADAM, d_optimizer=_DIGITS_ADAM
    ),
    network: Network = Network(width=16),
) -> ACGAN:
    """Narrow networks and large rates: the digit that is asked for, in about two minutes on one core."""
    return _convolutional(shape, condition, config, network)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="moons", batch_size=256, steps=1_600, average=0.99)
def toy(
    shape: Shape,
    condition: Condition,
    config: ACGAN.Config = ACGAN.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
) -> ACGAN:
    """Two small perceptrons on points in the plane."""
    generator = mlp.Generator(config.latent_dim + condition.size, shape, (64,) * 3)
    discriminator = mlp.Discriminator(shape, (64,) * 3, outputs=condition.classes() + 1)
    return ACGAN(Generator(generator), discriminator, condition, config)


def _convolutional(shape: Shape, condition: Condition, config: ACGAN.Config, network: Network) -> ACGAN:
    generator = dcgan.Generator(config.latent_dim + condition.size, shape, network.width, network.generator_norm)
    discriminator = dcgan.Discriminator(shape, network.width, network.norm, outputs=condition.classes() + 1)
    return ACGAN(Generator(generator), discriminator, condition, config)
