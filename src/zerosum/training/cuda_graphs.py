"""Steps as CUDA graphs: recorded once, then replayed with one launch instead of hundreds.

Small networks keep a GPU waiting for Python. Steps of one phase (`Game.phase`) are the same computation on other
numbers, so one of them is recorded and the others replay it: same kernels, same random numbers, same result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.training.log_keys import Key

Draw = Callable[[], Any]
Logged = list[tuple[Key, Tensor]]  # what a step leaves to log

WARM = 3  # steps of a phase before it is recorded: libraries choose their kernels, optimisers make their slots


@dataclass(frozen=True)
class Recording:
    """One recorded step."""

    graph: torch.cuda.CUDAGraph
    batches: list[Any]  # what it reads, overwritten before each replay
    logged: Logged  # overwritten by each replay, as is
    values: Tensor  # all of them in one row

    def replay(self) -> Logged:
        """Play the step; what it logs is safe from later ones."""
        self.graph.replay()
        parts = self.values.clone().split([value.numel() for _, value in self.logged])
        return [(name, part.view(value.shape)) for (name, value), part in zip(self.logged, parts, strict=True)]


class Recorder:
    """Plays steps on a CUDA device, from a recording where it has one."""

    def __init__(self, device: torch.device):
        self.recordings: dict[Hashable, Recording] = {}
        self.warm: dict[Hashable, list[int]] = {}  # phase: how many batches each step so far has drawn
        self.stream = torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def reset(self) -> None:
        """Drop all recordings: the tensors that they read and write are no longer those in use."""
        self.recordings.clear()
        self.warm.clear()
        self.pool = torch.cuda.graph_pool_handle()  # the old one goes with the last recording in it

    def round(self, phase: Hashable, draw: Draw, play: Callable[[Draw], Logged]) -> Logged:
        """One step of a phase: `play` makes it, drawing its batches from the function that it is given."""
        if phase in self.recordings:
            recording = self.recordings[phase]
            for batch in recording.batches:
                for own, fresh in zip(_tensors(batch), _tensors(draw()), strict=True):
                    own.copy_(fresh)
        elif len(drawn := self.warm.setdefault(phase, [])) < WARM:
            return self._warm_up(drawn, draw, play)
        else:
            recording = self.recordings[phase] = self._record([_copied(draw()) for _ in range(drawn[-1])], play)
        return recording.replay()

    def _warm_up(self, drawn: list[int], draw: Draw, play: Callable[[Draw], Logged]) -> Logged:
        """An ordinary step, on the stream that recordings are made on."""
        count = 0

        def counted() -> Any:
            nonlocal count
            count += 1
            return draw()

        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            logged = play(counted)
        torch.cuda.current_stream().wait_stream(self.stream)
        drawn.append(count)
        return logged

    def _record(self, batches: list[Any], play: Callable[[Draw], Logged]) -> Recording:
        """Record a step on these batches; nothing is computed yet."""
        graph, served = torch.cuda.CUDAGraph(), iter(batches)
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            logged = play(lambda: _alias(next(served)))
            values = torch.cat([value.float().flatten() for _, value in logged])
        return Recording(graph, batches, logged, values)


def _tensors(batch: Any) -> tuple[Tensor, ...]:
    return (batch,) if isinstance(batch, Tensor) else tuple(batch)


def _copied(batch: Any) -> Any:
    return _each(torch.clone, batch)


def _alias(batch: Any) -> Any:
    """The same memory under new tensors, since a step may ask for gradients with respect to its batch."""
    return _each(Tensor.detach, batch)


def _each(make: Callable[[Tensor], Tensor], batch: Any) -> Any:
    """The batch with another tensor in each one's place; what was one tensor stays one."""
    if isinstance(batch, Tensor):
        return make(batch)
    made = {id(tensor): make(tensor) for tensor in batch}
    return type(batch)(*(made[id(tensor)] for tensor in batch))
