"""Train on synthetic, test on real: do labelled samples teach a classifier what real data does?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.metrics import probe


class Tstr(NamedTuple):
    """Accuracies on the same real test samples, of equal classifiers trained on equally many samples."""

    synthetic: float  # trained on generated samples
    real: float  # trained on real ones: what could be hoped for
    trained_on: int  # samples, of either kind


class LabelledSet(NamedTuple):
    """Samples with their classes."""

    x: Tensor  # uint8 images (N, C, H, W), or points (N, D)
    y: Tensor  # (N,) int64, -1 where unknown


def tstr(
    fake: LabelledSet,
    train: LabelledSet,
    test: LabelledSet,
    *,
    steps: int = 1000,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Tstr:
    """Train a small classifier on generated samples, another on real ones, and test both; Esteban et al., 2017.

    Unlabelled samples are left out; the larger training set is cut to the size of the smaller, at random. All three
    sets number the classes alike.

    Raises:
        ValueError: a set has no labelled samples.
    """
    fake, train, test = (LabelledSet(x[y >= 0], y[y >= 0]) for x, y in (fake, train, test))
    if min(len(fake.y), len(train.y), len(test.y)) == 0:
        raise ValueError("each set needs labelled samples")
    count = min(len(fake.y), len(train.y))
    classes = int(torch.cat([fake.y, train.y, test.y]).max()) + 1
    shape = tuple(test.x.shape[1:])
    scores = []
    for x, y in (fake, train):
        chosen = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))[:count]
        network = probe.fit(
            lambda: probe.for_samples(shape, classes),
            x[chosen],
            y[chosen],
            steps=steps,
            batch_size=64,
            rate=2e-3,
            seed=seed,
            device=device,
        )
        wrong = probe.mistakes(network, test.x, test.y, device)
        scores.append((len(test.y) - wrong) / len(test.y))
    return Tstr(scores[0], scores[1], count)
