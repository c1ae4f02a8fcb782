"""What a run would be: its memory, and its duration, from timed steps."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.training.trainer import Trainer, parameters_of
from zerosum.util import rng

FEW, MORE = 2, 8  # samples of two probes: batch norm needs two
QUICK = 1.0  # seconds that a probe of a whole batch may take
SLOW = 0.5  # as a share of a few samples: then it is worth a look at more of them


@dataclass(frozen=True)
class Estimate:
    """An estimate; sizes in bytes, times in seconds."""

    memory: Mapping[str, int]
    round_seconds: float
    total_seconds: float


def estimate(trainer: Trainer) -> Estimate:
    """Play one step to find the activations and another to time it. Do not use the trainer afterwards."""
    kept: dict[int, int] = {}
    largest = 0

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for move in trainer.moves(trainer.stream):
            largest = max(largest, sum(kept.values()))
            trainer.play(move)
            kept.clear()
    seconds = min(_timed(trainer) for _ in range(2))
    weights = sum(p.nbytes for p in trainer.game.parameters())
    slots: list[Any] = [
        slot for o in trainer.optimizers.values() for slots in o.state.values() for slot in slots.values()
    ]
    memory = {
        "weights": weights,
        "gradients": weights,
        "optimisers": sum(slot.nbytes for slot in slots if isinstance(slot, Tensor)),
        "averaged weights": sum(p.nbytes for p in trainer.average.followers.values()) if trainer.average else 0,
        "activations": largest,
    }
    return Estimate(memory, seconds, seconds * trainer.training.steps)


def seconds_per_step(trainer: Trainer) -> float:
    """About how long a step will take, from the gradients of a copy of the game: the trainer stays as it is.

    Where a whole batch would take long, from two small parts of it, as a line through their times.
    """
    batch = trainer.training.batch_size
    few, more = min(FEW, batch), min(MORE, batch)
    _probe(trainer, few)  # libraries choose their kernels
    short = _probe(trainer, few)
    if short * batch / few > SLOW:  # even more samples would take seconds
        long = _probe(trainer, more)
        whole = long + (batch - more) * max(long - short, 0.0) / max(more - few, 1)
        if whole > QUICK:
            return whole
    _probe(trainer, batch)
    return _probe(trainer, batch)


def _probe(trainer: Trainer, samples: int) -> float:
    """Seconds for the gradients of one step with so many samples of a batch."""
    game, state = copy.deepcopy(trainer.game).train(), trainer.stream.state()
    parameters = {name: parameters_of(player.modules) for name, player in game.players().items()}

    def draw() -> Any:
        batch = trainer.stream()
        if isinstance(batch, Tensor):
            return batch[:samples]
        parts = {id(part): part[:samples] for part in batch}  # a part that comes twice stays one, which games notice
        return type(batch)(*(parts[id(part)] for part in batch))

    began = time.perf_counter()
    with rng.fork_rng(trainer.device):
        for move in trainer.moves(draw, game):
            torch.autograd.grad(move.loss, parameters[move.player], allow_unused=True)
    seconds = time.perf_counter() - began
    trainer.stream.restore(state)
    return seconds


def _timed(trainer: Trainer) -> float:
    began = time.perf_counter()
    trainer.round()
    trainer.pop_metrics()  # waits for the device
    return time.perf_counter() - began
