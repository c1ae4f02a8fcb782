"""Classifier two-sample tests: can anything tell the samples from real data?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.metrics import intervals, probe
from zerosum.metrics.metric import Context, Metric, too_few
from zerosum.metrics.neighbours import k_nearest
from zerosum.metrics.score import Score


class ClassifierTest(NamedTuple):
    """The accuracy of a classifier that tells two equally large sets apart."""

    accuracy: float  # 1/2 if the sets are alike; 1 if nothing is
    p_value: float  # of an accuracy at least this high if the sets were alike


class Right(NamedTuple):
    """How many test samples a classifier gets right."""

    real: int
    fake: int
    each: int  # test samples of each side

    @property
    def accuracy(self) -> float:
        return (self.real + self.fake) / (2 * self.each)

    @property
    def interval(self) -> intervals.Interval:
        """Of the accuracy of this classifier, over other test samples."""
        return intervals.of_shares((self.real / self.each, self.fake / self.each), (self.each, self.each))


class NeighbourTest(NamedTuple):
    """Leave-one-out accuracy of the nearest neighbour; each side near 1/2 if the sets are alike."""

    accuracy: float  # below 1/2 samples repeat the reference: their nearest neighbours are of the other set
    real: float  # share of real samples nearest to a real one: low where samples copy them, high where none is near
    fake: float  # share of fakes nearest to a fake: high where samples are off the data, or collapsed


def classifier_test(real: Tensor, fake: Tensor, *, steps: int = 1000, seed: int = 0) -> ClassifierTest:
    """The accuracy of `classified`, and its p-value; C2ST; Lopez-Paz and Oquab, 2017."""
    right = classified(real, fake, steps=steps, seed=seed)
    return ClassifierTest(right.accuracy, p_value(*right))


def classified(real: Tensor, fake: Tensor, *, steps: int = 1000, seed: int = 0) -> Right:
    """Train a small network on half of the features, (N, F) real and (M, F) fake, and test it on the other half.

    The larger set is cut to the size of the smaller; features are scaled to unit deviation. `ValueError` for fewer
    than four rows on a side, or features of different lengths.
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
    right = (probe.predict(trained, (test - mean) / std) == labels).split(len(real) - half)
    on_real, on_fake = (int(side.sum()) for side in right)
    return Right(on_real, on_fake, len(real) - half)


def p_value(on_real: int, on_fake: int, each: int) -> float:
    """The probability of at least this accuracy if the sides were alike: `on_real` and `on_fake` right of `each`.

    If they are, all ways to deal the test samples to the sides are equally likely: of those that the classifier calls
    fake a hypergeometric number is fake (Fisher's exact test). That holds for any number of samples, which the normal
    approximation of the paper does not. ValueError for more right ones than there are.
    """
    if not (0 <= on_real <= each and 0 <= on_fake <= each and each > 0):
        raise ValueError(f"from 0 to {each} of each side can be right, not {on_real} real and {on_fake} fake ones")
    called = each - on_real + on_fake  # fake, by the classifier
    fake = torch.arange(on_fake, min(each, called) + 1, dtype=torch.float64)
    ways = _log_choose(each, fake) + _log_choose(each, called - fake)
    return min(1.0, float((ways.logsumexp(0) - _log_choose(2 * each, torch.tensor(float(called)).double())).exp()))


def _log_choose(n: int, k: Tensor) -> Tensor:
    return math.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)


def neighbour_test(real: Tensor, fake: Tensor) -> NeighbourTest:
    """Is the nearest other point, among (N, F) real and (M, F) fake together, of the same side? Xu et al., 2018.

    The larger set is cut to the size of the smaller. No p-value: neighbours share points, so they are not independent.
    """
    real, fake = _equal(real, fake)
    both = torch.cat([real, fake])
    indices = k_nearest(both, both, 1, exclude_self=True)[1][:, 0]
    own = (indices < len(real)) == (torch.arange(len(both)) < len(real))
    on_real, on_fake = (float(part.double().mean()) for part in own.split(len(real)))
    return NeighbourTest((on_real + on_fake) / 2, on_real, on_fake)


def _equal(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features must be (N, F) and (M, F), not {tuple(real.shape)} and {tuple(fake.shape)}")
    count = min(len(real), len(fake))
    if count < 4:
        raise ValueError(f"a two-sample test needs at least 4 rows of each side, not {count}")
    return real[:count], fake[:count]


@dataclass(frozen=True)
class TwoSample(Metric):
    """Classifier two-sample tests; Lopez-Paz and Oquab, 2017, and by nearest neighbours Xu et al., 2018."""

    steps: Annotated[int, Gt(0), "training steps of the network"] = 1000

    name = "two-sample"
    needs = "features"

    def why_not(self, context: Context) -> str:
        return "" if context.fewest >= 4 else "it needs at least 4 samples of each side"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, 1_000, "a small difference goes unnoticed")

    def measure(self, context: Context) -> dict[str, Score]:
        real, fake = context.real.features, context.fake.features
        right = classified(real, fake, steps=self.steps, seed=context.seed)
        near = neighbour_test(real, fake)
        note = "no interval: neighbours are not independent"
        return {
            "accuracy": Score(right.accuracy, "lower", right.interval, "binomial, of both sides of the test half"),
            "p": Score(p_value(*right), note="no interval: a p-value, exact"),
            "nearest": Score(near.accuracy, note=note),
            "nearest, real": Score(near.real, note=note),
            "nearest, fake": Score(near.fake, note=note),
        }
