"""The one reader of the trainer's values: every so many steps it hands their means to sinks, such as metrics.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zerosum.training.log_keys import Key
from zerosum.training.trainer import Trainer

# Takes (step, seconds of training up to it, the means of all values since the last call).
Sink = Callable[[int, float, Mapping[Key, float]], None]


class Log:
    """Reads every `every` steps, and with each checkpoint, so that a resumed log equals an unbroken one."""

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


class JsonLines:
    """Appends JSON objects to metrics.jsonl, one a line, flushed at once: a killed run loses at most its last."""

    def __init__(self, path: Path):
        self.path = path

    def __call__(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        line: dict[str, float] = {"step": step, "seconds": round(seconds, 3)}
        line |= {str(key): float(f"{value:.6g}") for key, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
