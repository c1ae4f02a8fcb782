"""Parzen-window log-likelihood: a Gaussian on every sample, scored on points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_POINTS, _SAMPLES = 1024, 2048  # distances at a time: 8 MB


def parzen(points: Tensor, samples: Tensor, sigma: float) -> Tensor:
    """(N,) log-likelihoods (nats) of points (N, D): log 1/M sum_j N(x; s_j, sigma^2 I) over samples (M, D), float64.

    The test of Goodfellow et al., 2014, sec. 5. ValueError where shapes do not fit or sigma is not above 0.
    """
    if points.dim() != 2 or samples.dim() != 2 or points.shape[1] != samples.shape[1] or len(samples) == 0:
        raise ValueError(f"points and samples must be (N, D), (M, D), not {points.shape}, {samples.shape}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, not {sigma}")
    centre = samples.mean(0)
    x, s = ((t - centre).float() / (sigma * math.sqrt(2)) for t in (points, samples))
    norms = s.square().sum(1)
    parts = []
    for part in x.split(_POINTS):
        logits = [
            torch.addmm(n, part, t.T, beta=-1, alpha=2).logsumexp(1).double()
            for t, n in zip(s.split(_SAMPLES), norms.split(_SAMPLES), strict=True)
        ]
        parts.append(torch.stack(logits).logsumexp(0) - part.double().square().sum(1))
    constant = math.log(len(samples)) + points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))
    return torch.cat(parts) - constant


def best_sigma(validation: Tensor, samples: Tensor, sigmas: Sequence[float]) -> float:
    """The sigma with the highest mean log-likelihood of the validation points (N, D)."""
    if not sigmas:
        raise ValueError("there must be a sigma to choose")
    return max(sigmas, key=lambda sigma: float(parzen(validation, samples, sigma).mean()))
