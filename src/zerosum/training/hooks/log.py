"""The one reader of the trainer's values: every so many steps it hands their means to its sinks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from zerosum.training.log_keys import Key
from zerosum.training.trainer import Trainer


class Sink(Protocol):
    def __call__(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        """Take the means of all values up to step `step`, `seconds` of training after its start."""


class Log:
    """Reads every `every` steps, and whenever a checkpoint is due, so that a resumed log equals an unbroken one.

    Raises `Diverged`, from the trainer, where a value is not finite.
    """

    def __init__(self, every: int, checkpoint_every: int, sinks: Sequence[Sink], seconds_before: float = 0.0):
        self.every, self.checkpoint_every, self.sinks = every, checkpoint_every, sinks
        self.began = time.perf_counter() - seconds_before

    def __call__(self, trainer: Trainer) -> None:
        last = trainer.step == trainer.training.steps
        if trainer.step % self.every == 0 or trainer.step % self.checkpoint_every == 0 or last:
            self.flush(trainer)

    def flush(self, trainer: Trainer) -> None:
        """Read now."""
        if values := trainer.pop_metrics():
            seconds = time.perf_counter() - self.began
            for sink in self.sinks:
                sink(trainer.step, seconds, values)
