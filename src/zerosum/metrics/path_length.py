"""Perceptual path length: how far a sample moves while z moves evenly; Karras et al., 2019, section 4.1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.metrics import intervals
from zerosum.metrics.extractors import Extractor
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.roles import Generates, has_role, in_role
from zerosum.run.sampling import eval_no_grad, from_latents
from zerosum.util import checks

EPSILON = 1e-4  # the step along a path of length 1
TRIM = 0.01  # share of the lengths left out at each end


def path_lengths(
    game: Game[Any],
    extractor: Extractor,
    count: int = 10_000,
    *,
    labels: Tensor | None = None,
    seed: int = 0,
    batch_size: int = 250,
) -> Tensor:
    """(count,) squared speeds of the features, on the CPU: d(G(z(t)), G(z(t + epsilon))) / epsilon^2.

    z(t) runs on the game's own path between two random z, see `latent`; t is uniform in [0, 1], drawn for each path; d
    is the squared Euclidean distance of features scaled to unit length. Whatever else is random in the game is equal at
    both ends of a step. `labels`, (count,), are the classes of the samples, for a game that takes them.

    `ZerosumError` where the extractor rounds images to 8 bits, in which so small a step is lost.
    """
    if extractor.rounds:
        raise ZerosumError(
            f"{extractor.name!r} features see images in 8 bits, too coarse for path lengths; use 'random'"
        )
    generator = torch.Generator().manual_seed(seed)
    prior = in_role(game, Generates).prior
    start, end = (prior.draw(count, generator=generator).double() for _ in range(2))  # (count, dim)
    t = torch.rand(count, generator=generator, dtype=torch.float64).tolist()
    rows = [[prior.interpolate(start[[i]], end[[i]], t[i] + step) for i in range(count)] for step in (0.0, EPSILON)]
    device = next(game.parameters()).device
    both = [torch.cat(part).float().to(device) for part in rows]
    lengths = []
    for i in range(0, count, batch_size):
        chosen = None if labels is None else labels[i : i + batch_size]
        features = []
        for z in both:
            with eval_no_grad(game, seed + i):  # equal other noise at both ends
                samples = from_latents(game, [z[i : i + batch_size]], chosen)
            features.append(F.normalize(extractor(samples).features.double(), dim=1))
        lengths.append((features[0] - features[1]).square().sum(1).cpu() / EPSILON**2)
    return torch.cat(lengths)


def trimmed_mean(lengths: Tensor) -> float:
    """The perceptual path length: the mean of the lengths (N,) between their 1st and 99th percentile.

    ValueError for no lengths, or lengths that are not finite.
    """
    low, high = _ends(lengths)
    return float(lengths[(lengths >= low) & (lengths <= high)].mean())


def score_of(lengths: Tensor) -> Score:
    """The trimmed mean of lengths (N,), with an interval.

    Its standard error is that of the lengths with both tails pulled in to the ends of what is kept, over the share that
    is kept (Tukey and McLaughlin, 1963). Long tails leave it skewed: Student's t is corrected for that by the cubic
    transformation of Hall, 1992 (On the removal of skewness by transformation).
    """
    low, high = _ends(lengths)
    pulled = lengths.double().clamp(low, high)
    kept = int(((lengths >= low) & (lengths <= high)).sum())
    mean, deviation, count = trimmed_mean(lengths), float(pulled.std()), len(lengths)
    if deviation == 0:
        return Score(mean, "lower", (mean, mean), "all lengths are equal")
    skew = float((pulled - pulled.mean()).pow(3).mean()) / deviation**3 / math.sqrt(count)
    t, error = intervals.student(count - 1), deviation * math.sqrt(count) / kept
    interval = intervals.within((mean - error * _unskewed(t, skew), mean - error * _unskewed(-t, skew)), 0.0)
    return Score(mean, "lower", interval, "Student's t, of the paths, corrected for their skewness")


def _unskewed(t: float, skew: float) -> float:
    """The deviation, in standard errors, that Hall's transformation takes to t."""
    if abs(skew) < 1e-6:
        return t
    cube = 1 + skew * (t - skew / 6)
    return 3 / skew * (math.copysign(abs(cube) ** (1 / 3), cube) - 1)


def _ends(lengths: Tensor) -> tuple[float, float]:
    """The shortest and the longest length that are kept."""
    checks.shapes("N", lengths=lengths)
    checks.finite("lengths", lengths)
    low = torch.quantile(lengths, TRIM, interpolation="lower")
    return float(low), float(torch.quantile(lengths, 1 - TRIM, interpolation="higher"))


@dataclass(frozen=True)
class PathLength(Metric):
    """Perceptual path length; Karras et al., 2019: how far samples move, in features, while z moves a little.

    All classes in turn, without truncation. Papers measure distances by LPIPS on VGG-16, here they are those of an
    extractor's features: numbers compare under one extractor only, and never with published ones.
    """

    paths: Annotated[int, Gt(19), "how many"] = 2000

    name = "path-length"
    needs = "none"
    needs_distinct = False
    truncates = False
    by_default = False
    has_references = False
    draws = "paths"

    def each(self, context: Context) -> int:
        assert context.run is not None
        return 56 * in_role(context.run.game, Generates).prior.dim + 1000  # of z, and of a path's own small tensors

    def why_not(self, context: Context) -> str:
        if context.run is None:
            return "it needs a run, whose latent space is walked"
        if not has_role(context.run.game, Generates):
            return f"{context.run.game.name} has no latent space to walk"
        extractor = context.fake.extractor
        return f"{extractor.name} rounds to 8 bits, use --extractor random" if extractor.rounds else ""

    def uses_features(self, context: Context) -> bool:
        return True

    def measure(self, context: Context) -> dict[str, Score]:
        run, fake = context.run, context.fake
        assert run is not None
        labels = run.labels_for(self.paths)
        lengths = path_lengths(run.game, fake.extractor, self.paths, labels=labels, seed=context.seed)
        return {"length": score_of(lengths)}
