"""Experts of classic environments, written down: no learning is needed to demonstrate these."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import Policy
from zerosum.data.dataset import DataError

CELLS = 301  # of each number of a state, in which the mountain car's way is found
SWEEPS = 400  # of value iteration: more than the longest way has steps


def find(places: Places) -> Policy:
    """The written expert of an environment, of whatever version; `DataError` where there is none."""
    if not is_known(places):
        raise DataError(f"there is no written expert of {places.environment}, only of {', '.join(EXPERTS)}")
    return EXPERTS[_base(places)]


def is_known(places: Places) -> bool:
    """Whether there is a written expert of an environment."""
    return _base(places) in EXPERTS


def _base(places: Places) -> str:
    return places.environment.rpartition("-v")[0]


def _balance(states: Tensor) -> Tensor:
    """CartPole: push to the side to which the pole falls, or will, and the cart drifts."""
    position, speed, angle, turning = states.unbind(1)
    right = angle + 0.35 * turning + 0.05 * position + 0.1 * speed > 0
    return F.one_hot(right.long(), 2).float()


def _climb(states: Tensor) -> Tensor:
    """MountainCar: the shortest way, found by value iteration."""
    best = _shortest_ways()
    row, column = ((x.round().long()).clamp(0, CELLS - 1) for x in _cells(states[:, 0], states[:, 1]))
    return F.one_hot(best[row, column], 3).float()


def _swing_up(states: Tensor) -> Tensor:
    """Pendulum: pump energy until it stands, then hold it there."""
    upright, sine, turning = states.unbind(1)
    energy = turning.square() / 2 + 15 * (upright - 1)  # of a rod of length and mass 1, g = 10: 0 where it stands still
    pump = torch.where(energy < 0, 2.0, -2.0) * torch.where(turning >= 0, 1.0, -1.0)
    hold = -(10 * torch.atan2(sine, upright) + 2.5 * turning)
    near = (upright > 0.8) & (energy.abs() < 6)
    return torch.where(near, hold, pump)[:, None].clamp(-2, 2)


def _swing(states: Tensor) -> Tensor:
    """Acrobot: push the way the lower link turns, and the upper one does not.

    The weights are the rounded mean of the best of nine generations of twenty, by evolution of their mean return over
    80 episodes that begin by seeds 6000 to 6008.
    """
    upright, sine, lower_upright, lower_sine, turning, lower_turning = states.unbind(1)
    outward = sine * lower_upright + upright * lower_sine  # the sine of both angles together
    right = 0.65 * lower_turning - 0.36 * turning + 0.35 * sine + 0.33 * lower_sine - outward > 0
    return F.one_hot(2 * right.long(), 3).float()


EXPERTS: dict[str, Callable[[Tensor], Tensor]] = {
    "CartPole": _balance,
    "MountainCar": _climb,
    "Acrobot": _swing,
    "Pendulum": _swing_up,
}


def _cells(position: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
    """Where in the grid a state lies, in cells."""
    return (position + 1.2) / 1.8 * (CELLS - 1), (speed + 0.07) / 0.14 * (CELLS - 1)


@cache
def _shortest_ways() -> Tensor:
    """(CELLS, CELLS) the mountain car's best choice by position and speed; Moore, 1990, has its dynamics."""
    position = torch.linspace(-1.2, 0.6, CELLS)[:, None, None]
    speed = torch.linspace(-0.07, 0.07, CELLS)[None, :, None]
    force = torch.tensor([-1.0, 0.0, 1.0])
    after = (speed + 0.001 * force - 0.0025 * torch.cos(3 * position)).clamp(-0.07, 0.07)
    reached = (position + after).clamp(-1.2, 0.6)
    after = torch.where((reached <= -1.2) & (after < 0), 0.0, after)  # the wall on the left
    there = reached >= 0.5
    x, y = _cells(reached, after)
    left, low = (cell.floor().long().clamp(0, CELLS - 2) for cell in (x, y))
    across, up = x - left, y - low
    steps = torch.zeros(CELLS, CELLS)
    for _ in range(SWEEPS):
        of_low = steps[left, low] * (1 - across) + steps[left + 1, low] * across
        of_high = steps[left, low + 1] * (1 - across) + steps[left + 1, low + 1] * across
        ways = 1 + torch.where(there, 0.0, of_low * (1 - up) + of_high * up)
        steps = ways.amin(2)
    return ways.argmin(2)
