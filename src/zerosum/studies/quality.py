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


class Quality:
    """The Fréchet distance of `count` samples to as many images of `dataset`, on the packaged digit network."""

    def __init__(self, dataset: Dataset, count: int, device: torch.device):
        self.extractor, self.count = extractors.find("digits", device), count
        chosen = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[:count]
        self.real = Moments.of(self.extractor(to_float(dataset.x[chosen])).features)

    def __call__(self, trainer: Trainer, labels: Tensor | None = None) -> float:
        """Now, without averaged weights, of samples of these labels, (count,), where the game takes any.

        No random number of the training is touched.
        """
        samples = sample(trainer.game, self.count, labels=labels)
        return frechet(self.real, Moments.of(self.extractor(samples).features))
