"""Averaged weights: an exponential moving average (EMA) of the players that samples are drawn with."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from zerosum.game import Game, Player


class Average:
    """A copy of the game in which the averaged players' weights follow exponentially; all else is shared with the game.

    The decay warms up as (1 + n) / (10 + n) after n steps, so that early averages forget the initialisation.
    """

    def __init__(self, game: Game[Any], players: Mapping[str, Player], decay: float):
        self.leader, self.decay, self.rounds = game, decay, 0
        followed = {id(p) for player in players.values() if player.averaged for p in parameters_of(player.modules)}
        self.leaders = {name: p for name, p in game.named_parameters() if id(p) in followed}
        shared = [p for p in game.parameters() if id(p) not in followed] + list(game.buffers())
        self.game = copy.deepcopy(game, {id(tensor): tensor for tensor in shared}).eval()
        named = dict(self.game.named_parameters())
        self.followers = {name: named[name].requires_grad_(False) for name in self.leaders}

    @torch.no_grad()
    def update(self) -> None:
        weight = 1 - min(self.decay, (1 + self.rounds) / (10 + self.rounds))
        if self.followers:
            torch._foreach_lerp_(list(self.followers.values()), list(self.leaders.values()), weight)
        self.rounds += 1

    def sampler(self) -> Game[Any]:
        """The averaged game, sharing the buffers that the game has now: it may have put new ones in their places."""
        for own, its in zip(self.game.modules(), self.leader.modules(), strict=True):
            for name, buffer in its.named_buffers(recurse=False):
                setattr(own, name, buffer)
        return self.game


def parameters_of(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """What an optimiser moves: each parameter once, and none that is frozen."""
    return list(dict.fromkeys(p for module in modules for p in module.parameters() if p.requires_grad))
