"""The distance from samples to the nearest real ones."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.neighbours import k_nearest
from zerosum.metrics.score import Score


def nearest_distance(fake: Tensor, real: Tensor) -> Tensor:
    """(M,) mean squared differences between each fake (M, *shape) and the real sample (N, *shape) nearest to it.

    Common in tutorials. 0 for a copy: it rewards copies and blur. Compare it with the score of held-out real samples.
    ValueError for samples of two shapes.
    """
    if fake.shape[1:] != real.shape[1:] or fake.dim() < 2:
        raise ValueError(f"samples are (M, *shape) and (N, *shape), not {tuple(fake.shape)} and {tuple(real.shape)}")
    fake, real = fake.flatten(1), real.flatten(1)
    return k_nearest(fake, real, 1)[0][:, 0].square() / fake.shape[1]


@dataclass(frozen=True)
class NearestDistance(Metric):
    """Mean squared distance from a fake to the nearest real sample: values in [-1, 1], mean over a sample's values."""

    name = "nearest-distance"
    needs = "samples"
    by_default = False

    def measure(self, context: Context) -> dict[str, Score]:
        distances = nearest_distance(context.fake.x, context.real.x)
        mean, interval = float(distances.mean()), intervals.of_mean(distances, 0.0)
        return {"distance": Score(mean, "none", interval, "Student's t, of the fakes")}
