"""Metrics that compare features of real samples with those of fakes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from zerosum.evaluation.protocol import Figure
from zerosum.metrics import frechet, inception_score, intervals, kernel, manifold, memorization, two_sample
from zerosum.metrics.metric import Bench, Metric, too_few
from zerosum.metrics.neighbours import k_nearest, pairs
from zerosum.metrics.samples import GROUPS, pooled

FEW = 2 * GROUPS  # fakes below which groups say nothing
NONE = "no interval: too few samples"
BY_GROUPS = f"from {GROUPS} groups of fakes, by the jackknife"
OTHER_SIDE = "binomial, of the samples counted, with the balls as they are"


@dataclass(frozen=True)
class Frechet(Metric):
    """The Fréchet distance; Heusel et al., 2017. In constant memory, and biased upwards by few samples."""

    name = "frechet"
    needs = "moments"

    def unfit(self, bench: Bench) -> str:
        return "" if bench.fewest > 1 else "it needs at least 2 samples of each side"

    def warnings(self, bench: Bench) -> list[str]:
        dim = bench.real.moments[0].dim
        enough = min(10_000, max(1_000, 5 * dim))
        return too_few(bench, enough, f"the covariance of {dim} features is uncertain, and the distance too large")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        real, groups = pooled(bench.real.moments), bench.fake.moments
        value = frechet.frechet(real, pooled(groups))
        if bench.fake.count < FEW:
            return {"distance": Figure(value, "lower", note=NONE)}
        without = [frechet.frechet(real, pooled(groups[:i] + groups[i + 1 :])) for i in range(GROUPS)]
        low, high = intervals.jackknife(value, without)
        return {"distance": Figure(value, "lower", (max(0.0, low), high), BY_GROUPS)}


@dataclass(frozen=True)
class Kernel(Metric):
    """The kernel distance; Binkowski et al., 2018. Unbiased, so it may fall below 0."""

    subsets: Annotated[int, Gt(0), "how many"] = 100
    subset_size: Annotated[int, Gt(1), "samples of each side in one"] = 1000

    name = "kernel"
    needs = "features"

    def unfit(self, bench: Bench) -> str:
        return "" if bench.fewest >= 4 else "it needs at least 4 samples of each side"

    def adapted(self, bench: Bench) -> Kernel:
        return replace(self, subset_size=min(self.subset_size, bench.fewest // 2))

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 2 * self.subset_size, f"subsets of {self.subset_size:,} are to differ")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        own = self.adapted(bench)
        mean, std = kernel.kernel(bench.real.features, bench.fake.features, own.subsets, own.subset_size, bench.seed)
        # Subsets of m among n differ less than independent ones, by the factor 1 - m/n; all n vary as m/n of that.
        half = intervals.Z * std * math.sqrt(own.subset_size / (bench.fewest - own.subset_size) + 1 / own.subsets)
        note = "from the deviation between subsets"
        return {"distance": Figure(mean, "lower", (mean - half, mean + half), note), "subset std": Figure(std)}


@dataclass(frozen=True)
class InceptionScore(Metric):
    """The Inception score; Salimans et al., 2016: of the extractor's classes, be they Inception's or digits."""

    splits: Annotated[int, Ge(intervals.FEWEST), "parts whose scores are averaged"] = 10

    name = "inception-score"
    needs = "features"

    def unfit(self, bench: Bench) -> str:
        if bench.fake.probabilities is None:
            return f"it needs class probabilities, and the extractor {bench.fake.extractor.name!r} gives none"
        return "" if bench.fake.count >= self.splits else f"it needs at least {self.splits} samples"

    def warnings(self, bench: Bench) -> list[str]:
        probabilities = bench.fake.probabilities
        assert probabilities is not None
        enough = 10 * self.splits * probabilities.shape[1]
        if bench.fake.count >= enough:
            return []
        return [f"{bench.fake.count:,} samples in {self.splits} splits are few: the score is too low; use {enough:,}"]

    def measure(self, bench: Bench) -> dict[str, Figure]:
        probabilities = bench.fake.probabilities
        assert probabilities is not None
        mean, std = inception_score.inception_score(probabilities, self.splits)
        half = intervals.student(self.splits - 1) * std / math.sqrt(self.splits - 1)
        figure = Figure(mean, "higher", (mean - half, mean + half), "from the deviation between splits")
        return {"score": figure, "split std": Figure(std)}


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Improved precision and recall; Kynkäänniemi et al., 2019."""

    k: Annotated[int, Gt(0), "a ball reaches to its centre's k-th neighbour"] = 3

    name = "precision-recall"
    needs = "features"

    def unfit(self, bench: Bench) -> str:
        return "" if bench.fewest > self.k else f"it needs more than k = {self.k} samples of each side"

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 2_000, "balls grow as samples get fewer, and both shares with them")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        precision, recall = manifold.precision_recall(bench.real.features, bench.fake.features, self.k)
        of_precision = intervals.of_share(precision, bench.fake.count)
        of_recall = intervals.of_share(recall, bench.real.count)
        return {
            "precision": Figure(precision, "higher", of_precision, OTHER_SIDE),
            "recall": Figure(recall, "higher", of_recall, OTHER_SIDE),
        }


