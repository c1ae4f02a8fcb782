"""How often the 95 % intervals of scores hold what docs/metrics.md says they are of: 500 simulations at two sizes.

`python -m benchmarks.coverage` runs the simulations that `benchmarks/coverage_results.json` does not hold yet, one after
the other on one thread, so it can be stopped and taken up again; `--again` NAMES runs those anew. Each draws fakes of one
known distribution anew and again, against real samples that stay, and measures as `zerosum evaluate` does. The truth is
what the score is on average over the draws; where it is a probability under a model that each draw trains, that is
computed from many more samples.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from zerosum.data.dataset import dataset
from zerosum.data.points.mixture import ring
from zerosum.metrics import intervals, probe
from zerosum.metrics.discrimination import scores_of
from zerosum.metrics.extractors import Extractor, Features, find
from zerosum.metrics.frechet import Frechet
from zerosum.metrics.inception_score import InceptionScore
from zerosum.metrics.kernel import Kernel
from zerosum.metrics.manifold import DensityCoverage, PrecisionRecall
from zerosum.metrics.memorization import Memorization
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.modes import Modes
from zerosum.metrics.nearest_distance import NearestDistance
from zerosum.metrics.parzen import Parzen
from zerosum.metrics.path_length import score_of
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.score import Score
from zerosum.metrics.structural import MsSsim
from zerosum.metrics.two_sample import classifier_test
from zerosum.studies.study import commit, hardware
from zerosum.util.files import write_atomic

RESULTS = Path(__file__).with_name("coverage_results.json")
SIMULATIONS, SIZES = 500, (200, 1000)
Draw = Callable[[int, torch.Generator], Tensor]
Pair = tuple[float, tuple[float, float], float]  # a value, its interval, and the truth, nan: the mean of the values


@dataclass(frozen=True)
class Case:
    """A score on one distribution: `simulate(size, count)` gives a row a draw."""

    name: str  # "recall: wider"
    simulate: Callable[[int, int], Iterator[Pair]]


def shifted(mean: float, deviation: float, dim: int = 8) -> Draw:
    """Gaussian features; the real ones have mean 0 and deviation 1."""
    return lambda count, generator: mean + deviation * torch.randn(count, dim, generator=generator)


REAL = shifted(0, 1)
FAKES = {"equal": REAL, "narrow": shifted(0.1, 0.7), "wide": shifted(0.3, 1.3), "far": shifted(0.8, 1)}


def context(real: Tensor, fake: Tensor, extractor: Extractor, seed: int) -> Context:
    """As an evaluation makes it of samples in files."""
    reference = dataset("real", real, fingerprint="0" * 16)
    side = of_dataset(reference, extractor)
    made = of_dataset(dataset("fake", fake, fingerprint="1" * 16), extractor)
    return Context(side, made, seed, "cpu", (), reference, side, None, None, None)


def of_fakes(
    metric: Metric, score: str, real: Draw, fake: Draw, extractor: Extractor
) -> Callable[[int, int], Iterator[Pair]]:
    """Other fakes against the same real samples."""

    def simulate(size: int, count: int) -> Iterator[Pair]:
        generator = torch.Generator().manual_seed(size)
        side = context(real(size, generator), fake(size, generator), extractor, 0)
        for seed in range(count):
            made = dataset("fake", fake(size, generator), fingerprint="1" * 16)
            measured = metric.measure(replace(side, fake=of_dataset(made, extractor), seed=seed))[score]
            yield _pair(measured)

    return simulate


def of_reals(size: int, count: int) -> Iterator[Pair]:
    """Parzen: other real images against the same fakes; four pixels, of which the fakes lack some contrast."""
    generator = torch.Generator().manual_seed(size)
    fake = images(0.8)(size, generator)
    for seed in range(count):
        side = context(images(1.0)(size, generator), fake, find("pixels"), seed)
        score = _Fixed().measure(side)["log-likelihood"]
        yield _pair(score)


class _Fixed(Parzen):
    """Of one width: what the interval is of depends on the width, which is otherwise chosen anew."""

    def measure(self, context: Context) -> dict[str, Score]:
        from zerosum.metrics import parzen

        real, fake = ((side.x.flatten(1) + 1) / 2 for side in (context.real, context.fake))
        values = parzen.parzen(real, fake, 0.2)
        return {"log-likelihood": Score(float(values.mean()), "higher", intervals.of_mean(values))}


def images(contrast: float, side: int = 2) -> Draw:
    """Grey images of independent Gaussian pixels."""

    def draw(count: int, generator: torch.Generator) -> Tensor:
        pixels = 127.5 + 40 * contrast * torch.randn(count, 1, side, side, generator=generator)
        return pixels.round().clamp(0, 255).to(torch.uint8)

    return draw


def textures(count: int, generator: torch.Generator) -> Tensor:
    """Images of 12 pixels: noise of a brightness and a contrast of their own, so that pairs share what they are of."""
    level, contrast = (torch.rand(count, 1, 1, 1, generator=generator) for _ in range(2))
    pixels = 60 + 120 * level + 50 * contrast * torch.randn(count, 1, 12, 12, generator=generator)
    return pixels.round().clamp(0, 255).to(torch.uint8)


def modes(size: int, count: int, leave_out: int = 0) -> Iterator[Pair]:
    """Points of the ring, all of its modes or fewer."""
    mixture, generator = ring(), torch.Generator().manual_seed(size)
    for seed in range(count):
        x, y = mixture.sample_labelled(4 * size, generator)
        fake = x[y >= leave_out][:size]
        side = replace(context(fake, fake, find("pixels"), seed), mixture=mixture)
        yield _pair(Modes().measure(side)["reverse KL"])


def high_quality(size: int, count: int) -> Iterator[Pair]:
    """Points of the ring, widened."""
    mixture, generator = ring(), torch.Generator().manual_seed(size)
    for seed in range(count):
        x = mixture.sample(size, generator)
        fake = x + 0.015 * torch.randn(x.shape, generator=generator)
        side = replace(context(fake, fake, find("pixels"), seed), mixture=mixture)
        yield _pair(Modes().measure(side)["high quality"])


def classifier(size: int, count: int, mean: float = 0.8) -> Iterator[Pair]:
    """Each draw trains a classifier: how often that one is right is known from 20,000 more samples."""
    generator, fit, trained = torch.Generator().manual_seed(size), probe.fit, []

    def remembered(*arguments: object, **settings: object) -> nn.Module:
        trained.append((fit(*arguments, **settings), arguments[1]))  # type: ignore[arg-type]
        return trained[-1][0]

    more = [shifted(m, 1)(20_000, generator) for m in (0, mean)]
    probe.fit = remembered  # type: ignore[assignment]
    try:
        for seed in range(count):
            sides = [shifted(m, 1)(size, generator) for m in (0, mean)]
            test = classifier_test(*sides, steps=60, seed=seed)
            network, _ = trained.pop()
            order = torch.Generator().manual_seed(seed)
            x = torch.cat([side[torch.randperm(size, generator=order)][: size // 2] for side in sides])
            called = [probe.predict(network, (side - x.mean(0)) / x.std(0).clamp_min(1e-6)) for side in more]
            truth = (float((called[0] == 0).double().mean()) + float((called[1] == 1).double().mean())) / 2
            yield test.accuracy, intervals.of_shares((test.real, test.fake), (test.tested,) * 2), truth
    finally:
        probe.fit = fit


def p_values(size: int, count: int) -> Iterator[Pair]:
    """Of equal sides: how often p is above 0.05, as an interval that holds 1 if it is."""
    generator = torch.Generator().manual_seed(size)
    for seed in range(count):
        p = classifier_test(REAL(size, generator), REAL(size, generator), steps=60, seed=seed).p_value
        yield p, (0.0, p + 0.95), 1.0


def tstr(size: int, count: int) -> Iterator[Pair]:
    """The share of test samples that a classifier gets right: a probability of 0.9."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        share = float((torch.rand(size, generator=generator) < 0.9).double().mean())
        yield share, intervals.of_share(share, size), 0.9


