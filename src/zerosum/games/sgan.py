"""Semi-supervised GAN: a discriminator that tells N classes and fakes apart; Odena, 2016; Salimans et al., 2016."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.game import Condition, Draw, Game, Move, Player, Semi, Shape
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import HARD, LabelSmoothing, non_saturating
from zerosum.losses.feature_matching import feature_matching
from zerosum.networks import mlp, small
from zerosum.networks import sgan as networks
from zerosum.networks.discriminate import discriminate_each, frozen_batch_stats, mixes_batch
from zerosum.networks.heads import Classes, Discriminator
from zerosum.networks.sgan import Network
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe
from zerosum.techniques.consistency import Consistency, Guesses


class SGAN(Game[Semi]):
    """Semi-supervised GAN: D tells N classes apart, and fakes from all of them; Salimans et al., 2016, section 5.

    D learns from three inputs: labelled samples, unlabelled ones, and fakes. Its classifier is what it is trained for.
    """

    name = "sgan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        fake_logit: Annotated[
            Literal["implicit", "explicit"], "fakes: a logit fixed at 0, or an output of D's own, the (N + 1)th"
        ] = "implicit"
        generator: Annotated[
            Literal["feature-matching", "non-saturating"],
            "what G does: match the mean of D's last hidden layer, or maximise log p(y <= N | G(z))",
        ] = "feature-matching"
        unsupervised_weight: Annotated[float, Ge(0), "weight of telling real samples from fakes"] = 1.0
        consistency: Annotated[Consistency, "D's agreeing with itself on unlabelled images"] = Consistency()
        targets: Annotated[LabelSmoothing, "D's targets for real and fake"] = HARD
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(3e-3)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(3e-3)

    def __init__(
        self, generator: nn.Module, discriminator: Discriminator, condition: Condition, config: Config = Config()
    ):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.classes = condition.classes()
        self.prior = latent.Uniform(config.latent_dim)
        self.guesses = Guesses(self.classes)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,), averaged=True),
        }

    def round(self, draw: Draw[Semi], step: int) -> Iterator[Move]:
        config = self.config
        x, y, unlabelled = draw()  # (B, *shape), (B,), (B, *shape)
        with torch.no_grad():
            made = self.sample(unlabelled)
            # Guesses, and the only pass that batch norm remembers: fakes and other views are not what is classified.
            needed = config.consistency.weight or mixes_batch(self.discriminator)
            guessed = self.discriminator(unlabelled) if needed else None
        batches = [unlabelled, made] if x is unlabelled else [unlabelled, made, x]
        with frozen_batch_stats(self.discriminator):
            seen = [config.consistency.seen(batch) for batch in batches]
            other, generated, *labelled = discriminate_each(self.discriminator, seen)  # (B, N) or (B, N + 1) each
        real, fake = (
            semi_supervised.real_logit(other, self.classes),
            semi_supervised.real_logit(generated, self.classes),
        )  # (B,)
        terms = {
            "supervised": semi_supervised.supervised(labelled[0] if labelled else other, y, self.classes),
            "adversarial": config.unsupervised_weight * non_saturating.d(real, fake, config.targets),
        }
        if config.consistency.weight:
            disagreement = self.guesses(guessed, other, config.consistency.confidence)
            terms["consistency"] = config.consistency.weight * disagreement
        yield Move("discriminator", **terms, log={"real": real, "fake": fake})
        with frozen_batch_stats(self.discriminator):
            loss = self._generator_loss(draw)
        yield Move("generator", adversarial=loss)

    def _generator_loss(self, draw: Draw[Semi]) -> Tensor:
        unlabelled = draw().unlabelled
        seen = self.config.consistency.seen
        features = self.discriminator.body(seen(self.sample(unlabelled)))
        if self.config.generator == "non-saturating":
            return non_saturating.g(semi_supervised.real_logit(self.discriminator.head(features), self.classes))
        with torch.no_grad():
            wanted = self.discriminator.body(seen(unlabelled))
        return feature_matching(wanted, features)

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def classifier(self) -> nn.Module:
        return Classes(self.discriminator, self.classes)

    def realism(self, samples: Tensor) -> Tensor:
        return semi_supervised.real_logit(self.discriminator(samples), self.classes)

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)


_ADAM = Adam(2e-3, decay=Decay("cosine"))


@recipe(data="digits", batch_size=64, steps=4_000)
def images(
    shape: Shape,
    condition: Condition,
    config: SGAN.Config = SGAN.Config(
        unsupervised_weight=0.5, consistency=Consistency(1.0), g_optimizer=_ADAM, d_optimizer=_ADAM
    ),
    network: Network = Network(),
) -> SGAN:
    """Small convolutional networks, and views of images on which D is to agree with itself: for few labels."""
    discriminator = networks.convolutional(shape, _outputs(condition, config), network.width, network.norm)
    return SGAN(small.Generator(config.latent_dim, shape), discriminator, condition, config)


# Half of each term of the source's loss, as in the authors' code.
@recipe(data="mnist", batch_size=100, steps=180_000, average=0.9999)
def mnist(shape: Shape, condition: Condition, config: SGAN.Config = SGAN.Config(unsupervised_weight=0.5)) -> SGAN:
    """The authors' perceptrons for MNIST, 300 epochs; meant for few labels, --labels 100."""
    config.consistency.check(shape)
    discriminator = networks.paper_discriminator(shape, _outputs(condition, config))
    return SGAN(networks.PaperGenerator(config.latent_dim, shape), discriminator, condition, config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="gaussians:-1,-1/-1,1/1,-1/1,1@0.3", batch_size=256, steps=1_500, average=0.99)
def toy(
    shape: Shape,
    condition: Condition,
    config: SGAN.Config = SGAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM),
) -> SGAN:
    """Two small perceptrons on points in the plane."""
    config.consistency.check(shape)
    discriminator = networks.perceptron(shape, _outputs(condition, config))
    return SGAN(mlp.Generator(config.latent_dim, shape, (64,) * 3), discriminator, condition, config)


def _outputs(condition: Condition, config: SGAN.Config) -> int:
    return condition.classes() + (config.fake_logit == "explicit")
