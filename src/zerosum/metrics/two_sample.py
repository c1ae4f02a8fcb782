"""Classifier two-sample tests: can anything tell the samples from real data?"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.metrics import probe
from zerosum.metrics.neighbours import k_nearest


class TwoSample(NamedTuple):
    """The accuracy of a classifier that tells two equally large sets apart."""

    accuracy: float  # 1/2 if the sets are alike; 1 if nothing is
    p_value: float  # of an accuracy at least this high if the sets were alike


class Neighbour(NamedTuple):
    """Leave-one-out accuracy of the nearest neighbour; each side near 1/2 if the sets are alike."""

    accuracy: float  # below 1/2 samples repeat the reference: their nearest neighbours are of the other set
    real: float  # share of real samples nearest to a real one: low where samples copy them, high where none is near
    fake: float  # share of fakes nearest to a fake: high where samples are off the data, or collapsed


def network(real: Tensor, fake: Tensor, *, steps: int = 1000, seed: int = 0) -> TwoSample:
    """Train a small network on half of the features, (N, F) real and (M, F) fake; its accuracy on the other half.

    C2ST; Lopez-Paz and Oquab, 2017: under equal distributions the accuracy on n test points is about normal with mean
    1/2 and variance 1/(4 n). The larger set is cut to the size of the smaller; features are scaled to unit deviation.

    Raises:
        ValueError: fewer than four rows on a side, or features of different lengths.
    """
    real, fake = _equal(real, fake)
    order = torch.Generator().manual_seed(seed)
    sides = [side[torch.randperm(len(side), generator=order)] for side in (real, fake)]
    half = len(real) // 2
    x = torch.cat([side[:half] for side in sides]).float()
    test = torch.cat([side[half:] for side in sides]).float()
    mean, std = x.mean(0), x.std(0).clamp_min(1e-6)
    y = torch.arange(2).repeat_interleave(half)
    labels = torch.arange(2).repeat_interleave(len(real) - half)
    dim = x.shape[1]
    trained = probe.fit(
        lambda: probe.perceptron(dim, 2), (x - mean) / std, y, steps=steps, batch_size=128, rate=1e-3, seed=seed
    )
    accuracy = float((probe.predict(trained, (test - mean) / std) == labels).double().mean())
    return TwoSample(accuracy, p_value(accuracy, len(labels)))


def p_value(accuracy: float, count: int) -> float:
    """The probability of at least this accuracy on `count` test points under guessing, by the normal approximation."""
    return 0.5 * math.erfc((accuracy - 0.5) * math.sqrt(2 * count))


def neighbour(real: Tensor, fake: Tensor) -> Neighbour:
    """Is the nearest other point, among (N, F) real and (M, F) fake together, of the same side? Xu et al., 2018.

    The larger set is cut to the size of the smaller. No p-value: neighbours share points, so they are not independent.
    """
    real, fake = _equal(real, fake)
    both = torch.cat([real, fake])
    indices = k_nearest(both, both, 1, exclude_self=True)[1][:, 0]
    own = (indices < len(real)) == (torch.arange(len(both)) < len(real))
    on_real, on_fake = (float(part.double().mean()) for part in own.split(len(real)))
    return Neighbour((on_real + on_fake) / 2, on_real, on_fake)


def _equal(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features must be (N, F) and (M, F), not {tuple(real.shape)} and {tuple(fake.shape)}")
    count = min(len(real), len(fake))
    if count < 4:
        raise ValueError(f"a two-sample test needs at least 4 rows of each side, not {count}")
    return real[:count], fake[:count]
