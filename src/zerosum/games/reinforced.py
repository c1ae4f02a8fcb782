"""An expert: a policy that learns by the environment's own rewards, to demonstrate to others."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from zerosum.acting_game import ActingGame, PolicyMoves
from zerosum.batches import Draw
from zerosum.data.behaviour.episodes import Policy
from zerosum.game import Move, Player
from zerosum.modality import Behaviour
from zerosum.networks.actor import Actor, Critic


class Reinforced(ActingGame[Tensor]):
    """A policy that learns from the rewards of its environment alone, by TRPO or PPO; no GAN, and nothing is drawn.

    Rewards are divided by their root mean square, so that values begin near the right size.
    """

    name = "reinforced"

    def __init__(self, behaviour: Behaviour, moves: PolicyMoves = PolicyMoves()):
        super().__init__()
        self.behaviour, self.moves = behaviour, moves
        self.actor, self.value = Actor(behaviour), Critic(behaviour, of_pairs=False)

    def players(self) -> dict[str, Player]:
        return self.acting_players()

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        played = self.collect()
        size = played.rewards[played.within].square().mean().sqrt().clamp(min=1e-8)
        yield from self.improve(played, played.rewards / size)

    def policies(self) -> dict[str, Policy]:
        return {"policy": self.actor.act}

    def remark(self) -> str:
        return f"rewards: those of {self.behaviour.environment}"
