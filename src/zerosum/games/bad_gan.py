"""Bad GAN; Dai et al., 2017: semi-supervised learning with a generator of what lies between the classes."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, PartlyLabelled
from zerosum.game import Move, Player
from zerosum.games.semi_supervised import InitialImages, SemiSupervised
from zerosum.losses import semi_supervised
from zerosum.losses.feature_matching import FeatureDistance
from zerosum.modality import Spec
from zerosum.networks import sgan as networks
from zerosum.networks import small
from zerosum.networks.discriminate import frozen_batch_stats
from zerosum.networks.heads import Discriminator
from zerosum.networks.pixel_density import PixelDensity
from zerosum.networks.sgan import Network
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.techniques.consistency import Consistency
from zerosum.util import distributed
from zerosum.util.switches import With

_OF_DENSITY = With("density_weight")


class BadGAN(SemiSupervised):
    """A complement generator, whose fakes drive D's borders to where there is no data; Dai et al., 2017.

    The generator matches features, keeps its fakes apart and keeps them out of the data, where a density that is learnt
    first is high. D learns as SGAN's does, and is to be sure of the class of unlabelled samples, too. Distance and
    weights of the defaults are those of the authors' code for SVHN, with the density's for MNIST.

    `density` gives samples (B, *shape) their log-densities (B,). The authors' is a PixelCNN++.
    """

    name = "bad-gan"
    config: Config
    threshold: Tensor

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        unsupervised_weight: Annotated[float, Ge(0), "weight of the adversarial loss, real against fake"] = 0.5
        entropy_weight: Annotated[
            float, Ge(0), "weight of the entropy of D's classes of unlabelled samples; 0: no such term"
        ] = 0.1
        consistency: Annotated[Consistency, "FixMatch on unlabelled images"] = Consistency()
        initial_images: InitialImages = 0
        feature_distance: FeatureDistance = "mean-absolute"
        pull_away_weight: Annotated[float, Ge(0), "pull-away term weight, in place of G's entropy; 0: no such term"] = (
            0.8
        )
        density_weight: Annotated[float, Ge(0), "weight of G's low-density term"] = 1e-4
        density_steps: Annotated[
            int, Gt(0), _OF_DENSITY, "steps in which the density is learnt, before G's term counts"
        ] = 1_000
        density_every: Annotated[int, Gt(0), _OF_DENSITY, "apply G's low-density term in one of N steps"] = 10
        density_random: Annotated[
            bool,
            _OF_DENSITY,
            With("density_every", lambda own: own.density_every > 1),
            "which steps these are is left to chance (the same steps with every seed), else every Nth",
        ] = False
        quantile: Annotated[float, Gt(0), Lt(1), _OF_DENSITY, "share of the data whose density counts as low"] = 0.1
        g_optimizer: GeneratorOptimizer = Adam(1e-3, (0.0, 0.9999))
        d_optimizer: DiscriminatorOptimizer = Adam(3e-3, (0.5, 0.9999))
        density_optimizer: Annotated[Optimizer, _OF_DENSITY, "the density's"] = Adam(2e-3, (0.9, 0.999))

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator,
        density: nn.Module,
        classes: int,
        config: Config = Config(),
    ):
        super().__init__(generator, discriminator, classes, config)
        self.density = density
        self.register_buffer("threshold", torch.zeros(()))  # a moving quantile of the data's log-densities

    def players(self) -> dict[str, Player]:
        return {"density": Player(self.config.density_optimizer, (self.density,)), **super().players()}

    def round(self, draw: Draw[PartlyLabelled], step: int) -> Iterator[Move]:
        self.initialise(draw, step)
        batch = draw()
        if step < self.config.density_steps:
            log_density = self.density(batch.unlabelled)  # (B,)
            low = distributed.gather(log_density.detach().float()).quantile(self.config.quantile)
            self.threshold.copy_(low if step == 0 else torch.lerp(self.threshold, low, 0.05))
            yield Move("density", negative_log_likelihood=-log_density.mean())
        yield self.discriminator_move(batch, entropy_weight=self.config.entropy_weight)
        with frozen_batch_stats(self.discriminator):
            move = self._generator_move(draw().unlabelled, step)
        yield move

    def _generator_move(self, unlabelled: Tensor, step: int) -> Move:
        config, fake = self.config, self.generate(self.latents(len(unlabelled)))
        features = self.discriminator.body(config.consistency.view(fake))  # (B, F)
        terms: dict[str, Any] = {
            "adversarial": self.feature_matching(unlabelled, features),
        }
        if config.pull_away_weight:
            terms["pull_away"] = config.pull_away_weight * semi_supervised.pull_away(features)
        if self._density_counts(step):
            terms["density"] = config.density_weight * semi_supervised.low_density(self.density(fake), self.threshold)
        return Move("generator", **terms)

    def _density_counts(self, step: int) -> bool:
        config = self.config
        if step < config.density_steps or not config.density_weight:
            return False
        # The coin is the step's: the same before and after a resumption, and with every seed of a training.
        return (
            random.Random(step).random() * config.density_every < 1
            if config.density_random
            else (step % config.density_every == 0)
        )

    def phase(self, step: int) -> Hashable | None:
        if step == 0:
            return None  # the threshold begins where the first batch puts it
        return step < self.config.density_steps, self._density_counts(step)


_ADAM = Adam(2e-3, decay=Decay("cosine"))


@recipe(data="digits", batch_size=64, steps=4_000)
def images(
    data: Spec,
    config: BadGAN.Config = BadGAN.Config(consistency=Consistency(1.0), g_optimizer=_ADAM, d_optimizer=_ADAM),
    network: Network = Network(),
) -> BadGAN:
    """Small convolutional networks, and views of images on which D is to agree with itself: for few labels."""
    shape = data.x.shape
    discriminator = networks.convolutional(shape, data.classes, network.width, network.norm)
    generator = small.Generator(config.latent_dim, shape)
    return BadGAN(generator, discriminator, PixelDensity(shape, 8, layers=2), data.classes, config)


# The authors' options for MNIST, where neither an entropy nor the pull-away term is in their code. Their rate is
# min(3 (1 - t), 1) of the first at the share t of the training.
_PAPER_DECAY = Decay("linear", start=120_000)
_PAPER = BadGAN.Config(
    entropy_weight=0.0,
    initial_images=500,
    feature_distance="mean-square",
    pull_away_weight=0.0,
    density_steps=9_001,
    density_random=True,
    g_optimizer=Adam(1e-3, (0.0, 0.9999), decay=_PAPER_DECAY),
    d_optimizer=Adam(3e-3, (0.5, 0.9999), decay=_PAPER_DECAY),
)


@recipe(data="mnist", batch_size=100, steps=180_000, average=0.0)
def mnist(data: Spec, config: BadGAN.Config = _PAPER) -> BadGAN:
    """The authors' perceptrons and options for MNIST, 300 of their 2,000 epochs; meant for few labels, --labels 100."""
    shape = data.x.shape
    discriminator = networks.paper_discriminator(shape, data.classes)
    generator = networks.PaperGenerator(config.latent_dim, shape)
    return BadGAN(generator, discriminator, PixelDensity(shape), data.classes, config)
