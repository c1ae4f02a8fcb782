"""A recipe that diverges now and then, by chance: a run of it is rolled back, and goes on with other noise."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from zerosum.batches import Draw
from zerosum.game import Move
from zerosum.games.gan import GAN
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.recipe import recipe

OFTEN = 0.15  # steps that diverge, of all
CONFIG = GAN.Config(latent_dim=2)
SPARED = 4  # steps from the start on


class Diverging(GAN):
    """A GAN whose generator's loss is infinite in a step of seven."""

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        for move in super().round(draw, step):
            if move.player == "generator" and torch.rand(()) < OFTEN and step >= SPARED:
                yield Move("generator", adversarial=next(iter(move.terms.values())) * float("inf"))
            else:
                yield move


@recipe(data="ring", batch_size=8, steps=30)
def toy(data: Spec, config: GAN.Config = CONFIG) -> Diverging:
    """Two small perceptrons on points in the plane."""
    return Diverging(*mlp.toy_pair(config.latent_dim, data.x.shape), config)
