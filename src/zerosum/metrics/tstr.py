"""Train on synthetic, test on real: do labelled samples teach a classifier what real data does?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.batches import Labelled
from zerosum.metrics import intervals, probe
from zerosum.metrics.metric import Context, Metric, too_few
from zerosum.metrics.score import Score
from zerosum.modality import kind_of_samples
from zerosum.util import rng

if TYPE_CHECKING:
    from zerosum.data.dataset import Dataset


class Accuracies(NamedTuple):
    """Accuracies on the same real test samples, of equal classifiers trained on equally many samples."""

    synthetic: float  # trained on generated samples
    real: float  # trained on real ones: what could be hoped for
    trained_on: int  # samples, of either kind


def tstr(
    fake: Labelled,
    train: Labelled,
    test: Labelled,
    *,
    steps: int = 1000,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Accuracies:
    """Train a small classifier on generated samples, another on real ones, and test both; Esteban et al., 2017.

    Sets are uint8 images (N, C, H, W), or points (N, D), and their classes, (N,) int64. Samples of class -1 are left
    out; the larger training set is cut to the size of the smaller, at random. All three sets number the classes alike.
    `ValueError` where a set has no labelled samples.
    """
    fake, train, test = (Labelled(x[y >= 0], y[y >= 0]) for x, y in (fake, train, test))
    if min(len(fake.y), len(train.y), len(test.y)) == 0:
        raise ValueError("each set needs labelled samples")
    count = min(len(fake.y), len(train.y))
    classes = int(torch.cat([fake.y, train.y, test.y]).max()) + 1
    modality = kind_of_samples(test.x)
    scores = []
    for x, y in (fake, train):
        chosen = rng.shuffled(len(y), seed)[:count]
        network = probe.fit(
            lambda: probe.for_samples(modality, classes),
            x[chosen],
            y[chosen],
            steps=steps,
            batch_size=64,
            rate=2e-3,
            seed=seed,
            device=device,
        )
        wrong = probe.mistakes(network, test.x, test.y, device)
        scores.append((len(test.y) - wrong) / len(test.y))
    return Accuracies(scores[0], scores[1], count)


@dataclass(frozen=True)
class Tstr(Metric):
    """Train on synthetic, test on real; Esteban et al., 2017. "real" is the same with real samples to train on."""

    steps: Annotated[int, Gt(0), "training steps of each classifier, in batches of 64"] = 500

    name = "tstr"
    needs = "samples"
    has_references = False  # it has one of its own

    def why_not(self, context: Context) -> str:
        if context.fake.labels is None:
            return "it needs samples with classes: a class-conditional GAN, or images or arrays with labels"
        if context.data.y is None:
            return f"it needs real data with classes, and {context.data.name} has none"
        if unknown := set(context.classes) - set(context.data.classes):
            return f"{context.data.name} has no class {min(unknown)!r}; it has {', '.join(context.data.classes)}"
        return "" if len(context.data) >= 20 else "it needs at least 20 real samples"

    def held_out(self, context: Context) -> str:
        if context.test is None:
            return f"half of {context.data.name}"
        return f"{len(context.test)} of {context.test.fingerprint}"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, 2_000, "a classifier learns little from them")

    def measure(self, context: Context) -> dict[str, Score]:
        assert context.fake.labels is not None
        train, test = self._real(context)
        numbers = torch.tensor([*map(context.data.classes.index, context.classes), -1])  # the last is for -1
        fake = Labelled(context.fake.stored, numbers[context.fake.labels])
        synthetic, real, count = tstr(fake, train, test, steps=self.steps, seed=context.seed, device=context.device)
        interval = intervals.of_share(synthetic, int((test.y >= 0).sum()))
        note = f"binomial, of the test samples; classifiers trained on {count:,} each"
        return {"accuracy": Score(synthetic, "higher", interval, note, {"real": real})}

    def _real(self, context: Context) -> tuple[Labelled, Labelled]:
        """Real samples to train on, and others to test on."""
        if context.test is not None and context.test.y is not None:
            return _labelled(context.data), _labelled(context.test)
        order = rng.shuffled(len(context.data), context.seed)
        first, second = order.chunk(2)
        return _labelled(context.data, first), _labelled(context.data, second)


def _labelled(data: Dataset, chosen: Tensor | None = None) -> Labelled:
    assert data.y is not None
    return Labelled(data.x, data.y) if chosen is None else Labelled(data.x[chosen], data.y[chosen])
