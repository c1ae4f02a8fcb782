"""Moving digits: one digit in a dark frame, which actions push and walls throw back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from zerosum.data.scenes.scene import SIDE, Scene

DIGIT = 14  # pixels of a digit's box, half of MNIST's
ROOM = SIDE - DIGIT  # that it can move
PUSH, FASTEST = 0.3, 2.0  # pixels a frame that an action of 1 adds to its speed; the most that this is
DARK = 0.2  # of white; below it a pixel counts for nothing in a position


class MovingDigits(Scene):
    """A state is the number of the digit, its box's left and upper edge, and its speed to the right and down.

    Args:
        images: digits, uint8 (M, 1, 28, 28).
    """

    axes, directions, sense = 2, "right and down", 1

    def __init__(self, images: Tensor):
        self.digits = F.avg_pool2d(images.float(), 2)[:, 0]  # (M, DIGIT, DIGIT), 0 to 255

    def begin(self, count: int, generator: Generator) -> Tensor:
        chosen = torch.randint(len(self.digits), (count, 1), generator=generator).float()
        place = ROOM * torch.rand(count, 2, generator=generator)
        speed = FASTEST * (2 * torch.rand(count, 2, generator=generator) - 1)
        return torch.cat([chosen, place, speed], 1)

    def advanced(self, state: Tensor, action: Tensor) -> Tensor:
        chosen, place, speed = state[:, :1], state[:, 1:3], state[:, 3:]
        speed = (speed + PUSH * action).clamp(-FASTEST, FASTEST)
        place = place + speed
        speed = torch.where((place < 0) | (place > ROOM), -speed, speed)
        place = torch.where(place < 0, -place, torch.where(place > ROOM, 2 * ROOM - place, place))
        return torch.cat([chosen, place, speed], 1)

    def drive(self, state: Tensor, generator: Generator) -> Tensor:
        return 2 * torch.rand(len(state), self.axes, generator=generator) - 1

    def draw(self, state: Tensor) -> Tensor:
        """Between pixels a digit is interpolated linearly."""
        across, down = (_places(state[:, column]) for column in (1, 2))  # (N, SIDE, DIGIT) each
        frames = down @ self.digits[state[:, 0].long()] @ across.transpose(1, 2)
        return frames.round().to(torch.uint8)[:, None]

    def position(self, frames: Tensor) -> Tensor:
        """The centre of what is bright, from the left and from above; of a dark frame its centre."""
        weight = (frames.float().mean(1) + 1).div(2).sub(DARK).clamp_min(0)  # (N, SIDE, SIDE)
        whole = weight.sum((1, 2))
        centres = [centre(weight.sum(side)) for side in (1, 2)]
        return torch.where(whole[:, None] > 0, torch.stack(centres, 1), (SIDE - 1) / 2)


def centre(weight: Tensor) -> Tensor:
    """(N,) the mean column of weights (N, W)."""
    columns = torch.arange(weight.shape[1], dtype=weight.dtype, device=weight.device)
    return (weight * columns).sum(1) / weight.sum(1).clamp_min(1e-9)


def _places(edge: Tensor) -> Tensor:
    """(N, SIDE, DIGIT): how much of each pixel of a digit falls on each of the frame, from edges (N,) on."""
    frame, digit = torch.arange(SIDE)[:, None], torch.arange(DIGIT)
    return (1 - (frame - digit - edge[:, None, None]).abs()).clamp_min(0)
