"""Parzen-window log-likelihood: an isotropic Gaussian around every sample, and how likely points are under them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from zerosum.metrics.neighbours import pairs


def parzen(points: Tensor, samples: Tensor, sigma: float) -> Tensor:
    """(N,) log-likelihoods (nats): log 1/M sum_j N(x; s_j, sigma^2 I) of points (N, D) under samples (M, D).

    In float64; Goodfellow et al., 2014. A density depends on the scale: published numbers have pixels in [0, 1].
    ValueError where shapes do not fit, a value is not finite, or sigma is not above 0.
    """
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma must be above 0 and finite, not {sigma}")
    scale = -0.5 / sigma**2
    sums = [part.squares.mul_(scale).logsumexp(1) for part in pairs(points, samples)]
    normalisation = math.log(len(samples)) + points.shape[1] * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    return torch.cat(sums) - normalisation


def best_sigma(validation: Tensor, samples: Tensor, sigmas: Sequence[float]) -> float:
    """The sigma under which points held out for choosing it, (N, D), have the highest mean log-likelihood."""
    if not sigmas:
        raise ValueError("there is no sigma to choose")
    return max(sigmas, key=lambda sigma: float(parzen(validation, samples, sigma).mean()))
