"""Good semi-supervised learning requires a bad GAN; Dai et al., 2017: a generator of what lies between the classes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from zerosum import latent
from zerosum.game import Condition, Draw, Game, Move, Player, Semi, Shape
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import non_saturating
from zerosum.losses.feature_matching import feature_matching
from zerosum.networks import sgan as networks
from zerosum.networks import small
from zerosum.networks.discriminate import discriminate_each, frozen_batch_stats, mixes_batch
from zerosum.networks.heads import Classes, Discriminator
from zerosum.networks.pixel_density import PixelDensity
from zerosum.networks.sgan import Network
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe
from zerosum.techniques.consistency import Consistency, Guesses
from zerosum.util import distributed


class BadGAN(Game[Semi]):
    """A complement generator, whose fakes drive D's borders to where there is no data; Dai et al., 2017.

    The generator matches features, keeps its fakes apart and keeps them out of the data, where a density that is learnt
    first is high. D learns as SGAN's does, and is to be sure of the class of unlabelled samples, too.

    `density` gives samples (B, *shape) their log-densities (B,). The authors' is a PixelCNN++.
    """

    name = "bad-gan"

    threshold: Tensor

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        unsupervised_weight: Annotated[float, Ge(0), "weight of telling real samples from fakes"] = 0.5
        entropy_weight: Annotated[float, Ge(0), "weight of the entropy of D's classes of unlabelled samples"] = 1.0
        consistency: Annotated[Consistency, "D's agreeing with itself on unlabelled images"] = Consistency()
        pull_away_weight: Annotated[float, Ge(0), "weight of the fakes' being apart, in place of G's entropy"] = 1.0
        density_weight: Annotated[float, Ge(0), "weight of the fakes' being where the density is low"] = 1e-4
        density_rounds: Annotated[int, Gt(0), "rounds in which the density is learnt, before it counts"] = 1_000
        density_every: Annotated[int, Gt(0), "rounds between those in which it counts"] = 10
        quantile: Annotated[float, Gt(0), Lt(1), "share of the data whose density counts as low"] = 0.1
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(1e-3, (0.0, 0.9999))
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(3e-3, (0.5, 0.9999))
        density_optimizer: Annotated[Optimizer, "the density's"] = Adam(2e-3, (0.9, 0.999))

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator,
        density: nn.Module,
        condition: Condition,
        config: Config = Config(),
    ):
        super().__init__()
        self.generator, self.discriminator, self.density, self.config = generator, discriminator, density, config
        self.classes = condition.classes()
        self.guesses = Guesses(self.classes)
        self.prior = latent.Uniform(config.latent_dim)
        self.register_buffer("threshold", torch.zeros(()))  # a moving quantile of the data's log-densities

    def players(self) -> dict[str, Player]:
        return {
            "density": Player(self.config.density_optimizer, (self.density,)),
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,), averaged=True),
        }

    def round(self, draw: Draw[Semi], step: int) -> Iterator[Move]:
        x, y, unlabelled = draw()  # (B, *shape), (B,), (B, *shape)
        if step < self.config.density_rounds:
            log_density = self.density(unlabelled)  # (B,)
            low = distributed.mean(log_density.detach().float().quantile(self.config.quantile))
            self.threshold.copy_(low if step == 0 else torch.lerp(self.threshold, low, 0.05))
            yield Move("density", negative_log_likelihood=-log_density.mean())
        yield self._of_discriminator(x, y, unlabelled)
        with frozen_batch_stats(self.discriminator):
            move = self._of_generator(draw().unlabelled, step)
        yield move

    def _of_discriminator(self, x: Tensor, y: Tensor, unlabelled: Tensor) -> Move:
        config = self.config
        with torch.no_grad():
            made = self.sample(unlabelled)
            # Guesses, and the only pass that batch norm remembers: fakes and other views are not what is classified.
            needed = config.consistency.weight or mixes_batch(self.discriminator)
            guessed = self.discriminator(unlabelled) if needed else None
        batches = [unlabelled, made] if x is unlabelled else [unlabelled, made, x]
        with frozen_batch_stats(self.discriminator):
            seen = [config.consistency.seen(batch) for batch in batches]
            other, generated, *labelled = discriminate_each(self.discriminator, seen)  # (B, classes) each
        real, fake = (
            semi_supervised.real_logit(other, self.classes),
            semi_supervised.real_logit(generated, self.classes),
        )  # (B,)
        terms = {
            "supervised": semi_supervised.supervised(labelled[0] if labelled else other, y, self.classes),
            "adversarial": config.unsupervised_weight * non_saturating.d(real, fake),
            "entropy": config.entropy_weight * semi_supervised.conditional_entropy(other, self.classes),
        }
        if config.consistency.weight:
            disagreement = self.guesses(guessed, other, config.consistency.confidence)
            terms["consistency"] = config.consistency.weight * disagreement
        return Move("discriminator", **terms, log={"real": real, "fake": fake})

    def _of_generator(self, unlabelled: Tensor, step: int) -> Move:
        config, made = self.config, self.sample(unlabelled)
        features = self.discriminator.body(config.consistency.seen(made))  # (B, F)
        with torch.no_grad():
            wanted = self.discriminator.body(config.consistency.seen(unlabelled))
        terms: dict[str, Any] = {
            "adversarial": feature_matching(wanted, features),
            "pull_away": config.pull_away_weight * semi_supervised.pull_away(features),
        }
        if self._density_counts(step):
            terms["density"] = config.density_weight * semi_supervised.low_density(self.density(made), self.threshold)
        return Move("generator", **terms)

    def _density_counts(self, step: int) -> bool:
        return step >= self.config.density_rounds and step % self.config.density_every == 0

    def phase(self, step: int) -> Hashable | None:
        if step == 0:
            return None  # the threshold begins where the first batch puts it
        return step < self.config.density_rounds, self._density_counts(step)

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
    config: BadGAN.Config = BadGAN.Config(consistency=Consistency(1.0), g_optimizer=_ADAM, d_optimizer=_ADAM),
    network: Network = Network(),
) -> BadGAN:
    """Small convolutional networks, and views of images on which D is to agree with itself: for few labels."""
    discriminator = networks.convolutional(shape, condition.classes(), network.width, network.norm)
    return BadGAN(
        small.Generator(config.latent_dim, shape), discriminator, PixelDensity(shape, 8, layers=2), condition, config
    )


@recipe(data="mnist", batch_size=100, steps=180_000, average=0.9999)
def mnist(shape: Shape, condition: Condition, config: BadGAN.Config = BadGAN.Config()) -> BadGAN:
    """The authors' perceptrons for MNIST; meant for few labels, --labels 100."""
    discriminator = networks.paper_discriminator(shape, condition.classes())
    generator = networks.PaperGenerator(config.latent_dim, shape)
    return BadGAN(generator, discriminator, PixelDensity(shape), condition, config)
