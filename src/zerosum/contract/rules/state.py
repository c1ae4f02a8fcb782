"""Everything that a training is in, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from zerosum.training.trainer import Trainer
from zerosum.util import rng


def play(trainer: Trainer, rounds: int) -> Trainer:
    trainer.game.train()
    for _ in range(rounds):
        trainer.round()
    return trainer


def state(trainer: Trainer) -> dict[str, Tensor]:
    """Everything that a resumed run needs to have right."""
    average = trainer.average
    tensors: dict[str, Tensor] = {f"game/{k}": v for k, v in trainer.game.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in average.followers.items()} if average else {}
    for player, optimizer in trainer.optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{player}/{number}/{k}": v for k, v in slots.items() if v is not None}
    tensors |= {f"random/{k}": v for k, v in rng.capture().items()}
    tensors |= {f"stream/{k}": torch.as_tensor(v if isinstance(v, Tensor) else v % 2**62) for k, v in _stream(trainer)}
    tensors["step"] = torch.tensor([trainer.step, average.rounds if average else 0])
    return {k: v.detach().clone() for k, v in tensors.items()}


def _stream(trainer: Trainer) -> Iterable[tuple[str, Any]]:
    return trainer.stream.state().items()


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    """The names whose tensors differ, or that only one of both has."""
    return [k for k in {**a, **b} if k not in a or k not in b or not same(a[k], b[k])]


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
