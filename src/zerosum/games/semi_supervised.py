"""What games that learn a classifier from few labels share. Abstract: games are final."""

from __future__ import annotations

from abc import ABC
from typing import Annotated, Any, Protocol

import torch
from annotated_types import Ge
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, PartlyLabelled
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame, TwoOptimizers
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import HARD, LabelSmoothing, non_saturating
from zerosum.losses.feature_matching import DistanceName, feature_matching
from zerosum.networks.discriminate import discriminate_each, frozen_batch_stats, mixes_batch
from zerosum.networks.heads import Classes, Discriminator
from zerosum.networks.sgan import initialise_from_data, weight_normalised
from zerosum.roles import Classifies, Discriminates
from zerosum.techniques.consistency import Consistency, Guesses
from zerosum.util import distributed

InitialImages = Annotated[int, Ge(0), "images of D's data-dependent initialisation, before the first step; 0: none"]


class Options(TwoOptimizers, Protocol):
    """Options of D's move."""

    @property
    def latent_dim(self) -> int: ...
    @property
    def unsupervised_weight(self) -> float: ...
    @property
    def consistency(self) -> Consistency: ...
    @property
    def feature_distance(self) -> DistanceName: ...
    @property
    def initial_images(self) -> int: ...


class SemiSupervised(LatentGame[PartlyLabelled], Discriminates, Classifies, ABC):
    """A generator against a discriminator of classes, whose logits are those of `losses.semi_supervised`."""

    discriminator: Discriminator
    config: Options

    def __init__(self, generator: nn.Module, discriminator: Discriminator, classes: int, config: Options):
        super().__init__()
        self.generator, self.discriminator, self.classes, self.config = generator, discriminator, classes, config
        self.prior = latent.Uniform(config.latent_dim)
        self.guesses = Guesses(classes)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,), averaged=True),
        }

    def check(self) -> None:
        if self.config.initial_images:
            weight_normalised(self.discriminator)

    def classifier(self) -> nn.Module:
        return Classes(self.discriminator, self.classes)

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.real_logit(self.discriminator(x))

    def real_logit(self, logits: Tensor) -> Tensor:
        """(B,) the logit of being real, of D's logits (B, K) or (B, K + 1)."""
        return semi_supervised.real_logit(logits, self.classes)

    def discriminator_move(
        self, batch: PartlyLabelled, targets: LabelSmoothing = HARD, entropy_weight: float = 0.0
    ) -> Move:
        """D's move, on labelled samples, unlabelled ones and fakes; `entropy_weight` adds a term of D's entropy."""
        (x, y, unlabelled), config = batch, self.config  # (B, *shape), (B,), (B, *shape)
        with torch.no_grad():
            fake = self.generate(self.latents(len(unlabelled)))
        guesses = self._guessed_from(unlabelled)
        batches = [unlabelled, fake] if x is unlabelled else [unlabelled, fake, x]
        with frozen_batch_stats(self.discriminator):
            views = [config.consistency.view(batch) for batch in batches]
            real_logits, fake_logits, *labelled = discriminate_each(self.discriminator, views)  # (B, K) or (B, K + 1)
        logits = Logits(self.real_logit(real_logits), self.real_logit(fake_logits))  # (B,) each
        terms: dict[str, Any] = {
            "supervised": semi_supervised.supervised(labelled[0] if labelled else real_logits, y, self.classes),
            "adversarial": config.unsupervised_weight * non_saturating.d(*logits, targets),
        }
        if entropy_weight:
            terms["entropy"] = entropy_weight * semi_supervised.conditional_entropy(real_logits, self.classes)
        if config.consistency.weight:
            loss = self.guesses(guesses, real_logits, config.consistency.confidence)
            terms["consistency"] = config.consistency.weight * loss
        return Move("discriminator", **terms, logits=logits)

    def pretraining_move(self, batch: PartlyLabelled) -> Move:
        """A move of D as a classifier alone, on labelled samples, and on unlabelled ones that it is to agree on."""
        (x, y, unlabelled), config = batch, self.config
        guesses = self._guessed_from(unlabelled)
        batches = [unlabelled] if x is unlabelled else [unlabelled, x]
        with frozen_batch_stats(self.discriminator):
            views = [config.consistency.view(batch) for batch in batches]
            view_logits, *labelled = discriminate_each(self.discriminator, views)
        supervised = semi_supervised.supervised(labelled[0] if labelled else view_logits, y, self.classes)
        terms: dict[str, Any] = {"supervised": supervised}
        if config.consistency.weight:
            loss = self.guesses(guesses, view_logits, config.consistency.confidence)
            terms["consistency"] = config.consistency.weight * loss
        return Move("discriminator", **terms)

    @torch.no_grad()
    def _guessed_from(self, unlabelled: Tensor) -> Tensor | None:
        """D's logits for guesses, and the only pass that batch norm remembers; None where neither needs one.

        Fakes and other views are not what is classified.
        """
        needed = self.config.consistency.weight or mixes_batch(self.discriminator)
        return self.discriminator(unlabelled) if needed else None

    def feature_matching(self, unlabelled: Tensor, features: Tensor) -> Tensor:
        """G's loss: from the mean of D's features of unlabelled samples, (B, *shape), to that of fakes', (B, F)."""
        with torch.no_grad():
            real = self.discriminator.body(self.config.consistency.view(unlabelled))
        real, features = map(distributed.with_common_mean, (real, features))
        return feature_matching(real, features, self.config.feature_distance)

    def initialise(self, draw: Draw[PartlyLabelled], step: int) -> None:
        """Before the first step, D's first scales and biases from `initial_images` unlabelled samples, if any."""
        if self.begins(step):
            batches = [distributed.gather(draw().unlabelled)]
            while sum(map(len, batches)) < self.config.initial_images:
                batches.append(distributed.gather(draw().unlabelled))
            initialise_from_data(self.discriminator, torch.cat(batches)[: self.config.initial_images])
            distributed.broadcast(self.discriminator)  # whose noise was another in each process

    def begins(self, step: int) -> bool:
        """Whether a round begins with `initialise`."""
        return step == 0 and self.config.initial_images > 0
