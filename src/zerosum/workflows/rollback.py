"""After a divergence: back to the last good checkpoint, with half the learning rates and other noise."""

from __future__ import annotations

import math
import shutil

from rich.console import Console

from zerosum.health.monitor import Monitor
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.trainer import Diverged, Trainer
from zerosum.util import distributed, rng


class Recovery:
    """Rolls a run back, `training.retries` times at most; then the divergence stands.

    The learning rates are halved each time, and the factor is kept in the checkpoints, so that a resumed run goes on
    with it. A second divergence before a newer checkpoint was saved goes back to the one before.
    """

    def __init__(self, directory: RunDirectory, saver: Checkpoints, monitor: Monitor | None, console: Console):
        self.directory, self.saver, self.monitor, self.console = directory, saver, monitor, console
        self.last = -1  # the step that was gone back to

    def roll_back(self, trainer: Trainer, error: Diverged) -> None:
        """Put the trainer back, or raise `error` again."""
        self._note(trainer, "diverged", error.what)
        tries, allowed = round(-math.log2(trainer.lr_scale)), trainer.training.retries
        found = checkpoint.find(self.directory.checkpoints)
        if distributed.world_size() > 1 or tries >= allowed or not found:
            raise Diverged(error.step, error.value_name, error.value, tries) from None
        if checkpoint.step_of(found[-1]) == self.last and len(found) > 1:
            shutil.rmtree(found.pop())
        rate = trainer.lr_scale / 2
        checkpoint.resume(trainer, found[-1])
        trainer.pending.clear()
        trainer.lr_scale, self.last, self.saver.saved = rate, trainer.step, -1
        rng.seed(trainer.training.seed + 2 + tries)
        self.saver.save(trainer)  # so that a resumed run has the new rate
        self.directory.forget_after(trainer.step)
        done = f"back to step {trainer.step} with learning rates times {rate:g}, try {tries + 1} of {allowed}"
        self._note(trainer, "rolled back", done)
        self.console.print(f"{error.what}: {done}")

    def _note(self, trainer: Trainer, event: str, detail: str) -> None:
        if self.monitor:
            self.monitor.event(trainer.step, event, detail)
