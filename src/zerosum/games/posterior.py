"""What games share whose weights are drawn from posteriors; Saatchi and Wilson, 2017. Abstract: games are final."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import B
from zerosum.game import Player
from zerosum.latent_game import LatentGame
from zerosum.networks.posterior import Discriminators, Generators, Predictive
from zerosum.optim import SGHMC
from zerosum.roles import Discriminates


class Options(Protocol):
    """How many samples of each posterior, by which samplers, and the prior."""

    @property
    def latent_dim(self) -> int: ...
    @property
    def generators(self) -> int: ...
    @property
    def discriminators(self) -> int: ...
    @property
    def prior_std(self) -> float: ...
    @property
    def g_optimizer(self) -> SGHMC: ...
    @property
    def d_optimizer(self) -> SGHMC: ...


class PosteriorGame(LatentGame[B], Discriminates, ABC):
    """Several generators against several discriminators, each with first weights of its own."""

    generator: Generators
    config: Options

    def __init__(self, generators: Sequence[nn.Module], discriminator: Discriminators | Predictive, config: Options):
        super().__init__()
        counts = len(generators), len(discriminator.members)
        if counts != (config.generators, config.discriminators):
            raise ValueError(f"{counts[0]} generators, {counts[1]} discriminators do not fit {config}")
        self.generator, self.discriminator, self.config = Generators(generators), discriminator, config
        self.prior = latent.Clustered(config.latent_dim, config.generators)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,)),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def samples_of_each(self, count: int) -> Tensor:
        """`count` samples of each generator, in one tensor."""
        prior, device = latent.Normal(self.config.latent_dim), next(self.parameters()).device
        return torch.cat([member(prior.draw(count, device)) for member in self.generator.members])

    def minus_log_prior(self, networks: nn.Module, sampler: SGHMC) -> Tensor:
        """Up to a constant, and over N: on the scale of a loss that is a mean over the data points."""
        squares = torch.stack([p.square().sum() for p in networks.parameters()]).sum()
        return 1 / sampler.points / (2 * self.config.prior_std**2) * squares
