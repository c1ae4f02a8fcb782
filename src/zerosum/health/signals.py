"""The vital signs of a GAN in training: cheap numbers about its samples, its discriminator and its gradients.

`Vitals.look` measures them between two rounds without disturbing any random number of the training. `health.py` says
what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.game import Game, Shape
from zerosum.metrics import extractors
from zerosum.metrics.extractors.random import SMALLEST
from zerosum.metrics.frechet import frechet
from zerosum.metrics.ranks import above
from zerosum.metrics.samples import to_float
from zerosum.metrics.statistics import Moments
from zerosum.pictures.neighbours import thumbnails
from zerosum.run.sampling import balanced_labels, default_labels, sample
from zerosum.training.trainer import Trainer

LOOKED = 256  # fakes, and reals that they are held against
KEPT = 4096  # reals among which copies are looked for
COPIED = 128  # fakes that may be copies
MOVED = 64  # fakes of fixed z, whose centre is followed
AXES = 4  # principal axes of the reals along which it is followed
CLASSES = 16  # classes looked at
NEAREST = 3  # neighbours that make a ball

SIGNALS = {
    "frechet": "Fréchet distance of fakes to reals; 1 is that of one average sample, repeated",
    "frechet_real": "the same between two halves of the reals: what is within reach",
    "spread": "variance of the fakes over that of the reals",
    "recall": "share of reals among fakes' neighbours, over the same share for fresh reals",
    "distinct": "distance of a fake to the nearest other fake over the same for reals",
    "copying": "distance of fakes to the nearest training sample over that to the second nearest, over the reals' own",
    "class_spread": "variance within a class of fakes over that of reals, of the median class",
    "class_accuracy": "share of fakes that are of the class asked for",
    "class_accuracy_real": "the same for reals: how well the labels can be told apart",
    "class_chance": "the accuracy that chance may reach (three deviations above its mean)",
    "real_accuracy": "share of real samples with a logit above 0",
    "fake_accuracy": "share of fakes with a logit below 0",
    "separation": "how often D scores a real sample above a fake: 0.5 is a coin, 1 is always",
    "gap": "mean logit of reals minus that of fakes",
    "gap_spread": "the gap in standard deviations of the logits within reals and within fakes",
}


@dataclass(frozen=True)
class Snapshot:
    """What was seen after a round. Signs that the game or its data do not have are left out."""

    step: int
    seconds: float  # of training, up to here
    signs: Mapping[str, float]  # SIGNS, "gradient/PLAYER", "loss/PLAYER", "centre/0" ...


class SignalMeter:
    """Measures a trainer's game against a fixed part of its data.

    Args:
        dataset: what the game is trained on.
        seed: of the choice of that part, and of the noise of every look.
    """

    def __init__(self, dataset: Dataset, seed: int = 0):
        draw = torch.Generator().manual_seed(seed)
        kept = torch.randperm(len(dataset), generator=draw)[:KEPT]
        kept = kept.repeat(-(-2 // len(kept)))  # one sample alone has no variance
        x = dataset.x[kept]
        self.seed, self.shape = seed, dataset.shape
        self.space = _Space(x, draw)
        self.thumbnails = torch.cat([thumbnails(to_float(part)) for part in x.split(LOOKED)])  # (M, P)
        self.copying_real = _copying(self.thumbnails[:COPIED], self.thumbnails, own=True)
        real = self.space.of_data(x[: 2 * LOOKED])  # (N, F)
        self.real = real[:LOOKED]
        self.moments = Moments.of(self.real)
        self.variance = max(float(self.moments.covariance.trace()), 1e-12)
        one, other = real.chunk(2) if len(real) > 2 * NEAREST else (real, real)
        self.frechet_real = frechet(Moments.of(one), Moments.of(other)) / self.variance
        self.recall_real = _recall(self.space.near(one), self.space.near(other))
        self.apart = _apart(self.space.near(self.real))
        self.axes = _axes(self.real)  # (F, AXES)
        self.vectors, self.labels = dataset.conditions, None
        self.chosen: list[int] | None = None  # the classes that are asked for; None: all
        if dataset.y is not None:
            known = (dataset.y >= 0).nonzero()[:, 0]
            if len(known) < len(dataset):
                kept = known[torch.randperm(len(known), generator=draw)[:KEPT]]
            kept = kept[: _sorted_out(dataset.shape)]
            y = dataset.y[kept]
            chosen = _frequent(y, len(dataset.classes))
            if len(chosen) > 1 and bool(torch.isin(y[len(y) // 2 :], chosen).any()):  # else nothing is tested
                features = self.space.of_data(dataset.x[kept])
                self.chosen, self.labels = chosen.tolist(), _Labels(features, y, chosen)

    def look(self, trainer: Trainer, seconds: float) -> Snapshot:
        """Measure now, before the trainer's values are read."""
        return Snapshot(trainer.step, seconds, {**self._of_values(trainer.pending), **self._of_samples(trainer)})

    def _of_samples(self, trainer: Trainer) -> dict[str, float]:
        wanted = self._wanted(trainer.game)
        made = sample(trainer.sampler, self.shape, LOOKED, seed=self.seed, labels=wanted)  # (N, *shape)
        moved = None if wanted is None else wanted[:MOVED]
        followed = sample(trainer.game, self.shape, MOVED, seed=self.seed, labels=moved)
        if not bool(made.isfinite().all() and followed.isfinite().all()):
            return {}
        fake = self.space(made)
        moments = Moments.of(fake)
        centre = (self.space(followed).mean(0) - self.real.mean(0)) @ self.axes
        signs = {
            "frechet": frechet(self.moments, moments) / self.variance,
            "frechet_real": self.frechet_real,
            "spread": float(moments.covariance.trace()) / self.variance,
            "recall": _recall(self.space.near(self.real), self.space.near(fake)) / max(self.recall_real, 1e-6),
            "distinct": _apart(self.space.near(fake)) / self.apart,
            "copying": _copying(thumbnails(made[:COPIED]), self.thumbnails) / self.copying_real,
            **{f"centre/{i}": value for i, value in enumerate(centre.tolist())},
        }
        return signs | (self.labels.signs(fake, wanted) if self.labels and wanted is not None else {})

    def _wanted(self, game: Game[Any]) -> Tensor | None:
        """(LOOKED,) classes, or vectors, (LOOKED, K), that the fakes are asked to have; None for a G of z alone."""
        if game.condition is not None and self.chosen is not None:
            return balanced_labels(LOOKED, 0, self.chosen)
        return default_labels(game.condition, LOOKED, self.vectors)

    def _of_values(self, fresh: Iterable[tuple[int, str, Tensor]]) -> dict[str, float]:
        """Of what the moves since the last read logged."""
        values: dict[str, list[Tensor]] = {}
        for _, name, value in fresh:
            values.setdefault(name, []).append(value)
        signs: dict[str, float] = {}
        for name, kept in values.items():
            player, _, term = name.rpartition("/")
            if term == "gradient_norm":
                signs[f"gradient/{player}"] = float(torch.stack(kept).float().mean())
            elif term == "adversarial":
                signs[f"loss/{player}"] = float(torch.stack(kept).float().mean())
            elif term == "real" and f"{player}/fake" in values:
                real, fake = (torch.cat([v.flatten() for v in values[n]]).float() for n in (name, f"{player}/fake"))
                signs |= _logits(real.cpu(), fake.cpu())
        return {name: value for name, value in signs.items() if math.isfinite(value)}


