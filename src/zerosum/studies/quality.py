"""How good a training's samples are, measured inside a study."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.metrics import extractors
from zerosum.metrics.extractors import Extractor
from zerosum.metrics.frechet import frechet
from zerosum.metrics.samples import to_float
from zerosum.metrics.statistics import Moments
from zerosum.run.sampling import sample
from zerosum.training.trainer import Trainer


class Quality:
    """The Fréchet distance of `count` samples to as many images of `dataset`, on the packaged digit network."""

    def __init__(self, dataset: Dataset, count: int, device: torch.device):
        self.extractor, self.shape, self.count = extractors.find("digits", device), dataset.shape, count
        chosen = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[:count]
        self.real = _moments(self.extractor, to_float(dataset.x[chosen]))

    def __call__(self, trainer: Trainer) -> float:
        """Now, without averaged weights; no random number of the training is touched."""
        return frechet(self.real, _moments(self.extractor, sample(trainer.game, self.shape, self.count)))


def _moments(extractor: Extractor, x: Tensor) -> Moments:
    rows = extractor(x).features
    moments = Moments(rows.shape[1])
    moments.update(rows)
    return moments
