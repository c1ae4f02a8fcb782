"""Checkpoints every so many steps, and at the end; of several processes each calls the hook, and the first writes."""

from __future__ import annotations

from pathlib import Path

from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, files, rng


class Checkpoints:
    """Saves the whole state to `folder`, keeping the newest `training.keep`.

    One that is saved between, as a run is stopped, is beside these until the next: the others are those of a run that
    was never stopped, and so a run that diverges goes back to the same.
    """

    def __init__(self, folder: Path):
        self.folder, self.saved = folder, -1

    def __call__(self, trainer: Trainer) -> None:
        if self.is_due(trainer.step, trainer):
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Save now, unless this step is saved already; `Diverged` rather than a state that is not finite."""
        if self.saved != trainer.step:
            trainer.assert_finite()
            _, *others = distributed.told_by_all(rng.capture())
            if distributed.rank() == 0:
                due = self.is_due(trainer.step, trainer)
                keep = trainer.training.keep + len(self.between(trainer)) + (not due)
                checkpoint.save(trainer, self.folder, keep, others, not due)  # where one is due, the log is read, too
                if due:
                    self.remove_between(trainer)
            self.saved = trainer.step

    def resume(self, trainer: Trainer) -> bool:
        """Go on from the newest checkpoint, if there is one, and remove what a killed process had no time to remove."""
        if found := checkpoint.find(self.folder):
            checkpoint.resume(trainer, found[-1])
            checkpoint.prune(found[-1], trainer.training.keep + len(self.between(trainer)))
            if self.is_due(trainer.step, trainer):
                self.remove_between(trainer)
        return bool(found)

    def between(self, trainer: Trainer) -> list[Path]:
        """The checkpoints of steps after which none was due."""
        return [p for p in checkpoint.find(self.folder) if not self.is_due(checkpoint.number_of(p), trainer)]

    def remove_between(self, trainer: Trainer) -> None:
        """Remove these."""
        for path in self.between(trainer):
            files.remove(path)

    @staticmethod
    def is_due(step: int, trainer: Trainer) -> bool:
        """Whether a run that is not stopped saves after a step."""
        return step % trainer.training.checkpoint_every == 0 or step == trainer.training.steps
