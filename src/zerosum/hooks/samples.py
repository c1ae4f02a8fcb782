"""Pictures of the same latent points as training goes on: the frames of its film."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from zerosum.files import atomic_path
from zerosum.game import Shape
from zerosum.pictures import picture
from zerosum.sampling import sample
from zerosum.trainer import Trainer


class Samples:
    """A picture in `folder` every `training.sample_every` rounds, and of the first and the last one.

    `labels`, (count,), are what to draw, for a game that takes classes; `real`, (N, D), stands behind generated points.
    """

    def __init__(self, folder: Path, shape: Shape, labels: Tensor | None, real: Tensor | None, count: int):
        self.folder, self.shape, self.labels, self.real, self.count = folder, shape, labels, real, count

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step % trainer.training.sample_every == 0 or trainer.step == trainer.training.steps:
            limit = trainer.training.truncation
            made = sample(trainer.sampler, self.shape, self.count, labels=self.labels, truncation=limit)
            with atomic_path(self.folder / f"step-{trainer.step:08d}.png") as partial:
                picture(made, self.real).save(partial)
