"""Pictures of the same latent points, or of the same sources, as training goes on: the frames of its film."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from zerosum.pictures.png import save
from zerosum.run.directory import RunDirectory
from zerosum.run.loaded import Run
from zerosum.run.record import Record
from zerosum.training.trainer import Trainer


class SamplePictures:
    """A hook: a picture every `training.sample_every` steps, and after the first and the last one.

    Args:
        draw: makes it, of a run as it is now.
    """

    def __init__(self, directory: RunDirectory, record: Record, draw: Callable[[Run], Image.Image]):
        self.directory, self.record, self.draw = directory, record, draw

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step % trainer.training.sample_every == 0 or trainer.step == trainer.training.steps:
            run = Run(self.directory.path, self.record, trainer.sampler, trainer.step)
            save(self.draw(run), self.directory.samples / f"step-{trainer.step:08d}.png")
