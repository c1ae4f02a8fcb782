"""A game of four players for tests: two generators of one data set, each against a discriminator of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import penalties
from zerosum.losses.adversarial import minimax, non_saturating
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe
from zerosum.roles import Generates


def adam(lr: float) -> Optimizer:
    return Adam(lr, (0.5, 0.99), decay=Decay("linear"))


class TwoPairs(Game[Tensor], Generates):
    """The sign of z's first number chooses which generator makes a sample. The discriminator of a pair can be broken:

    "perfect": it learns fast, without a penalty, against a slow generator that minimises the saturating loss;
    "idle": it hardly learns.
    """

    name = "two-pairs"

    @dataclass(frozen=True)
    class Config:
        fault: Annotated[Literal["none", "perfect", "idle"], "what is wrong with a discriminator"] = "none"
        pair: Annotated[Literal["a", "b"], "in which pair"] = "b"

    def __init__(self, pairs: dict[str, tuple[nn.Module, nn.Module]], prior: latent.Prior, config: Config):
        super().__init__()
        self.config, self.prior = config, prior
        self.generators = nn.ModuleDict({name: generator for name, (generator, _) in pairs.items()})
        self.discriminators = nn.ModuleDict({name: discriminator for name, (_, discriminator) in pairs.items()})

    def players(self) -> dict[str, Player]:
        rates = {"none": (3e-3, 3e-3), "perfect": (1e-5, 1e-2), "idle": (3e-3, 1e-6)}
        players: dict[str, Player] = {}
        for pair in self.generators:
            g_rate, d_rate = rates[self._fault(pair)]
            players[f"g_{pair}"] = Player(adam(g_rate), (self.generators[pair],), averaged=True)
            players[f"d_{pair}"] = Player(adam(d_rate), (self.discriminators[pair],))
        return players

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        for pair, discriminator in self.discriminators.items():
            generator, perfect = self.generators[pair], self._fault(pair) == "perfect"
            for _ in range(3 if perfect else 1):
                real = draw().requires_grad_()
                with torch.no_grad():
                    fake = generator(self._latents(real))
                logits = Logits(*discriminate(discriminator, real, fake))
                regularisers = {} if perfect else {"r1": 0.1 * penalties.zero_centered(logits.real, real)}
                yield Move(f"d_{pair}", objective=non_saturating.d(*logits), **regularisers, logits=logits)
            loss = minimax.g if perfect else non_saturating.g
            yield Move(f"g_{pair}", objective=loss(discriminator(generator(self._latents(real)))))

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        a, b = (generator(z) for generator in self.generators.values())
        return torch.where(z[:, :1] > 0, a, b)

    def _fault(self, pair: str) -> str:
        return self.config.fault if pair == self.config.pair else "none"

    def _latents(self, real: Tensor) -> Tensor:
        return self.prior.draw(len(real), real.device)


@recipe(data="ring", batch_size=256, steps=1_200, average=0.99, precision="fp32")
def ring(data: Spec, config: TwoPairs.Config = TwoPairs.Config()) -> TwoPairs:
    """Perceptrons on points in the plane."""
    prior = latent.Normal(3)
    return TwoPairs({name: mlp.toy_pair(prior.dim, data.x.shape) for name in "ab"}, prior, config)
