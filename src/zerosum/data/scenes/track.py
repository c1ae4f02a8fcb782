"""A track seen from above: a car in the middle of the frame, a road that winds towards it, and steering."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from zerosum.data.scenes.digits import centre
from zerosum.data.scenes.scene import SIDE, Scene

WAVES = ((2.0, 41.0), (3.0, 67.0), (4.0, 113.0))  # of the road's course: height and length in pixels
HALF = 5.0  # pixels from the middle of the road to its edge
BARRIER = 9.0  # pixels from there that the car can come to
CAR = (26, slice(24, 29), slice(14, 18))  # the row that it is at, and the rows and columns that it covers
SEEN = slice(20, 24)  # rows in which the road's position is measured: those before the car
MIDDLE = (SIDE - 1) / 2
BAND = 4  # pixels of a band of grass, and of a dash
GRASS, DARK_GRASS, ROAD, PAINT, RED = (60, 140, 60), (48, 120, 48), (110, 110, 110), (230, 230, 230), (210, 40, 40)
GREEN = (120 - 48) / 255  # how much greener than red and blue the darker grass is
RECENTRE = 0.5  # of a driver's actions: how strongly they lead from the barrier back to the road


class Track(Scene):
    """A state is where the car is across and along, and the phases of the three waves that the road's course adds up.

    The car goes one pixel a frame along, and an action of 1 one pixel to the right; the road then moves to the left.
    """

    axes, directions, sense = 1, "right", -1

    def begin(self, count: int, generator: Generator) -> Tensor:
        phases = 2 * math.pi * torch.rand(count, len(WAVES), generator=generator)
        along = torch.zeros(count, 1)
        offset = BARRIER * (2 * torch.rand(count, 1, generator=generator) - 1)
        return torch.cat([_course(phases, along) + offset, along, phases], 1)

    def advanced(self, state: Tensor, action: Tensor) -> Tensor:
        across, along, phases = state[:, :1] + action, state[:, 1:2] + 1, state[:, 2:]
        road = _course(phases, along)
        return torch.cat([road + (across - road).clamp(-BARRIER, BARRIER), along, phases], 1)

    def drive(self, state: Tensor, generator: Generator) -> Tensor:
        offset = state[:, :1] - _course(state[:, 2:], state[:, 1:2])
        wish = 2 * torch.rand(len(state), self.axes, generator=generator) - 1
        return (wish - RECENTRE * offset / BARRIER).clamp(-1, 1)

    def draw(self, state: Tensor) -> Tensor:
        """Edges between pixels are drawn by how much of a pixel they cover."""
        ahead = state[:, 1:2] + CAR[0] - torch.arange(SIDE)  # (N, SIDE): the place along that each row shows
        road = MIDDLE + _course(state[:, 2:], ahead) - state[:, :1]
        off = (torch.arange(SIDE) - road[..., None]).abs()  # (N, SIDE, SIDE) pixels from the road's middle
        banded = (ahead.div(BAND).floor() % 2 == 0)[..., None]  # (N, SIDE, 1)
        frames = torch.where(banded[:, None], _colour(GRASS), _colour(DARK_GRASS)).expand(-1, -1, -1, SIDE)
        frames = torch.lerp(frames, _colour(ROAD), (HALF + 0.5 - off).clamp(0, 1)[:, None])
        frames = torch.lerp(frames, _colour(PAINT), ((1.0 - off).clamp(0, 1) * banded)[:, None]).contiguous()
        frames[:, :, CAR[1], CAR[2]] = _colour(RED)
        return frames.round().to(torch.uint8)

    def position(self, frames: Tensor) -> Tensor:
        """The middle of the road before the car, from the left: of what is not green; of a meadow the frame's."""
        red, green, blue = (frames[:, :, SEEN].float() / 2).unbind(1)  # (N, rows, SIDE), 0 to 1 apart
        grey = (1 - (green - (red + blue) / 2) / GREEN).clamp(0, 1).sum(1)  # (N, SIDE)
        return torch.where(grey.sum(1) > 0, centre(grey), MIDDLE)[:, None]


def _course(phases: Tensor, along: Tensor) -> Tensor:
    """(N, L) how far to the right the road is at places (N, L) along."""
    waves = zip(WAVES, phases.unbind(1), strict=True)
    parts = [height * torch.sin(2 * math.pi * along / length + phase[:, None]) for (height, length), phase in waves]
    return torch.stack(parts).sum(0)


def _colour(rgb: tuple[int, int, int]) -> Tensor:
    """(3, 1, 1)."""
    return torch.tensor(rgb, dtype=torch.float32).view(3, 1, 1)
