"""Behaviour cloning that is stopped early, as Ho and Ermon, 2016, have it beside GAIL."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from zerosum.batches import Draw
from zerosum.data.behaviour.demonstrations import Demonstrations, dataset
from zerosum.data.behaviour.episodes import Policy
from zerosum.game import Game, Move, Player
from zerosum.modality import Behaviour
from zerosum.networks.actor import Actor, log_probability
from zerosum.optim import Adam
from zerosum.studies.training import last_weights, trainer_of
from zerosum.util import rng

LEARNT = 0.7  # of the demonstrated steps; by the others it is stopped; Ho and Ermon, 2016, section 6
BATCH = 128  # steps of a move, of as many as there are
MOVES, EVERY = 2_000, 20


class Cloning(Game[Tensor]):
    """A policy that learns what was demonstrated by maximum likelihood; no GAN."""

    name = "cloning"

    def __init__(self, behaviour: Behaviour):
        super().__init__()
        self.behaviour, self.actor = behaviour, Actor(behaviour)

    def players(self) -> dict[str, Player]:
        return {"clone": Player(Adam(1e-3, (0.9, 0.999)), (self.actor,))}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        yield Move("clone", likelihood=self.unlikely(draw()))

    def unlikely(self, pairs: Tensor) -> Tensor:
        """Minus the mean log likelihood, in nats, of the actions of pairs (B, S + A)."""
        states, actions = pairs.split([self.behaviour.states, self.behaviour.actions], 1)
        return -log_probability(self.actor(states), actions).mean()


def cloned(shown: Demonstrations, seed: int, fraction: float = 1.0) -> Policy:
    """Who clones 70 % of the demonstrated steps, with the weights by which the others are likeliest."""
    order = rng.shuffled(len(shown.pairs), seed)
    learnt, others = (shown.pairs[rows] for rows in order.tensor_split([round(LEARNT * len(order))]))
    if not len(learnt) or not len(others):
        raise ValueError(f"{len(shown.pairs)} demonstrated steps are too few to be stopped by some of them: at least 2")
    kind, data = shown.modality(), dataset("cloned", Demonstrations(shown.places, learnt))
    moves = max(EVERY, round(MOVES * fraction))
    training = last_weights(moves, min(BATCH, len(learnt)), seed, log_every=EVERY, checkpoint_every=moves)
    trainer = trainer_of(lambda spec: Cloning(kind), data, training)
    game, others, best, least = trainer.game, others.to(trainer.device), dict[str, Tensor](), float("inf")
    assert isinstance(game, Cloning)
    while trainer.step < moves:
        trainer.round()
        if trainer.step % EVERY == 0:
            trainer.pop_metrics()  # which says where it has diverged
            with torch.no_grad():
                now = float(game.unlikely(others))
            if now < least:
                least, best = now, copy.deepcopy(game.actor.state_dict())
    game.actor.load_state_dict(best)
    return game.actor.act
