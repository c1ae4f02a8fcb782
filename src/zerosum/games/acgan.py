"""AC-GAN; Odena et al., 2017, "Conditional image synthesis with auxiliary classifier GANs"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw, PartlyLabelled
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses import adversarial, semi_supervised
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.penalties import PenaltyEvery, Weights, check_weights, lazy
from zerosum.modality import Condition, Spec
from zerosum.networks import dcgan, mlp
from zerosum.networks.conditional import Generator
from zerosum.networks.dcgan import Network
from zerosum.networks.discriminate import discriminate_each
from zerosum.networks.heads import Classes
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Classifies, Discriminates


class ACGAN(LatentGame[PartlyLabelled], Discriminates, Classifies):
    """GAN with an auxiliary classifier: G has the class beside z, and D tells the source of an image and its class.

    Both players maximise the log-likelihood of the class, L_C, of real samples and of fakes; over the log-likelihood of
    the source, L_S, they play against each other; Odena et al., 2017. L_S is of all samples, L_C of those with a class.

    Args:
        generator: z, (B, latent_dim), and one-hot classes, (B, K), to samples (B, *shape).
        discriminator: samples to (B, K + 1): logits of the classes, then the logit of being real.
        condition: the classes.
    """

    name = "acgan"
    condition: Condition

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss, of the source (L_S)"] = "non-saturating"
        penalties: Annotated[Weights | None, "gradient penalties of D's source by name, with their weights"] = None
        penalty_every: PenaltyEvery = 1
        class_weight: Annotated[float, Ge(0), "weight of L_C for D"] = 1.0
        g_class_weight: Annotated[float, Ge(0), "weight of L_C for G: more gives purer classes, less variety"] = 1.0
        latent_dim: latent.LatentDim = 100
        shared_fakes: Annotated[bool, "reuse D's fake batch for G's update: faster"] = False
        targets: Annotated[LabelSmoothing, "D's targets for the source, for objectives that have any"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.classes = condition.size
        self.prior = latent.Normal(config.latent_dim)
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,), averaged=True),
        }

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def round(self, draw: Draw[PartlyLabelled], step: int) -> Iterator[Move]:
        config, objective, noise = self.config, OBJECTIVES[self.config.objective], self.config.noise
        x, y, unlabelled = draw()  # (B, *shape), (B,), (B, *shape)
        real = noise(unlabelled, step)
        with torch.set_grad_enabled(config.shared_fakes):
            fake = noise(self.generate(self.latents(len(x)), y), step)
        batches = [real, fake.detach()] if x is unlabelled else [real, fake.detach(), noise(x, step)]
        of_real, of_fake, *of_labelled = discriminate_each(self.discriminator, batches)  # (B, K + 1) each
        logits = Logits(self._source(of_real), self._source(of_fake))
        penalties: dict[str, Any] = lazy(
            config.penalties, config.penalty_every, step, self.score, real, fake, self.discriminator
        )
        yield Move(
            "discriminator",
            adversarial=objective.d(*logits, config.targets),
            class_real=config.class_weight * self._class_loss(of_labelled[0] if of_labelled else of_real, y),
            class_fake=config.class_weight * self._class_loss(of_fake, y),
            **penalties,
            logits=logits,
        )
        if not config.shared_fakes:
            if objective.paired:
                x, y, unlabelled = draw()
                real = noise(unlabelled, step)
            fake = noise(self.generate(self.latents(len(x)), y), step)
        # D has moved since it saw these: a pair is compared by one D, the one that G answers to.
        with torch.no_grad():
            real_logits = self.score(real) if objective.paired else None
        of_fake = self.discriminator(fake)
        yield Move(
            "generator",
            adversarial=objective.g(self._source(of_fake), real_logits),
            class_fake=config.g_class_weight * self._class_loss(of_fake, y),
        )

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def classifier(self) -> nn.Module:
        return Classes(self.discriminator, self.classes)

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self._source(self.discriminator(x))

    def _source(self, logits: Tensor) -> Tensor:
        """(B,) the logit of being real, of D's (B, K + 1)."""
        return logits[:, self.classes]

    def _class_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """-E log P(C = y | X): a half of -L_C."""
        return semi_supervised.supervised(logits, y, self.classes)


@recipe(data="digits", batch_size=64, steps=20_000)
def images(data: Spec, config: ACGAN.Config = ACGAN.Config(shared_fakes=True), network: Network = Network()) -> ACGAN:
    """DCGAN's networks for any images: strided convolutions and batch norm, as the paper's."""
    return _convolutional(data, config, network)


_DIGITS_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", start=1500))


@recipe(data="digits", batch_size=64, steps=5_000, average=0.99, sample_every=100, checkpoint_every=500)
def digits(
    data: Spec,
    config: ACGAN.Config = ACGAN.Config(
        g_class_weight=5.0, latent_dim=32, shared_fakes=True, g_optimizer=_DIGITS_ADAM, d_optimizer=_DIGITS_ADAM
    ),
    network: Network = Network(width=16),
) -> ACGAN:
    """Narrow networks and large rates: the digit that is asked for, in about two minutes on one core."""
    return _convolutional(data, config, network)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="moons", batch_size=256, steps=1_600, average=0.99)
def toy(
    data: Spec,
    config: ACGAN.Config = ACGAN.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
) -> ACGAN:
    """Two small perceptrons on points in the plane."""
    generator = mlp.Generator(config.latent_dim + data.classes, data.x.shape, (64,) * 3)
    discriminator = mlp.Discriminator(data.x.shape, (64,) * 3, outputs=data.classes + 1)
    return ACGAN(Generator(generator), discriminator, data.y, config)


def _convolutional(data: Spec, config: ACGAN.Config, network: Network) -> ACGAN:
    latent_dim = config.latent_dim + data.classes
    generator = dcgan.Generator(latent_dim, data.x.shape, network.width, network.generator_norm)
    discriminator = dcgan.Discriminator(data.x.shape, network.width, network.norm, outputs=data.classes + 1)
    return ACGAN(Generator(generator), discriminator, data.y, config)
