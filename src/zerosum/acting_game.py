"""What games of a policy share: it acts, and becomes better by rewards, as PPO or TRPO have it. Games are final."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from zerosum.batches import B
from zerosum.data.behaviour import environment
from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import Played, play
from zerosum.game import Game, Move, Player
from zerosum.losses.policy_gradient import advantages, clipped_surrogate, surrogate
from zerosum.networks.actor import Actor, Choice, Critic, divergence, entropy, log_probability
from zerosum.optim import TRPO, Adam, Optimizer, PolicyOptimizer
from zerosum.options import Checked
from zerosum.roles import Acts
from zerosum.util import distributed, rng
from zerosum.util.switches import With

SEEDS = 2**31  # of the beginnings of episodes
SEEN = 10  # of which states are looked at


def _clips(own: PolicyMoves) -> bool:
    return own.optimizer.kind != "trpo"


@dataclass(frozen=True)
class PolicyMoves(Checked):
    """How a policy plays and learns."""

    steps: Annotated[int, Gt(0), "steps in environments, at least, in a round: whole ones of their limit each"] = 5_000
    discount: Annotated[float, Ge(0), Le(1), "of a reward one step later (gamma)"] = 0.995
    lam: Annotated[float, Ge(0), Le(1), "of the advantages (lambda): 0 trusts the values, 1 the rewards"] = 0.97
    entropy: Annotated[float, Ge(0), "weight of the policy's entropy, in nats an action"] = 0.0
    epochs: Annotated[int, Gt(0), "times that a round's steps are learnt from, by TRPO of the values alone"] = 5
    minibatch: Annotated[int, Gt(1), "steps of a move"] = 1_000
    clip: Annotated[
        float, Gt(0), With("optimizer", _clips), "of PPO: by how much more or less likely an action may become"
    ] = 0.2
    optimizer: PolicyOptimizer = TRPO()
    v_optimizer: Annotated[Optimizer, "the values' optimiser"] = Adam(1e-3, (0.9, 0.999))


class ActingGame(Game[B], Acts, ABC):
    """A game with a policy, and values of states.

    A round begins with new episodes, and plays as many steps as the environment's limit, so that nothing of an
    environment outlives a round: a run that was killed goes on exactly.
    """

    actor: Actor
    value: Critic
    moves: PolicyMoves

    def acting_players(self) -> dict[str, Player]:
        """The two that every such game has."""
        return {
            "policy": Player(self.moves.optimizer, (self.actor,), averaged=True),
            "value": Player(self.moves.v_optimizer, (self.value,)),
        }

    @torch.no_grad()
    def collect(self) -> Played:
        """What the policy does in a round, on the game's device."""
        places = self._places
        count = max(1, math.ceil(self.moves.steps / places.limit))
        seed = int(torch.randint(SEEDS, ()))
        return play(places, self.actor.act, count=count, seed=seed, steps=places.limit, device=self._device)

    def behave(self, count: int, seed: int, policy: str = "policy") -> Tensor:
        act = self.policies()[policy]
        with rng.fork_rng(self._device, seed):
            played = play(self._places, act, count=SEEN, seed=seed, device=self._device)
        return _spread(played.pairs, count).cpu()

    @cached_property
    def _places(self) -> Places:
        return environment.of(self.behaviour.environment)

    @property
    def _device(self) -> torch.device:
        return self.actor.standardised.mean.device

    def improve(self, played: Played, rewards: Tensor, after: Tensor | float = 0.0) -> Iterator[Move]:
        """The moves of the policy and of the values, by rewards (T, N) of the steps played.

        Args:
            after: the value of what comes after the end of an episode.
        """
        moves, unit = self.moves, self._unit
        with torch.no_grad():
            values = unit * self.value(played.states.flatten(0, 1)).view(played.states.shape[:2]).float()
            gained = advantages(
                rewards, values, played.terminated, played.ended, discount=moves.discount, lam=moves.lam, after=after
            )
            states, actions = played.states[:-1][played.within], played.actions[played.within]
            worth = (gained + values[:-1])[played.within]
            gained = gained[played.within]
            gained = distributed.standardised(gained)
            then = self.actor(states)
            before = log_probability(then, actions)
        log = {"return": played.returns().mean(), "length": played.lengths().float().mean()}
        if moves.optimizer.kind == "trpo":
            yield self._within_trust(then, states, actions, gained, log)
        # As many in each process, and none of them empty: of two steps in a row one at least is of an episode.
        parts = math.ceil(played.within.numel() / moves.minibatch)
        for _ in range(moves.epochs):
            for rows in torch.randperm(len(states), device=states.device).tensor_split(parts):
                if moves.optimizer.kind != "trpo":
                    own = self.actor(states[rows])
                    log_p = log_probability(own, actions[rows])
                    loss = clipped_surrogate(log_p, before[rows], gained[rows], moves.clip)
                    yield Move("policy", logits=None, log=log, adversarial=loss, **self._entropy(own))
                    log = {}
                foreseen = unit * self.value(states[rows])[:, 0].float()
                yield Move("value", squares=((foreseen - worth[rows]) / unit).square().mean())

    def _within_trust(
        self, then: Choice, states: Tensor, actions: Tensor, gained: Tensor, log: dict[str, Tensor]
    ) -> Move:
        """TRPO's one move, away from what the policy was `then`."""
        before = log_probability(then, actions)

        def of(now: Choice) -> Move:
            loss = surrogate(log_probability(now, actions), before, gained)
            return Move("policy", logits=None, log=log, adversarial=loss, **self._entropy(now))

        def again() -> tuple[Tensor, Tensor]:
            now = self.actor(states)
            return of(now).loss, divergence(then, now).mean()

        return of(self.actor(states)).searched(again)

    def _entropy(self, own: Choice) -> dict[str, Tensor]:
        return {"entropy": -self.moves.entropy * entropy(own).mean()} if self.moves.entropy else {}

    @property
    def _unit(self) -> float:
        """What values are multiples of: steps that count, so that those of rewards about 1 are about 1."""
        return min(1 / max(1 - self.moves.discount, 1e-6), float(self.behaviour.limit))


def _spread(rows: Tensor, count: int) -> Tensor:
    """`count` rows, evenly chosen; of fewer, some come again."""
    return rows[torch.linspace(0, len(rows) - 1, count).round().long()]