def discriminator(size: int, count: int) -> Iterator[Pair]:
    """Logits of which 0.9 of the real ones are above 0 and 0.3 of the fakes below."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        real, fake = (torch.rand(size, generator=generator) - share for share in (0.1, 0.3))
        yield _pair(replace(scores_of(real, -fake)["accuracy"]), 0.5 * (0.9 + 0.7))


def paths(size: int, count: int) -> Iterator[Pair]:
    """Lengths with a long tail, as squared speeds have."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        yield _pair(score_of(torch.randn(size, generator=generator).exp().double()))


def pair_means(size: int, count: int) -> Iterator[Pair]:
    """PSNR and SSIM of a twentieth as many images."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        values = 30 + 4 * torch.randn(size // 20, generator=generator)
        yield float(values.mean()), intervals.of_groups(values.tolist()), 30.0


def classes(x: Tensor) -> Features:
    """Logits of five classes."""
    return Features(x, 2 * x[:, :5])


def cases() -> list[Case]:
    found = []
    pixels, sure = find("pixels"), Extractor("classes", "", "none", classes)
    of = {
        "frechet distance": (Frechet(), "distance"),
        "kernel distance": (Kernel(subsets=20, subset_size=100), "distance"),
        "precision": (PrecisionRecall(), "precision"),
        "recall": (PrecisionRecall(), "recall"),
        "density": (DensityCoverage(), "density"),
        "coverage": (DensityCoverage(), "coverage"),
    }
    for name, (metric, score) in of.items():
        for kind in ("equal", "narrow", "wide"):
            found.append(Case(f"{name}: {kind}", of_fakes(metric, score, REAL, FAKES[kind], pixels)))
    for kind in ("equal", "wide"):
        found.append(Case(f"inception score: {kind}", of_fakes(InceptionScore(), "score", REAL, FAKES[kind], sure)))
    near = of_fakes(Memorization(), "copies", REAL, FAKES["narrow"], pixels)
    found += [
        Case("memorization copies: narrow", near),
        Case("nearest distance: wide", of_fakes(NearestDistance(), "distance", REAL, FAKES["wide"], pixels)),
        Case("ms-ssim: textures", of_fakes(MsSsim(), "similarity", textures, textures, pixels)),
        Case("modes, reverse KL: all modes", modes),
        Case("modes, reverse KL: six of eight", lambda size, count: modes(size, count, 2)),
        Case("modes, high quality: widened", high_quality),
        Case("two-sample accuracy: far", classifier),
        Case("two-sample accuracy: equal", lambda size, count: classifier(size, count, 0.0)),
        Case("two-sample p above 0.05: equal", p_values),
        Case("tstr accuracy", tstr),
        Case("discriminator accuracy: 0.9 and 0.7", discriminator),
        Case("path length: long tail", paths),
        Case("parzen: one width", of_reals),
        Case("psnr, ssim: a twentieth", pair_means),
    ]
    return found


def _pair(score: Score, truth: float = math.nan) -> Pair:
    assert score.interval is not None
    return score.value, score.interval, truth


def covered(case: Case, size: int, count: int) -> dict[str, float]:
    """The share of intervals that hold the truth, the mean value, and the mean width over that which a normal score's
    exact interval would have."""
    rows = list(case.simulate(size, count))
    values = torch.tensor([value for value, _, _ in rows], dtype=torch.float64)
    ends = torch.tensor([interval for _, interval, _ in rows], dtype=torch.float64)
    truth = torch.tensor([value for _, _, value in rows], dtype=torch.float64)
    truth = torch.where(truth.isnan(), values.mean(), truth)
    rounding = 1e-9 * values.abs().max()
    held = (ends[:, 0] <= truth + rounding) & (truth - rounding <= ends[:, 1])
    deviation = float((values - truth).std())
    width = float((ends[:, 1] - ends[:, 0]).mean()) / (2 * intervals.Z * deviation) if deviation > 0 else math.nan
    return {"held": float(held.double().mean()), "mean": float(values.mean()), "width": width}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", nargs="*", default=[], help="cases to measure anew, by the beginning of their names")
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    known: dict[str, dict[str, object]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    todo = cases()
    again = {case.name for case in todo for name in given.again if case.name.startswith(name)}
    known = {case.name: known[case.name] for case in todo if case.name in known and case.name not in again}
    for case in todo:
        if case.name in known:
            continue
        start = time.monotonic()
        by_size = {str(size): covered(case, size, given.simulations) for size in SIZES}
        known[case.name] = {
            "sizes": by_size,
            "simulations": given.simulations,
            "commit": commit(),
            "seconds": round(time.monotonic() - start, 1),
            "hardware": hardware(),
        }
        write_atomic(RESULTS, (json.dumps(known, indent=1) + "\n").encode())
        print(
            case.name,
            *(f"{size}: {row['held']:.3f} (width {row['width']:.2f})" for size, row in by_size.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
