"""`python -m tests.torture memory`: how much the resident memory of each process grows while a run goes on.

Promised: by at most 1 MB per 10,000 rounds after the first 2,000, on every rank, the monitor, the log, pictures and
checkpoints included.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

import zerosum
from zerosum.training.trainer import Trainer
from zerosum.util import distributed

ALLOWED = 1.0  # MB per 10,000 rounds
FIRST = 2_000  # rounds in which libraries and pools fill
POINTS = 40  # measurements, of which a line is fitted: one alone is off by what the allocator keeps


class Resident:
    """A hook: (rounds, MB) at equal distances after the first rounds."""

    def __init__(self, first: int, every: int):
        self.first, self.every = first, every
        self.measured: list[tuple[int, float]] = []

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step >= self.first and (trainer.step - self.first) % self.every == 0:
            gc.collect()
            self.measured.append((trainer.step, resident()))

    @property
    def growth(self) -> float:
        """MB per 10,000 rounds: the slope of the line through them."""
        steps, sizes = (torch.tensor(values, dtype=torch.float64) for values in zip(*self.measured, strict=True))
        centred = steps - steps.mean()
        return float((centred * sizes).sum() / centred.square().sum()) * 10_000


def resident() -> float:
    """MB of this process that no file holds, in memory or swapped out (Linux).

    What grows is there. Pages of files (libraries, data) come when they are read and go when the kernel wants them.
    """
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(lines[name].split()[0]) * 1024 / 1e6 for name in ("RssAnon", "VmSwap"))


def main(arguments: Sequence[str]) -> int:
    """Under `torchrun`, too: each rank then measures itself, and the first one prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture memory")
    parser.add_argument("--recipe", default="gan/toy")
    parser.add_argument("--rounds", type=int, default=10_000, help="after the first; 10,000")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--batch-size", type=int, default=16)
    given = parser.parse_args(arguments)
    distributed.start()
    hook = Resident(given.first, max(given.rounds // POINTS, 1))
    with tempfile.TemporaryDirectory() as folder:
        zerosum.train(
            given.recipe,
            out=distributed.told(Path(folder)) / "run",
            steps=given.first + given.rounds,
            batch_size=given.batch_size,
            quiet=True,
            hooks=[hook],
        )
        grown = distributed.told_by_all(hook.growth)
    if distributed.rank() == 0:
        print(json.dumps({"recipe": given.recipe, "rounds": given.rounds, "MB per 10,000 rounds, by rank": grown}))
    return int(max(grown) > ALLOWED)
