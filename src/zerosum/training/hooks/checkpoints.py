"""Checkpoints every so many steps, and at the end; of several processes each calls the hook, and the first writes."""

from __future__ import annotations

from pathlib import Path

from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng


class Checkpoints:
    """Saves the whole state to `folder`, keeping the newest `training.keep`."""

    def __init__(self, folder: Path):
        self.folder, self.saved = folder, -1

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step % trainer.training.checkpoint_every == 0 or trainer.step == trainer.training.steps:
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Save now, unless this step is saved already; `Diverged` rather than a state that is not finite."""
        if self.saved != trainer.step:
            trainer.assert_finite()
            _, *others = distributed.told_by_all(rng.capture())
            if distributed.rank() == 0:
                checkpoint.save(trainer, self.folder, trainer.training.keep, others)
            self.saved = trainer.step
