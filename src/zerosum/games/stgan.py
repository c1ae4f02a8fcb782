"""STGAN: a task done as all do it, in the style of one; Chidambaram and Qi, 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from zerosum.batches import Draw, Styled
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.modality import Spec
from zerosum.networks.boards import Network, Networks, networks
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Classifies


class STGAN(Game[Styled], Classifies):
    """A generator of moves learns a task from a crowd, and D keeps it to a player's style; Chidambaram and Qi, 2017.

    G gives each state a distribution over moves. Its loss is that of the task, the cross-entropy of the crowd's moves,
    and `weight` times -E log D of its own moves; D tells the player's moves from G's. Moves are few, so D judges every
    one of a state at once, and expectations over G's moves are sums, weighted by their probabilities: no move is
    sampled, none is relaxed, and gradients are exact. D compares both in the player's states, so that a board alone
    tells it nothing; G is judged in the crowd's.
    """

    name = "stgan"

    @dataclass(frozen=True)
    class Config(Checked):
        weight: Annotated[
            float, Ge(0), "weight of D's verdict in G's loss; 0: the task alone is learnt, and D only watches"
        ] = 5.0
        g_optimizer: GeneratorOptimizer = Adam(2e-3, (0.9, 0.999), decay=Decay("cosine"))
        d_optimizer: DiscriminatorOptimizer = Adam(2e-3, (0.5, 0.999), decay=Decay("cosine"))

    def __init__(self, parts: Networks, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator = parts
        self.config = config

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Styled], step: int) -> Iterator[Move]:
        x, y, state, move = draw()
        logits = self.generator(x).float()  # (B, K)
        terms: dict[str, Any] = {}
        if self.config.weight:
            style = F.softplus(-self.discriminator(x).float())  # -log D of each move
            terms["adversarial"] = self.config.weight * expected(logits, style)
        right = (logits.argmax(1) == y).float()
        yield Move("generator", supervised=F.cross_entropy(logits, y), **terms, log={"accuracy": right})
        with torch.no_grad():
            own = self.generator(state).float()
        judged = self.discriminator(state).float()  # (B, K)
        real = judged.gather(1, move[:, None])[:, 0]
        loss = F.softplus(-real).mean() + expected(own, F.softplus(judged))
        yield Move("discriminator", adversarial=loss, logits=Logits(real, (own.softmax(1) * judged).sum(1)))

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def classifier(self) -> nn.Module:
        return self.generator


def expected(logits: Tensor, values: Tensor) -> Tensor:
    """The mean over the batch of what values (B, K) of the moves are on average, by logits (B, K) of these."""
    return (logits.softmax(1) * values).sum(1).mean()


@recipe(data="styles:walks,walks-left", batch_size=128, steps=5_000, average=0.998, side=32)
def boards(data: Spec, config: STGAN.Config = STGAN.Config(), network: Network = Network()) -> STGAN:
    """For boards, or other small images, and a class for each move."""
    if data.classes < 2:
        raise ZerosumError(
            "the crowd has one move alone, and a style is a choice among several: give the states of each move a class"
        )
    return STGAN(networks(data.x.shape, data.classes, network), config)
