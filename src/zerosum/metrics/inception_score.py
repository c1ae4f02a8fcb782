"""The Inception score: how sure a classifier is of each sample, and how varied its answers are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score


class MeanScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    mean: float
    std: float


def inception_score(probabilities: Tensor, splits: int = 10) -> MeanScore:
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
    return MeanScore(float(scores.mean()), float(scores.std(correction=0)))


def _divergence(p: Tensor) -> Tensor:
    """Mean KL (nats) of the rows (n, K) from their mean."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, p.mean(0))).sum(1).mean()


@dataclass(frozen=True)
class InceptionScore(Metric):
    """The Inception score; Salimans et al., 2016: of the extractor's classes, be they Inception's or digits."""

    splits: Annotated[int, Ge(intervals.FEWEST), "parts whose scores are averaged"] = 10

    name = "inception-score"
    needs = "features"
    needs_distinct = False

    def why_not(self, context: Context) -> str:
        if context.fake.probabilities is None:
            return f"it needs class probabilities, and the extractor {context.fake.extractor.name!r} gives none"
        return "" if context.fake.count >= self.splits else f"it needs at least {self.splits} samples"

    def warnings(self, context: Context) -> list[str]:
        probabilities = context.fake.probabilities
        assert probabilities is not None
        enough = 10 * self.splits * probabilities.shape[1]
        if context.fake.count >= enough:
            return []
        return [f"{context.fake.count:,} samples in {self.splits} splits are few: the score is too low; use {enough:,}"]

    def measure(self, context: Context) -> dict[str, Score]:
        probabilities = context.fake.probabilities
        assert probabilities is not None
        mean, std = inception_score(probabilities, self.splits)
        half = intervals.student(self.splits - 1) * std / math.sqrt(self.splits - 1)
        interval = intervals.within((mean - half, mean + half), 1.0, probabilities.shape[1])
        score = Score(mean, "higher", interval, "from the deviation between splits")
        return {"score": score, "split std": Score(std, note="no interval: a deviation between splits")}