class _Space:
    """Features in which distributions are compared, fitted to the reals.

    Images go through a network of random weights. Points stay as they are, in units of their deviation; to compare
    more of their distribution than its mean and covariance, waves of several lengths join them.
    """

    def __init__(self, x: Tensor, draw: torch.Generator):
        self.image = x.dim() == 4
        if self.image:
            self.extractor = extractors.find("random")
        else:
            self.centre, self.scale = x.mean(0), x.std(0).clamp_min(1e-6)
            lengths = torch.tensor([1.0, 0.5, 0.25, 0.125]).repeat_interleave(16)
            self.waves = torch.randn(x.shape[1], 64, generator=draw) / lengths
            self.phases = 2 * math.pi * torch.rand(64, generator=draw)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, *shape) to (N, F)."""
        if self.image:
            x = x[:, : 3 if x.shape[1] > 2 else 1]
            small = min(x.shape[2:]) < SMALLEST
            return self.extractor(F.interpolate(x, scale_factor=SMALLEST) if small else x).features
        scaled = (x - self.centre) / self.scale
        return torch.cat([scaled, (scaled @ self.waves + self.phases).cos()], 1)

    def of_data(self, x: Tensor) -> Tensor:
        """The same of a dataset's samples, which may be bytes."""
        return torch.cat([self(to_float(part)) for part in x.split(LOOKED)])

    def near(self, f: Tensor) -> Tensor:
        """The part of features (N, F) in which neighbours are looked for."""
        return f if self.image else f[:, : len(self.centre)]


