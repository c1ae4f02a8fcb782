"""Checkpoints every so many steps, and at the end; of several processes each calls the hook, and the first writes."""

from __future__ import annotations

from pathlib import Path

from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, files


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
            due = self.is_due(trainer.step, trainer)  # where one is, the log is read, too
            own = distributed.told_by_all(checkpoint.own_state(trainer, unread=not due))
            if distributed.rank() == 0:
                keep = trainer.training.keep + len(self.between(trainer)) + (not due)
                checkpoint.save(trainer, self.folder, keep, own)
                if due:
                    self.remove_between(trainer)
            self.saved = trainer.step

    def resume(self, trainer: Trainer) -> bool:
        """Go on from the newest checkpoint, if there is one, and remove what a killed process had no time to remove.

        Of several processes the first says which that is: they need not see the folder at the same instant.
        """
        found = distributed.told(checkpoint.newest(self.folder) if distributed.rank() == 0 else None)
        if found is not None:
            checkpoint.resume(trainer, found)
            if distributed.rank() == 0:
                checkpoint.prune(found, trainer.training.keep + len(self.between(trainer)))
                if self.is_due(trainer.step, trainer):
                    self.remove_between(trainer)
        return found is not None

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
