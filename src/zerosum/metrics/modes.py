"""Mode coverage: which modes of a known distribution the samples reach, and how evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.metrics import intervals
from zerosum.metrics.extractors import Extractor, extract
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.util import checks

if TYPE_CHECKING:
    from zerosum.data.points.mixture import Mixture

BATCH = 500  # images at a time


class Coverage(NamedTuple):
    """What samples make of K modes."""

    modes: int  # reached, of K
    high_quality: float  # share of samples that lie at a mode
    divergence: float  # reverse KL (nats): of the samples' histogram over the modes from the true weights


def of_mixture(points: Tensor, mixture: Mixture, within: float = 3.0) -> Coverage:
    """Coverage of a known mixture by points (N, D).

    A point belongs to the nearest mean, and is of high quality within `within` standard deviations of it; one such
    point reaches a mode. The measures of Srivastava et al., 2017 (VEEGAN) and Lin et al., 2018 (PacGAN). The histogram
    counts every point. `ValueError` where there are no points, or they have other
    dimensions than the means or are not finite.
    """
    nearest, good = assign(points, mixture, within)
    modes = len(mixture.weights)
    reached = nearest[good].unique().numel()
    return Coverage(reached, float(good.double().mean()), divergence(nearest, mixture.weights.double().log(), modes))


def assign(points: Tensor, mixture: Mixture, within: float = 3.0) -> tuple[Tensor, Tensor]:
    """The nearest mean of each point (N, D), int64 (N,), and whether it lies within `within` deviations, bool (N,)."""
    if points.dim() != 2 or len(points) == 0 or points.shape[1] != mixture.means.shape[1]:
        raise ValueError(f"points must be (N, {mixture.means.shape[1]}) and not none, not {tuple(points.shape)}")
    if not bool(points.isfinite().all()):
        raise ValueError("the points are not all finite")
    distances = torch.cdist(points.double(), mixture.means.double())  # (N, K)
    distance, nearest = distances.min(1)
    return nearest, distance <= within * mixture.std.double()[nearest]


def divergence(modes: Tensor, log_weights: Tensor, count: int) -> float:
    """KL(q || p) in nats, >= 0, of the histogram q of mode numbers (N,) from `count` weights p: 0 if they agree.

    Args:
        modes: (N,) int64, from 0 to `count` - 1.
        log_weights: (count,), log p.

    Raises:
        ValueError: other shapes, or numbers of no mode.
    """
    checks.whole("N", modes=modes)
    checks.labels("modes", modes, count)
    checks.shapes(str(count), log_weights=log_weights)
    q = modes.bincount(minlength=count).double() / len(modes)
    return max(0.0, float((torch.special.xlogy(q, q) - q * log_weights).sum()))


def divergence_interval(modes: Tensor, log_weights: Tensor, count: int) -> intervals.Interval:
    """Of `divergence`, over other samples of the same N, (N,).

    About the true q, 2 N of it varies as a noncentral chi-squared number of d degrees of freedom, d + 1 the modes
    reached, of which N times the variance of log(q / p) under the samples' q is an observation Y. Its mean is m, its
    variance 4 m - 2 d: the m that lie within the normal quantile of Y solve a quadratic equation, as Wilson's shares
    do.
    """
    q = modes.bincount(minlength=count).double() / len(modes)
    reached = q > 0
    q, ratio = q[reached], q[reached].log() - log_weights[reached]
    freedom = len(q) - 1
    y = len(modes) * float((q * (ratio - (q * ratio).sum()).square()).sum())
    half = intervals.Z * math.sqrt(max(0.0, 4 * y + 4 * intervals.Z**2 - 2 * freedom))
    low, high = (y + 2 * intervals.Z**2 + side for side in (-half, half))
    value = divergence(modes, log_weights, count)
    ends = value + min(0.0, low - y) / (2 * len(modes)), value + max(0.0, high - y) / (2 * len(modes))
    return intervals.within(ends, 0.0)


def of_stacked(images: Tensor, classifier: Extractor) -> Coverage:
    """Coverage of stacked MNIST by images (N, 3, 28, 28) in [-1, 1]: each channel is a digit, 1000 triples are modes.

    Metz et al., 2017 (Unrolled GANs). One image reaches a mode. `high_quality` is the share of images whose three
    channels are each recognised with a probability of at least 0.9. `ValueError` for images of another shape;
    `ZerosumError` where the classifier has no logits of ten classes.
    """
    triples, sure = classify_stacked(images, classifier)
    log_weights = torch.full((1000,), -math.log(1000), dtype=torch.float64)
    return Coverage(triples.unique().numel(), float(sure.double().mean()), divergence(triples, log_weights, 1000))


def classify_stacked(images: Tensor, classifier: Extractor) -> tuple[Tensor, Tensor]:
    """The mode 100 a + 10 b + c of each image (N, 3, 28, 28), int64 (N,), and whether all three are sure, bool (N,)."""
    if images.dim() != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(f"stacked digits are (N, 3, H, W) and not none, not {tuple(images.shape)}")
    channels = images.flatten(0, 1)[:, None]  # (3 N, 1, H, W)
    logits = extract(classifier, channels.split(BATCH)).logits
    if logits is None or logits.shape[1] != 10:
        raise ZerosumError(f"{classifier.name!r} does not classify digits; use the extractor 'digits'")
    sure, digit = logits.double().softmax(1).max(1)
    digits = digit.unflatten(0, (-1, 3))  # (N, 3)
    return digits @ torch.tensor([100, 10, 1]), (sure.unflatten(0, (-1, 3)) >= 0.9).all(1)


@dataclass(frozen=True)
class Modes(Metric):
    """Mode coverage of a known mixture, or of stacked digits; Srivastava et al., 2017, Metz et al., 2017."""

    within: Annotated[float, Gt(0), "standard deviations around a mean that count as its mode"] = 3.0

    name = "modes"
    needs = "samples"
    needs_distinct = False

    def why_not(self, context: Context) -> str:
        stacked = context.fake.shape == (3, 28, 28) and context.fake.extractor.name == "digits"
        if context.mixture is not None or stacked:
            return ""
        return "it needs data whose modes are known: ring, grid, or stacked digits (3x28x28, --extractor digits)"

    def uses_features(self, context: Context) -> bool:
        return context.mixture is None  # digits are recognised

    def warnings(self, context: Context) -> list[str]:
        count = 1000 if context.mixture is None else len(context.mixture.weights)
        if context.fake.count >= 10 * count:
            return []
        return [f"{context.fake.count:,} samples are few for {count:,} modes: rare ones are missed; use {10 * count:,}"]

    def measure(self, context: Context) -> dict[str, Score]:
        if context.mixture is not None:
            numbers, good = assign(context.fake.x, context.mixture, self.within)
            weights, seen = context.mixture.weights.double(), numbers[good]
        else:
            numbers, good = classify_stacked(context.fake.x, context.fake.extractor)
            weights, seen = torch.full((1000,), 1e-3, dtype=torch.float64), numbers
        log_weights, count = weights.log(), len(weights)
        reverse_kl, of_kl = divergence(numbers, log_weights, count), divergence_interval(numbers, log_weights, count)
        share = float(good.double().mean())
        return {
            "modes": Score(float(seen.unique().numel()), "higher", note=f"of {count}; no interval: a count"),
            "high quality": Score(share, "higher", intervals.of_share(share, len(good)), "binomial"),
            "reverse KL": Score(reverse_kl, "lower", of_kl, "noncentral chi-squared, of the histogram"),
        }
