"""A scene: a state, what an action makes of it, how it is drawn, and where a drawing shows that it is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor

SIDE = 32  # pixels of a frame
KEPT = 7 / 8  # how likely it is that a driver goes on with the action before


class Scene(ABC):
    """States are (N, S) float32, a row a scene; frames are uint8 (N, C, SIDE, SIDE)."""

    axes: int  # numbers of an action, each in [-1, 1], and of a position
    directions: str  # what they mean, in words
    sense: int  # 1 where the position grows under a first number above 0, -1 where it falls

    @abstractmethod
    def begin(self, count: int, generator: Generator) -> Tensor:
        """(count, S) random states."""

    @abstractmethod
    def advanced(self, state: Tensor, action: Tensor) -> Tensor:
        """The state (N, S) one frame later, under actions (N, axes)."""

    @abstractmethod
    def drive(self, state: Tensor, generator: Generator) -> Tensor:
        """(N, axes) new actions of a driver who wanders."""

    @abstractmethod
    def draw(self, state: Tensor) -> Tensor:
        """The frames (N, C, SIDE, SIDE) of states (N, S)."""

    @abstractmethod
    def position(self, frames: Tensor) -> Tensor:
        """(N, axes) in pixels: where the scene is, as frames (N, C, SIDE, SIDE) in [-1, 1] show it."""

    def film(self, state: Tensor, actions: Tensor) -> Tensor:
        """(N, T, C, SIDE, SIDE) from the state (N, S) of the first frame on, under actions (N, T, axes)."""
        frames = []
        for action in actions.unbind(1):
            frames.append(self.draw(state))
            state = self.advanced(state, action)
        return torch.stack(frames, 1)

    def driven(self, state: Tensor, length: int, generator: Generator) -> Tensor:
        """(N, length, axes): what the driver does from a state (N, S) on; he mostly goes on as in the frame before."""
        action, actions = self.drive(state, generator), []
        for _ in range(length):
            kept = torch.rand(len(state), 1, generator=generator) < KEPT
            action = torch.where(kept, action, self.drive(state, generator))
            actions.append(action)
            state = self.advanced(state, action)
        return torch.stack(actions, 1)