@dataclass(frozen=True)
class DensityCoverage(Metric):
    """Density and coverage; Naeem et al., 2020."""

    k: Annotated[int, Gt(0), "a ball reaches to its centre's k-th neighbour"] = 5

    name = "density-coverage"
    needs = "features"

    def unfit(self, bench: Bench) -> str:
        return "" if bench.real.count > self.k else f"it needs more than k = {self.k} real samples"

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 2_000, "coverage depends on their numbers")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        real, fake = bench.real.features, bench.fake.features
        density, coverage = manifold.density_coverage(real, fake, self.k)
        if len(fake) < FEW:
            return {"density": Figure(density, "higher", note=NONE), "coverage": Figure(coverage, "higher", note=NONE)}
        held = _held_by_group(real, fake, self.k)  # (N, GROUPS)
        sizes = (torch.arange(len(fake)) * GROUPS // len(fake)).bincount(minlength=GROUPS)
        densities = held.sum(0) / (self.k * sizes)
        without = [float((held.sum(1) > held[:, group]).double().mean()) for group in range(GROUPS)]
        low, high = intervals.jackknife(coverage, without)
        return {
            "density": Figure(density, "higher", intervals.of_groups(densities.tolist()), BY_GROUPS),
            "coverage": Figure(coverage, "higher", (max(0.0, low), min(1.0, high)), BY_GROUPS),
        }


def _held_by_group(real: Tensor, fake: Tensor, k: int) -> Tensor:
    """(N, GROUPS) how many fakes of each of GROUPS successive groups lie in the ball of each real."""
    radii = k_nearest(real, real, k, exclude_self=True)[0][:, -1]
    member = torch.nn.functional.one_hot(torch.arange(len(fake)) * GROUPS // len(fake), GROUPS).float()  # (M, GROUPS)
    return torch.cat([part.within(radii[part.rows, None]).float() @ member for part in pairs(real, fake)])


@dataclass(frozen=True)
class Memorization(Metric):
    """The data-copying test; Meehan et al., 2020: do fakes lie nearer to the training data than held-out data does?"""

    name = "memorization"
    needs = "features"
    anchored = False  # it compares with held-out real data itself

    def unfit(self, bench: Bench) -> str:
        if bench.training is None:
            return "it compares with the run's own training data; leave out --against"
        return "" if bench.training.count > 1 else "it needs at least 2 training samples"

    def held_out(self, bench: Bench) -> str:
        if bench.test is None:
            return "each training sample in turn"
        return f"{len(bench.test)} samples of {bench.test.fingerprint}"

    def measure(self, bench: Bench) -> dict[str, Figure]:
        assert bench.training is not None
        apart = None if bench.test is None else bench.beside(bench.test).features
        z, farther, copies = memorization.copying(bench.training.features, bench.fake.features, apart)
        near = intervals.of_share(copies, bench.fake.count)
        return {
            "z": Figure(z, note="no interval: a test statistic, standard normal where nothing is copied"),
            "farther": Figure(farther, note="no interval: read z"),
            "copies": Figure(copies, "lower", near, "binomial"),
        }


@dataclass(frozen=True)
class TwoSample(Metric):
    """Classifier two-sample tests; Lopez-Paz and Oquab, 2017, and by nearest neighbours Xu et al., 2018."""

    steps: Annotated[int, Gt(0), "training steps of the network"] = 1000

    name = "two-sample"
    needs = "features"

    def unfit(self, bench: Bench) -> str:
        return "" if bench.fewest >= 4 else "it needs at least 4 samples of each side"

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 1_000, "a small difference goes unnoticed")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        real, fake = bench.real.features, bench.fake.features
        accuracy, p_value = two_sample.network(real, fake, steps=self.steps, seed=bench.seed)
        near = two_sample.neighbour(real, fake)
        tested = 2 * (bench.fewest - bench.fewest // 2)
        note = "no interval: neighbours are not independent"
        return {
            "accuracy": Figure(accuracy, "lower", intervals.of_share(accuracy, tested), "binomial, of the test half"),
            "p": Figure(p_value, note="no interval: a p-value"),
            "nearest": Figure(near.accuracy, note=note),
            "nearest, real": Figure(near.real, note=note),
            "nearest, fake": Figure(near.fake, note=note),
        }
