"""How good a training's samples are, measured inside a study."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.metrics import extractors
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.modality import to_float
from zerosum.run.sampling import sample
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def spread(samples: Tensor, real: Tensor) -> float:
    """How far apart samples (N, *shape) lie on average, over how far real ones (M, *shape) do; 0 where all are equal.

    A study whose anchor is a GAN that fails shows by it how it fails: a Fréchet distance is as large for one image a
    thousand times as for a thousand poor ones.
    """
    of_samples, of_real = (float(torch.pdist(x.flatten(1).double()).mean()) for x in (samples, real))
    return of_samples / of_real


class Quality:
    """The Fréchet distance of `count` samples to as many images of `dataset`, on the packaged digit network."""

    def __init__(self, dataset: Dataset, count: int, device: torch.device):
        self.extractor, self.count = extractors.find("digits", device), count
        chosen = rng.shuffled(len(dataset), 0)[:count]
        self.real = Moments.of(self.extractor(to_float(dataset.x[chosen])).features)

    def __call__(self, trainer: Trainer, labels: Tensor | None = None) -> float:
        """Now, without averaged weights, of samples of these labels, (count,), where the game takes any.

        No random number of the training is touched.
        """
        return self.of(sample(trainer.game, self.count, labels=labels))

    def of(self, samples: Tensor) -> float:
        """The distance of samples (N, C, H, W) in [-1, 1]."""
        return frechet(self.real, Moments.of(self.extractor(samples).features))
