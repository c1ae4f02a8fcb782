"""Pictures of the same latent points as training goes on: the frames of its film."""

from __future__ import annotations

from torch import Tensor

from zerosum.pictures.overview import overview
from zerosum.pictures.png import save
from zerosum.run.loaded import Run
from zerosum.run.record import Record, RunDirectory
from zerosum.run.sampling import SampleRequest
from zerosum.training.trainer import Trainer


class Samples:
    """A picture of `count` samples every `training.sample_every` rounds, and of the first and the last one.

    `real`, (N, D), stands behind generated points.
    """

    def __init__(self, directory: RunDirectory, record: Record, real: Tensor | None, count: int):
        self.directory, self.record, self.real, self.count = directory, record, real, count

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step % trainer.training.sample_every == 0 or trainer.step == trainer.training.steps:
            run = Run(self.directory.path, self.record, trainer.sampler, trainer.step)
            path = self.directory.samples / f"step-{trainer.step:08d}.png"
            save(overview(run, SampleRequest(self.count), self.real), path)
