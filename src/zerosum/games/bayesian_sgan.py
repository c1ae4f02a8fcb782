"""Bayesian GAN of few labels; Saatchi and Wilson, 2017, section 2.2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.batches import Draw, PartlyLabelled
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move
from zerosum.games.posterior import PosteriorGame
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import non_saturating
from zerosum.losses.feature_matching import feature_matching
from zerosum.modality import Spec
from zerosum.networks import sgan as networks
from zerosum.networks import small
from zerosum.networks.discriminate import discriminate_each, frozen_batch_stats, mixes_batch
from zerosum.networks.heads import Discriminator
from zerosum.networks.posterior import Predictive
from zerosum.networks.sgan import Network
from zerosum.optim import SGHMC, Decay
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Classifies
from zerosum.util import distributed


class BayesianSGAN(PosteriorGame[PartlyLabelled], Classifies):
    """Several generators and discriminators of classes, drawn from their posteriors; Saatchi and Wilson, 2017.

    Terms are minus the logarithm of the posteriors of section 2.2 over N, the number of samples: D's likelihood is that
    unlabelled samples are of a class, fakes of none, and labelled ones of theirs; a label counts as much as N samples
    over the number of labels, as in the authors' code, where the paper counts it once. What is predicted is the mean of
    all discriminators' probabilities.
    """

    name = "bayesian-sgan"
    discriminator: Predictive
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: Annotated[int, Gt(0), "latent dimension (size of z) of each generator"] = 100
        generators: Annotated[int, Gt(0), "samples of the posterior over G's weights"] = 2
        discriminators: Annotated[int, Gt(0), "samples of the posterior over D's weights"] = 4
        prior_std: Annotated[float, Gt(0), "standard deviation of the weights' normal prior"] = 1.0
        unsupervised_weight: Annotated[float, Ge(0), "weight of the adversarial loss, real against fake"] = 1.0
        feature_weight: Annotated[float, Ge(0), "weight in G's loss of how far the means of D's features are apart"] = (
            1.0
        )
        g_optimizer: Annotated[SGHMC, "the generators' sampler"] = SGHMC()
        d_optimizer: Annotated[SGHMC, "the discriminators' sampler"] = SGHMC()

    def __init__(
        self,
        generators: Sequence[nn.Module],
        discriminators: Sequence[Discriminator],
        classes: int,
        config: Config = Config(),
    ):
        """`generators` and `discriminators` are as many as `config` says, each with first weights of its own."""
        super().__init__(generators, Predictive(discriminators), config)
        self.classes = classes

    def round(self, draw: Draw[PartlyLabelled], step: int) -> Iterator[Move]:
        yield self._discriminators_move(draw())
        unlabelled = draw().unlabelled
        fake = self.samples_of_each(len(unlabelled))
        adversarial, matching = [], []
        for member in self._discriminators:
            with frozen_batch_stats(member):
                with torch.no_grad():
                    real_features = member.body(unlabelled)
                features = member.body(fake)
                adversarial.append(non_saturating.g(self._real(member.head(features))))
                own = [distributed.with_common_mean(each) for each in features.chunk(self.config.generators)]
                common = distributed.with_common_mean(real_features)
                matching += [feature_matching(common, each) for each in own]
        yield Move(
            "generator",
            adversarial=self.config.generators * torch.stack(adversarial).mean(),
            features=self.config.generators * self.config.feature_weight * torch.stack(matching).mean(),
            prior=self.minus_log_prior(self.generator, self.config.g_optimizer),
        )

    def _discriminators_move(self, batch: PartlyLabelled) -> Move:
        (x, y, unlabelled), classes = batch, self.classes
        with torch.no_grad():
            fake = self.samples_of_each(len(unlabelled))
        supervised, adversarial, judged = [], [], []
        for member in self._discriminators:
            if mixes_batch(member):
                with torch.no_grad():
                    member(unlabelled)  # what batch norm remembers: fakes are not what is classified
            batches = [unlabelled, fake] if x is unlabelled else [unlabelled, fake, x]
            with frozen_batch_stats(member):
                real_logits, fake_logits, *labelled = discriminate_each(member, batches)  # (B, K) each
            supervised.append(semi_supervised.supervised(labelled[0] if labelled else real_logits, y, classes))
            judged.append(Logits(self._real(real_logits), self._real(fake_logits)))
            adversarial.append(self.config.unsupervised_weight * non_saturating.d(*judged[-1]))
        return Move(
            "discriminator",
            supervised=torch.stack(supervised).sum(),
            adversarial=torch.stack(adversarial).sum(),
            prior=self.minus_log_prior(self.discriminator, self.config.d_optimizer),
            logits=Logits(*(torch.stack(own, 1) for own in zip(*judged, strict=True))),
        )

    def classifier(self) -> nn.Module:
        return self.discriminator

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """How likely x, (B, *shape), is to be real, (B,): the posterior's mean, a mean over all discriminators."""
        return self._real(self.discriminator(x)).sigmoid()

    def _real(self, logits: Tensor) -> Tensor:
        return semi_supervised.real_logit(logits, self.classes)

    @property
    def _discriminators(self) -> list[Discriminator]:
        return list(self.discriminator.members)  # type: ignore[arg-type]


_SGHMC = SGHMC(2e-3, 0.5, adaptive=True, decay=Decay("cosine"))


@recipe(data="digits", batch_size=64, steps=4_000)
def images(
    data: Spec,
    config: BayesianSGAN.Config = BayesianSGAN.Config(g_optimizer=_SGHMC, d_optimizer=_SGHMC),
    network: Network = Network(),
) -> BayesianSGAN:
    """The networks of `sgan/images`, several of each; meant for few labels, --labels 100."""
    if data.classes < 2:
        raise ZerosumError(
            "all labels are of one class, and a classifier tells two or more apart: put each in a sub-folder"
        )
    shape = data.x.shape
    return BayesianSGAN(
        [small.Generator(config.latent_dim, shape) for _ in range(config.generators)],
        [
            networks.convolutional(shape, data.classes, network.width, network.norm)
            for _ in range(config.discriminators)
        ],
        data.classes,
        config,
    )
