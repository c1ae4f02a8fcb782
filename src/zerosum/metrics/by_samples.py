"""Metrics that look at the samples themselves, not at features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.evaluation.protocol import Figure
from zerosum.metrics import bootstrap, discrimination, intervals, modes, parzen, structural
from zerosum.metrics.metric import Bench, Metric, too_few
from zerosum.metrics.tstr import LabelledSet, tstr

REPEATS = 200  # halves, for an interval


@dataclass(frozen=True)
class Modes(Metric):
    """Mode coverage of a known mixture, or of stacked digits; Srivastava et al., 2017, Metz et al., 2017."""

    within: Annotated[float, Gt(0), "standard deviations around a mean that count as its mode"] = 3.0

    name = "modes"
    needs = "samples"

    def unfit(self, bench: Bench) -> str:
        if bench.mixture is not None or self._stacked(bench):
            return ""
        return "it needs data whose modes are known: ring, grid, or stacked digits (3x28x28, --extractor digits)"

    def uses_features(self, bench: Bench) -> bool:
        return bench.mixture is None  # digits are recognised

    def warnings(self, bench: Bench) -> list[str]:
        count = 1000 if bench.mixture is None else len(bench.mixture.weights)
        if bench.fake.count >= 10 * count:
            return []
        return [f"{bench.fake.count:,} samples are few for {count:,} modes: rare ones are missed; use {10 * count:,}"]

    def measure(self, bench: Bench) -> dict[str, Figure]:
        if bench.mixture is not None:
            numbers, good = modes.assign(bench.fake.x, bench.mixture, self.within)
            weights, seen = bench.mixture.weights.double(), numbers[good]
        else:
            numbers, good = modes.classify_stacked(bench.fake.x, bench.fake.extractor)
            weights, seen = torch.full((1000,), 1e-3, dtype=torch.float64), numbers
        log_weights, count = weights.log(), len(weights)

        def divergence(of: Tensor) -> float:
            return modes.divergence(of, log_weights, count)

        low, high = bootstrap.interval(divergence, numbers, repeats=REPEATS, seed=bench.seed)
        share = float(good.double().mean())
        quality = intervals.of_share(share, len(good))
        return {
            "modes": Figure(float(seen.unique().numel()), "higher", note=f"of {count}; no interval: a count"),
            "high quality": Figure(share, "higher", quality, "binomial"),
            "reverse KL": Figure(divergence(numbers), "lower", (max(0.0, low), high), f"from {REPEATS} random halves"),
        }

    def _stacked(self, bench: Bench) -> bool:
        return bench.fake.shape == (3, 28, 28) and bench.fake.extractor.name == "digits"


@dataclass(frozen=True)
class Parzen(Metric):
    """Parzen-window log-likelihood of real images under a Gaussian on each fake; Goodfellow et al., 2014, section 5.

    Pixels lie in [0, 1]. Of the real images a fifth, at most 1,000, choose the width, from 10 values; the others are
    scored. It rewards blur: a score above that of real data is a warning, not a win.
    """

    name = "parzen"
    needs = "samples"
    by_default = False

    def unfit(self, bench: Bench) -> str:
        if len(bench.fake.shape) != 3:
            return "it is for images"
        return "" if bench.real.count >= 10 else "it needs at least 10 real images"

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 10_000, "the published protocol has 10,000")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        real, fake = ((side.x.flatten(1) + 1) / 2 for side in (bench.real, bench.fake))
        few = min(1000, len(real) // 5)
        sigma = parzen.best_sigma(real[:few], fake, np.logspace(-1, 0, 10).tolist())
        scores = parzen.parzen(real[few:], fake, sigma)
        of_points = intervals.of_mean(scores)
        note = f"normal, of the {len(scores):,} real images scored"
        return {"log-likelihood": Figure(float(scores.mean()), "higher", of_points, note), "sigma": Figure(sigma)}


@dataclass(frozen=True)
class MsSsim(Metric):
    """How alike random pairs of samples are, by multi-scale SSIM; Odena et al., 2017. 1 is a collapsed generator.

    Noise scores lowest: what is good is the score of real data.
    """

    pairs: Annotated[int, Gt(1), "how many"] = 1000

    name = "ms-ssim"
    needs = "little"

    def unfit(self, bench: Bench) -> str:
        if len(bench.fake.shape) != 3:
            return "it is for images"
        smallest = structural.WINDOW
        return "" if min(bench.fake.shape[1:]) >= smallest else f"it needs images of {smallest}x{smallest} or more"

    def measure(self, bench: Bench) -> dict[str, Figure]:
        x = bench.fake.first(2 * self.pairs)
        mean, error, scales = structural.ms_ssim_diversity(x, self.pairs, bench.seed)
        interval = mean - intervals.Z * error, mean + intervals.Z * error
        return {"similarity": Figure(mean, "none", interval, f"normal, of the pairs; {scales} scales")}


@dataclass(frozen=True)
class NearestDistance(Metric):
    """Mean squared distance from a fake to the nearest real sample: values in [-1, 1], mean over a sample's values.

    The source of many tutorials' scores. It rewards copies and blur: read it beside the score of other real data.
    """

    name = "nearest-distance"
    needs = "samples"
    by_default = False

    def measure(self, bench: Bench) -> dict[str, Figure]:
        distances = discrimination.nearest_distance(bench.fake.x, bench.real.x)
        mean, interval = float(distances.mean()), intervals.of_mean(distances)
        return {"distance": Figure(mean, "none", interval, "normal, of the fakes")}


@dataclass(frozen=True)
class Tstr(Metric):
    """Train on synthetic, test on real; Esteban et al., 2017. "real" is the same with real samples to train on."""

    steps: Annotated[int, Gt(0), "training steps of each classifier, in batches of 64"] = 500

    name = "tstr"
    needs = "samples"
    anchored = False  # it brings its own anchor

    def unfit(self, bench: Bench) -> str:
        if bench.fake.labels is None:
            return "it needs samples with classes: a class-conditional GAN, or images or arrays with labels"
        if bench.data.y is None:
            return f"it needs real data with classes, and {bench.data.name} has none"
        if unknown := set(bench.classes) - set(bench.data.classes):
            return f"{bench.data.name} has no class {min(unknown)!r}; it has {', '.join(bench.data.classes)}"
        return "" if len(bench.data) >= 20 else "it needs at least 20 real samples"

    def held_out(self, bench: Bench) -> str:
        return f"half of {bench.data.name}" if bench.test is None else f"{len(bench.test)} of {bench.test.fingerprint}"

    def warnings(self, bench: Bench) -> list[str]:
        return too_few(bench, 2_000, "a classifier learns little from them")

    def measure(self, bench: Bench) -> dict[str, Figure]:
        assert bench.fake.labels is not None
        train, test = self._real(bench)
        numbers = torch.tensor([*map(bench.data.classes.index, bench.classes), -1])  # the last is for -1
        fake = LabelledSet(bench.fake.stored, numbers[bench.fake.labels])
        synthetic, real, count = tstr(fake, train, test, steps=self.steps, seed=bench.seed, device=bench.device)
        interval = intervals.of_share(synthetic, int((test.y >= 0).sum()))
        note = f"binomial, of the test samples; classifiers trained on {count:,} each"
        return {"accuracy": Figure(synthetic, "higher", interval, note, {"real": real})}

    def _real(self, bench: Bench) -> tuple[LabelledSet, LabelledSet]:
        """Real samples to train on, and others to test on."""
        if bench.test is not None and bench.test.y is not None:
            return _labelled(bench.data), _labelled(bench.test)
        order = torch.randperm(len(bench.data), generator=torch.Generator().manual_seed(bench.seed))
        first, second = order.split(math.ceil(len(order) / 2))
        return _labelled(bench.data, first), _labelled(bench.data, second)


def _labelled(data: Dataset, chosen: Tensor | None = None) -> LabelledSet:
    assert data.y is not None
    return LabelledSet(data.x, data.y) if chosen is None else LabelledSet(data.x[chosen], data.y[chosen])
