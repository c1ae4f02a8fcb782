"""Boards with walls, a goal and a walker: drawn by chance, measured by breadth-first search, and seen as images."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

SIDE = 5  # squares of a side
WALLS = 0.2  # share of the squares that are walls, on average
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))  # of a move, down and across
MOVES = ("up", "right", "down", "left")
FAR = SIDE * SIDE  # more moves than any shortest path has: of walls, and of squares from which there is no way
BASE, PRIME = 31, 1_000_003  # of a hash
CHUNK = 4_000  # boards that are drawn at once, some of which are no good
PLANES = 3  # of an image: walls, walker, goal


@dataclass(frozen=True, eq=False)
class Boards:
    """N boards: where walls, walkers and goals are, and how far it is to the goal from each square."""

    walls: Tensor  # (N, SIDE, SIDE) bool
    walkers: Tensor  # (N,) int64, number of a square: SIDE times its row, plus its column
    goals: Tensor  # (N,) int64
    distances: Tensor  # (N, SIDE * SIDE) int64, moves of a shortest path; FAR where there is none

    def __len__(self) -> int:
        return len(self.walkers)

    def at(self, rows: Tensor | slice) -> Boards:
        """Some of the boards."""
        return Boards(*(getattr(self, field.name)[rows] for field in fields(self)))

    def images(self) -> Tensor:
        """(N, 3, SIDE, SIDE) uint8, as networks see them: walls red, the walker green, the goal blue."""
        planes = [self.walls.flatten(1), *(F.one_hot(place, SIDE * SIDE) for place in (self.walkers, self.goals))]
        return (torch.stack([plane.to(torch.uint8) for plane in planes], 1) * 255).unflatten(2, (SIDE, SIDE))

    def kept_for_testing(self) -> Tensor:
        """(N,) bool: which boards are in no part to learn from; one of ten, by a hash of the board."""
        squares = torch.cat([self.walls.flatten(1).long(), self.walkers[:, None], self.goals[:, None]], 1)
        powers = torch.tensor([pow(BASE, k, PRIME) for k in range(squares.shape[1])])
        return (squares * powers).sum(1) % PRIME % 10 == 0

    def left(self) -> Tensor:
        """(N,) moves of a shortest path from the walker to the goal."""
        return self.distances.gather(1, self.walkers[:, None])[:, 0]

    def ahead(self) -> Tensor:
        """(N, 4) squares that the moves lead to: the walker's own where the border or a wall is in the way."""
        down, across = torch.tensor(STEPS).unbind(1)
        row, column = (self.walkers // SIDE)[:, None] + down, (self.walkers % SIDE)[:, None] + across
        inside = ((row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)).long()
        squares = (row * SIDE + column) * inside + self.walkers[:, None] * (1 - inside)
        walled = self.walls.flatten(1).gather(1, squares)
        return torch.where(walled, self.walkers[:, None], squares)

    def shortest(self) -> Tensor:
        """(N, 4) bool: which moves are the first of a shortest path."""
        return self.distances.gather(1, self.ahead()) == self.left()[:, None] - 1

    def moved(self, moves: Tensor) -> Boards:
        """The boards after moves (N,); a walker who runs into a wall, or has arrived, stays where he is."""
        there = self.ahead().gather(1, moves[:, None])[:, 0]
        return replace(self, walkers=torch.where(self.walkers == self.goals, self.walkers, there))


def distances(walls: Tensor, goals: Tensor) -> Tensor:
    """(N, SIDE * SIDE) int64: from each square the moves of a shortest path to the goal; FAR where there is none.

    Breadth-first, all boards at once: in round k squares are found whose distance is k.

    Args:
        walls: (N, SIDE, SIDE) bool.
        goals: (N,) int64 squares, none of them a wall.
    """
    free = ~walls.flatten(1)
    reached = F.one_hot(goals, SIDE * SIDE).bool()
    found = torch.full(free.shape, FAR).masked_fill(reached, 0)
    for k in range(1, FAR):
        grown = F.pad(reached.unflatten(1, (SIDE, SIDE)), (1, 1, 1, 1))
        near = grown[:, :-2, 1:-1] | grown[:, 2:, 1:-1] | grown[:, 1:-1, :-2] | grown[:, 1:-1, 2:]
        new = near.flatten(1) & free & ~reached
        if not bool(new.any()):
            break
        found[new] = k
        reached = reached | new
    return found


def draw(count: int, generator: Generator, nearest: int = 1, test: bool = False) -> Boards:
    """Boards whose walls, goal and walker are drawn by chance; from each walker a way leads to the goal.

    Args:
        nearest: moves that it is to the goal, at least.
        test: of those that are kept for testing; else of all others.
    """
    parts: list[Boards] = []
    while sum(map(len, parts)) < count:
        walls = torch.rand(CHUNK, SIDE, SIDE, generator=generator) < WALLS
        goals = _one_of(~walls.flatten(1), generator)
        walls = walls.flatten(1).scatter(1, goals[:, None], False).unflatten(1, (SIDE, SIDE))  # if all were walls
        away = distances(walls, goals)
        possible = (away >= nearest) & (away < FAR)
        drawn = Boards(walls, _one_of(possible, generator), goals, away)
        good = possible.any(1) & (drawn.kept_for_testing() == test)
        parts.append(drawn.at(good.nonzero()[:, 0]))
    joined = (torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Boards))
    return Boards(*joined).at(slice(count))


def _one_of(possible: Tensor, generator: Generator) -> Tensor:
    """(N,) for each row of (N, K) bools the place of one that is true, each as likely; any where none is."""
    return (torch.rand(possible.shape, generator=generator) * possible).argmax(1)
