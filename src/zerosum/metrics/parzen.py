"""Parzen-window log-likelihood: an isotropic Gaussian around every sample, and how likely points are under them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, too_few
from zerosum.metrics.neighbours import pairs
from zerosum.metrics.score import Score
from zerosum.modality import Image


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


@dataclass(frozen=True)
class Parzen(Metric):
    """Parzen-window log-likelihood of real images under a Gaussian on each fake; Goodfellow et al., 2014, section 5.

    Pixels lie in [0, 1]. Of the real images a fifth, at most 1,000, choose the width, from 10 values; the others are
    scored. It rewards blur: a score above that of real data is a warning, not a win.
    """

    name = "parzen"
    kind = Image
    needs = "samples"
    by_default = False

    def why_not(self, context: Context) -> str:
        return "" if context.real.count >= 10 else "it needs at least 10 real images"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, 10_000, "the published protocol has 10,000")

    def measure(self, context: Context) -> dict[str, Score]:
        real, fake = ((side.x.flatten(1) + 1) / 2 for side in (context.real, context.fake))
        few = min(1000, len(real) // 5)
        sigma = best_sigma(real[:few], fake, np.logspace(-1, 0, 10).tolist())
        scores = parzen(real[few:], fake, sigma)
        of_points = intervals.of_mean(scores)
        note = f"Student's t, of the {len(scores):,} real images scored under these fakes"
        return {
            "log-likelihood": Score(float(scores.mean()), "higher", of_points, note),
            "sigma": Score(sigma, note="no interval: a setting"),
        }
