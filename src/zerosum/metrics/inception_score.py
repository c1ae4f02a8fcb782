"""The Inception score: how sure a classifier is of each sample, and how varied its answers are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class InceptionScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    mean: float
    std: float


def inception_score(probabilities: Tensor, splits: int = 10) -> InceptionScore:
    """exp E KL(p(y|x) || p(y)), from 1 to K, of class probabilities (N, K); Salimans et al., 2016.

    Rows are split as they come, into `splits` parts of N/splits rows: the score depends on their number (Barratt and
    Sharma, 2018), and on their order if that goes by class. ValueError where rows are not distributions.
    """
    if probabilities.dim() != 2 or not 1 <= splits <= len(probabilities):
        raise ValueError(f"{splits} splits need at least as many rows (N, K), not {tuple(probabilities.shape)}")
    p = probabilities.double()
    if not bool((p >= 0).all() and ((p.sum(1) - 1).abs() < 1e-3).all()):
        raise ValueError("rows of probabilities must be non-negative and sum to 1")
    n = len(p)
    parts = [p[i * n // splits : (i + 1) * n // splits] for i in range(splits)]
    scores = torch.stack([_divergence(part).exp() for part in parts])
    return InceptionScore(float(scores.mean()), float(scores.std(correction=0)))


def _divergence(p: Tensor) -> Tensor:
    """Mean KL (nats) of the rows (n, K) from their mean."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, p.mean(0))).sum(1).mean()
