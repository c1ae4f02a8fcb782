"""Perceptual path length: how far a sample moves while z moves evenly; Karras et al., 2019, section 4.1."""

from __future__ import annotations

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
    """The perceptual path length: the mean of the lengths (N,) between their 1st and 99th percentile."""
    low = torch.quantile(lengths, TRIM, interpolation="lower")
    high = torch.quantile(lengths, 1 - TRIM, interpolation="higher")
    return float(lengths[(lengths >= low) & (lengths <= high)].mean())


def trimmed_error(lengths: Tensor) -> float:
    """The standard error of `trimmed_mean` (Tukey and McLaughlin, 1963): the deviation with each tail pulled in to its
    percentile, over the share that is kept and the root of the number."""
    low, high = torch.quantile(lengths.double(), torch.tensor([TRIM, 1 - TRIM], dtype=torch.float64))
    return float(lengths.double().clamp(low, high).std()) / ((1 - 2 * TRIM) * len(lengths) ** 0.5)


def score_of(lengths: Tensor) -> Score:
    """Of lengths (N,), with an interval."""
    mean, half = trimmed_mean(lengths), intervals.student(len(lengths) - 1) * trimmed_error(lengths)
    note = "Student's t, of the paths, with their tails at the percentiles"
    return Score(mean, "lower", (mean - half, mean + half), note)


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
    by_default = False
    has_references = False

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
