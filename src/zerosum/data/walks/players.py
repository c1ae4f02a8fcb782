"""Two walkers who always take a shortest path, and differ in which: one keeps to the left, the other to the right."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from zerosum.data.walks.board import SIDE, STEPS, Boards

Hand = Literal["left", "right"]
HANDS: tuple[Hand, ...] = get_args(Hand)


def move(boards: Boards, hand: Hand) -> Tensor:
    """(N,) moves: of those on a shortest path, the one that is furthest to this hand of the straight line to the goal.

    Left and right are those of a walker who looks at the goal. A move straight away from it, which is on no side, comes
    last. A board and its mirror image have opposite moves of opposite hands.
    """
    down, across = torch.tensor(STEPS).unbind(1)
    to_goal = (boards.goals // SIDE - boards.walkers // SIDE, boards.goals % SIDE - boards.walkers % SIDE)
    line_down, line_across = (own[:, None] for own in to_goal)
    along = line_down * down + line_across * across  # (N, 4)
    leftwards = line_down * across - line_across * down
    side = leftwards if hand == "left" else -leftwards
    angle = torch.atan2(side.double(), along.double())
    angle = angle.masked_fill((side == 0) & (along < 0), -math.pi)
    return angle.masked_fill(~boards.shortest(), -math.inf).argmax(1)


def crowd(boards: Boards, generator: Generator) -> Tensor:
    """(N,) moves of a crowd, half of whom keep to each side."""
    coins = torch.randint(2, (len(boards),), generator=generator).bool()
    return torch.where(coins, move(boards, "left"), move(boards, "right"))


def differ(boards: Boards) -> Tensor:
    """(N,) bool: where both walkers would not move alike, so that a move has a style."""
    return move(boards, "left") != move(boards, "right")