class _Labels:
    """The classes of labelled reals, and a linear classifier that tells them apart."""

    def __init__(self, real: Tensor, y: Tensor, classes: Tensor):
        self.classes = classes
        half = len(real) // 2
        self.mean, self.std = real[:half].mean(0), real[:half].std(0).clamp_min(1e-6)
        target = (y[:half, None] == self.classes).float()  # (half, K)
        a = self._design(real[:half])
        self.weights = torch.linalg.solve(a.T @ a + 0.01 * half * torch.eye(a.shape[1]), a.T @ target)
        tested = torch.isin(y[half:], self.classes)
        self.accuracy_real = self._accuracy(real[half:][tested], y[half:][tested])
        share = 1 / len(self.classes)
        self.chance = share + 3 * math.sqrt(share * (1 - share) / max(int(tested.sum()), 1))
        self.spread_real = torch.stack([real[y == c].var(0).sum() for c in self.classes])

    def signs(self, fake: Tensor, asked: Tensor) -> dict[str, float]:
        spread = torch.stack([fake[asked == c].var(0).sum() for c in self.classes])
        return {
            "class_spread": float((spread / self.spread_real).median()),
            "class_accuracy": self._accuracy(fake, asked),
            "class_accuracy_real": self.accuracy_real,
            "class_chance": self.chance,
        }

    def _accuracy(self, f: Tensor, y: Tensor) -> float:
        return float((self.classes[(self._design(f) @ self.weights).argmax(1)] == y).float().mean())

    def _design(self, f: Tensor) -> Tensor:
        return F.pad((f - self.mean) / self.std, (0, 1), value=1.0)


def _frequent(y: Tensor, classes: int) -> Tensor:
    """The most frequent classes, CLASSES at most, that have a few samples each."""
    present = torch.bincount(y[y >= 0], minlength=classes)
    chosen = present.argsort(descending=True, stable=True)[:CLASSES]
    return chosen[present[chosen] >= 4]


def _logits(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Of D's logits on reals, (N,), and on fakes, (M,)."""
    gap = float(real.mean() - fake.mean())
    within = math.sqrt(float(real.var(correction=0) + fake.var(correction=0)) / 2)
    return {
        "real_accuracy": float((real > 0).float().mean()),
        "fake_accuracy": float((fake < 0).float().mean()),
        "separation": above(real, fake),
        "gap": gap,
        "gap_spread": gap / max(within, 1e-12),
    }


def _sorted_out(shape: Shape) -> int:
    """How many labelled reals the classifier is fitted to and tested on, at most: fewer of large images."""
    return max(2 * LOOKED, KEPT * 32 * 32 * 3 // math.prod(shape) // 2)


def _axes(f: Tensor) -> Tensor:
    """(F, AXES): the leading principal axes, scaled so that the reals have a deviation of 1 along each."""
    _, deviation, axes = torch.linalg.svd((f - f.mean(0)).double(), full_matrices=False)
    count = min(AXES, len(deviation))
    return (axes[:count] / (deviation[:count, None] / math.sqrt(len(f) - 1)).clamp_min(1e-9)).T.float()


def _recall(real: Tensor, fake: Tensor) -> float:
    """Share of reals inside a ball around a fake that holds its NEAREST fakes; Kynkäänniemi et al., 2019."""
    radii = (
        torch.cdist(fake, fake).topk(min(NEAREST + 1, len(fake)), largest=False).values[:, -1]
    )  # the first is the fake itself
    return float((torch.cdist(real, fake) <= radii).any(1).float().mean())


def _apart(f: Tensor) -> float:
    """Median distance to the nearest other sample."""
    return max(float(torch.cdist(f, f).topk(2, largest=False).values[:, 1].median()), 1e-9)


def _copying(queries: Tensor, kept: Tensor, own: bool = False) -> float:
    """Median of the distance to the nearest over that to the second nearest of `kept`, itself left out if `own`."""
    count = min(2 + own, len(kept))
    nearest = torch.cdist(queries, kept).topk(count, largest=False).values[:, -2:]  # (N, 2)
    return max(float((nearest[:, 0] / nearest[:, 1].clamp_min(1e-9)).median()), 1e-6)
