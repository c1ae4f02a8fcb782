"""What a run would be: its memory, and its duration from one timed step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.training.trainer import Trainer


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


def _timed(trainer: Trainer) -> float:
    began = time.perf_counter()
    trainer.round()
    trainer.pop_metrics()  # waits for the device
    return time.perf_counter() - began
