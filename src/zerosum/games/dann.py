"""DANN: features by which classes can be told apart and domains cannot; Ganin et al., 2016."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import Domains, Draw
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import non_saturating
from zerosum.modality import Spec
from zerosum.networks.discriminate import frozen_batch_stats
from zerosum.networks.domains import PAPER, Network, Networks, networks
from zerosum.optim import SGD, Adam, Decay, DiscriminatorOptimizer, Optimizer, Ramp
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Classifies


class DANN(Game[Domains], Classifies):
    """A classifier of the source against a discriminator of domains, by features of both; Ganin et al., 2016, eq. 9.

    D learns to tell from features which domain an image is of. The classifier, features and head, learns the classes of
    the source's images, and features by which D fails: lambda times minus D's loss. Both moves are of the same features
    and of the same weights, so that they are the one step that the paper makes by its gradient reversal layer (eq. 13
    to 15; D's own rate has no lambda, as in the paper's experiments). No class of the target is drawn.
    """

    name = "dann"
    adaptation: Tensor  # lambda, as a scalar

    @dataclass(frozen=True)
    class Config(Checked):
        adaptation: Annotated[
            Ramp, "weight of minus D's loss in the classifier's (lambda); an end of 0: the source alone is learnt from"
        ] = Ramp()
        c_optimizer: Annotated[Optimizer, "the classifier's optimiser"] = Adam(1e-3, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-3, (0.9, 0.999))

    def __init__(self, parts: Networks, config: Config = Config()):
        super().__init__()
        self.features, self.head, self.discriminator = parts
        self.config = config
        self.register_buffer("adaptation", torch.zeros(()))

    def players(self) -> dict[str, Player]:
        return {
            "classifier": Player(self.config.c_optimizer, (self.features, self.head), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def scheduled(self, seen: float) -> dict[str, float]:
        return {"adaptation": self.config.adaptation(seen)}

    def advance(self, seen: float) -> None:
        self.adaptation.fill_(self.config.adaptation(seen))

    def round(self, draw: Draw[Domains], step: int) -> Iterator[Move]:
        x, y, target = draw()
        terms: dict[str, Any] = {}
        if self.config.adaptation.end:
            # One batch to batch norm, whose running statistics are then those of what it has learnt from.
            of_x, of_target = self.features(torch.cat([x, target])).split([len(x), len(target)])
            terms["adversarial"] = -self.adaptation * non_saturating.d(*self._judged(of_x, of_target))
        else:
            with torch.no_grad(), frozen_batch_stats(self.features):  # nothing of the target reaches the classifier
                of_target = self.features(target)
            of_x = self.features(x)
        logits = self.head(of_x).float()  # (B, K)
        right = (logits.argmax(1) == y).float()
        yield Move("classifier", supervised=F.cross_entropy(logits, y), **terms, log={"accuracy": right})
        judged = self._judged(of_x.detach(), of_target.detach())
        yield Move("discriminator", adversarial=non_saturating.d(*judged), logits=judged)

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def classifier(self) -> nn.Module:
        return nn.Sequential(self.features, self.head)

    def _judged(self, of_x: Tensor, of_target: Tensor) -> Logits:
        """D's logits of features (B, F) of the source, which it is to call real, and of the target."""
        return Logits(*self.discriminator(torch.cat([of_x, of_target])).flatten().split([len(of_x), len(of_target)]))


def _dann(data: Spec, config: DANN.Config, network: Network) -> DANN:
    if data.classes < 2:
        raise ZerosumError(
            "the source has one class alone, and a classifier tells two or more apart: put each in a sub-folder of "
            "the source"
        )
    return DANN(networks(data.x.shape, data.classes, network), config)


_STEPS, _BATCH = 9_400, 64  # 10 epochs of MNIST
_PAPER_SGD = SGD(0.01, 0.9, Decay("inverse"))


@recipe(data="domains:mnist,mnist-m", batch_size=_BATCH, steps=_STEPS, average=0.0)
def paper(
    data: Spec,
    config: DANN.Config = DANN.Config(Ramp(images=_STEPS * _BATCH), _PAPER_SGD, _PAPER_SGD),
) -> DANN:
    """The paper's plain networks and settings for MNIST and MNIST-M."""
    return _dann(data, config, PAPER)


@recipe(data="domains:mnist,mnist-m", batch_size=_BATCH, steps=_STEPS, average=0.0)
def images(
    data: Spec,
    config: DANN.Config = DANN.Config(Ramp(images=_STEPS * _BATCH)),
    network: Network = Network(),
) -> DANN:
    """With batch norm and dropout, by Adam: for images with classes, and images of another kind."""
    return _dann(data, config, network)
