"""Whole games of a policy on boards, and what they are worth: how it does its task, and in whose style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.data.walks import players
from zerosum.data.walks.board import SIDE, Boards
from zerosum.data.walks.players import Hand

LIMIT = 2 * SIDE * SIDE  # moves of a game, at most
Policy = Callable[[Boards], Tensor]  # boards (N) to moves (N,)


class Games(NamedTuple):
    """N games, of T rounds until the last of them ended."""

    boards: Boards  # as they began
    places: Tensor  # (T + 1, N) squares of the walkers; one that has arrived stays
    moves: Tensor  # (T, N)

    @property
    def played(self) -> Tensor:
        """(T, N) bool: which moves were made before the walker arrived."""
        return self.places[:-1] != self.boards.goals

    @property
    def score(self) -> float:
        """The mean over games of the shortest path's length over that of the walker's, 0 where he does not arrive.

        Success weighted by path length; Anderson et al., 2018, "On evaluation of embodied navigation agents".
        """
        arrived = self.places[-1] == self.boards.goals
        lengths = self.played.sum(0).clamp(min=1)
        return float((arrived * self.boards.left() / lengths).mean())

    @property
    def arrived(self) -> float:
        """The share of the walkers who arrive."""
        return float((self.places[-1] == self.boards.goals).float().mean())

    def style(self, hand: Hand) -> float:
        """Of the squares where both walkers would move differently, the share that are left in this hand's way.

        Each square of a game counts once, as it is first left: a walker who comes back, or is stuck, weighs no more. A
        move that neither would make counts against the hand. NaN where no move has a style.
        """
        own = styled = 0
        seen = torch.zeros(len(self.boards), SIDE * SIDE, dtype=torch.bool)
        for places, moves, played in zip(self.places[:-1], self.moves, self.played, strict=True):
            there = replace(self.boards, walkers=places)
            first = ~seen.gather(1, places[:, None])[:, 0]
            seen.scatter_(1, places[:, None], True)
            counted = played & first & players.differ(there)
            styled += int(counted.sum())
            own += int((counted & (moves == players.move(there, hand))).sum())
        return own / styled if styled else float("nan")


@torch.no_grad()
def play(boards: Boards, policy: Policy, limit: int = LIMIT) -> Games:
    """Play on each board until the walker has arrived, or for `limit` moves."""
    places, moves, now = [boards.walkers], list[Tensor](), boards
    while len(moves) < limit and bool((now.walkers != now.goals).any()):
        moves.append(policy(now))
        now = now.moved(moves[-1])
        places.append(now.walkers)
    empty = torch.empty(0, len(boards), dtype=torch.int64)
    return Games(boards, torch.stack(places), torch.stack(moves) if moves else empty)
