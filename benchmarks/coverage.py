"""How often the 95 % intervals of scores hold what docs/metrics.md says they are of: 500 simulations at two sizes.

`python -m benchmarks.coverage` runs the simulations that `benchmarks/coverage_results.json` does not hold yet, one
after the other on one thread, so it can be stopped and taken up again; `--again` NAMES runs those anew. Each draws
fakes of one known distribution again and again, against real samples that stay, and measures as `zerosum evaluate`
does. The truth is what the score is on average over the draws; where it is a probability under a classifier that each
draw trains, it is counted on many more samples. `--tails` prints what features with heavy tails do to distances.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zerosum.data import load
from zerosum.data.dataset import Dataset, Field, dataset, dataset_of
from zerosum.data.points.mixture import ring
from zerosum.data.text.sentences import grammar
from zerosum.metrics import grammar as grammatical
from zerosum.metrics import intervals, probe
from zerosum.metrics.bleu import Bleu
from zerosum.metrics.discrimination import scores_of
from zerosum.metrics.extractors import Extractor, Features, find
from zerosum.metrics.frechet import Frechet
from zerosum.metrics.inception_score import InceptionScore
from zerosum.metrics.kernel import Kernel
from zerosum.metrics.likelihood import nll
from zerosum.metrics.manifold import DensityCoverage, PrecisionRecall
from zerosum.metrics.memorization import Memorization
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.modes import Modes
from zerosum.metrics.music import Music
from zerosum.metrics.n_grams import texts
from zerosum.metrics.nearest_distance import NearestDistance
from zerosum.metrics.parzen import parzen
from zerosum.metrics.path_length import score_of
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.score import Score
from zerosum.metrics.statistics import kurtosis
from zerosum.metrics.structural import MsSsim
from zerosum.metrics.two_sample import classified, p_value
from zerosum.modality import Modality, Tokens
from zerosum.studies.study import commit, hardware
from zerosum.util.files import write_atomic

RESULTS = Path(__file__).with_name("coverage_results.json")
SIMULATIONS, SIZES = 500, (200, 1000)

Draw = Callable[[int, torch.Generator], Tensor]
Pair = tuple[float, tuple[float, float], float]  # a value, its interval, and the truth; nan: the mean of the values
Row = dict[str, Pair]  # of one simulation, by score
Simulate = Callable[[int, int], Iterator[Row]]  # (samples, simulations)


@dataclass(frozen=True)
class Case:
    """Scores on one distribution."""

    name: str  # "precision-recall: wide"
    simulate: Simulate


def shifted(mean: float, deviation: float, dim: int = 8) -> Draw:
    """Gaussian features; the real ones have mean 0 and deviation 1."""
    return lambda count, generator: mean + deviation * torch.randn(count, dim, generator=generator)


REAL = shifted(0, 1)
FAKES = {"equal": REAL, "narrow": shifted(0.1, 0.7), "wide": shifted(0.3, 1.3)}


def data(name: str, x: Tensor, modality: Modality | None) -> Dataset:
    """Texts, where their modality is given, else images or points."""
    return dataset_of(name, {"x": Field(modality, x)}) if modality else dataset(name, x, fingerprint=name)


def context(real: Tensor, fake: Tensor, extractor: Extractor, seed: int, modality: Modality | None = None) -> Context:
    """As an evaluation makes it of samples in files."""
    reference = data("real", real, modality)
    side, made = of_dataset(reference, extractor), of_dataset(data("fake", fake, modality), extractor)
    return Context(side, made, seed, "cpu", (), reference, side, None, None, None)


def of_fakes(
    metric: Metric, real: Draw, fake: Draw, extractor: Extractor, modality: Modality | None = None
) -> Simulate:
    """Other fakes against the same real samples."""

    def simulate(size: int, count: int) -> Iterator[Row]:
        generator = torch.Generator().manual_seed(size)
        side = context(real(size, generator), fake(size, generator), extractor, 0, modality)
        for seed in range(count):
            made = of_dataset(data("fake", fake(size, generator), modality), extractor)
            yield rows_of(metric.measure(replace(side, fake=made, seed=seed)))

    return simulate


def textures(count: int, generator: torch.Generator) -> Tensor:
    """Images of 12 pixels a side: noise of a brightness and a contrast of their own, which all its pairs share."""
    level, contrast = (torch.rand(count, 1, 1, 1, generator=generator) for _ in range(2))
    pixels = 60 + 120 * level + 50 * contrast * torch.randn(count, 1, 12, 12, generator=generator)
    return pixels.round().clamp(0, 255).to(torch.uint8)


def modes(size: int, count: int, leave_out: int = 0) -> Iterator[Row]:
    """Points of the ring, a little wider, of all of its modes or fewer."""
    mixture, generator = ring(), torch.Generator().manual_seed(size)
    for seed in range(count):
        x, y = mixture.sample_labelled(4 * size, generator)
        fake = x[y >= leave_out][:size]
        fake = fake + 0.015 * torch.randn(fake.shape, generator=generator)
        yield rows_of(Modes().measure(replace(context(fake, fake, find("pixels"), seed), mixture=mixture)))


def classifier(size: int, count: int, mean: float) -> Iterator[Row]:
    """Each draw trains a classifier: how often that one is right is counted on 5,000 more samples of each side."""
    generator, fit, trained = torch.Generator().manual_seed(size), probe.fit, []

    def remembered(*arguments: Any, **settings: Any) -> nn.Module:
        trained.append(fit(*arguments, **settings))
        return trained[-1]

    more = [shifted(m, 1)(5_000, generator) for m in (0, mean)]
    probe.fit = remembered
    try:
        for seed in range(count):
            sides = [shifted(m, 1)(size, generator) for m in (0, mean)]
            right = classified(*sides, steps=20, seed=seed)
            order = torch.Generator().manual_seed(seed)
            x = torch.cat([side[torch.randperm(size, generator=order)][: size // 2] for side in sides])
            scaled = [(side - x.mean(0)) / x.std(0).clamp_min(1e-6) for side in more]
            network = trained.pop()
            hits = [probe.predict(network, side) == label for label, side in enumerate(scaled)]
            row: Row = {"accuracy": (right.accuracy, right.interval, float(torch.cat(hits).double().mean()))}
            if not mean:  # how often p is above 0.05, as an interval that holds 1 if it is
                p = p_value(*right)
                row["p above 0.05"] = (p, (0.0, p + 0.95), 1.0)
            yield row
    finally:
        probe.fit = fit


def tstr(size: int, count: int) -> Iterator[Row]:
    """The share of test samples that a classifier gets right with a probability of 0.9."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        share = float((torch.rand(size, generator=generator) < 0.9).double().mean())
        yield {"accuracy": (share, intervals.of_share(share, size), 0.9)}


def discriminator(size: int, count: int) -> Iterator[Row]:
    """Logits of which 0.9 of the real ones are above 0 and 0.7 of the fakes below."""
    generator, truth = torch.Generator().manual_seed(size), {"accuracy": 0.8, "real": 0.9, "fake": 0.7}
    for _ in range(count):
        real, fake = (torch.rand(size, generator=generator) - share for share in (0.1, 0.3))
        yield {name: (*pair[:2], truth[name]) for name, pair in rows_of(scores_of(real, -fake)).items()}


def paths(size: int, count: int) -> Iterator[Row]:
    """Lengths with a long tail, as squared speeds have."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        yield rows_of({"length": score_of(torch.randn(size, generator=generator).exp().double())})


def log_likelihoods(size: int, count: int) -> Iterator[Row]:
    """Other real images of four pixels under the same fakes, which lack some contrast."""
    generator = torch.Generator().manual_seed(size)
    fake = 0.5 + 0.12 * torch.randn(size, 4, generator=generator)
    for _ in range(count):
        values = parzen(0.5 + 0.15 * torch.randn(size, 4, generator=generator), fake, 0.1)
        yield {"log-likelihood": (float(values.mean()), intervals.of_mean(values), math.nan)}


def pair_means(size: int, count: int) -> Iterator[Row]:
    """The mean of a twentieth as many images."""
    generator = torch.Generator().manual_seed(size)
    for _ in range(count):
        values = 30 + 4 * torch.randn(size // 20, generator=generator)
        yield {"mean": (float(values.mean()), intervals.of_groups(values.tolist()), 30.0)}


def tokens_of(source: Dataset) -> Tokens:
    assert isinstance(source.modality, Tokens)
    return source.modality


def written(source: Dataset, wrong: float = 0.0) -> Draw:
    """Texts of the source, of whose tokens some are any other ones of it."""
    tokens = tokens_of(source)

    def draw(count: int, generator: torch.Generator) -> Tensor:
        x, others = (source.x[torch.randint(len(source), (count,), generator=generator)] for _ in range(2))
        places = (torch.rand(x.shape, generator=generator) < wrong) & tokens.within(x) & tokens.within(others)
        return torch.where(places, others, x)

    return draw


def valid(source: Dataset, size: int, count: int) -> Iterator[Row]:
    """Sentences of which one token in twenty is wrong."""
    tokens, draw, generator = tokens_of(source), written(source, 0.05), torch.Generator().manual_seed(size)
    for _ in range(count):
        yield rows_of(grammatical.scores_of(grammar(), tokens, texts(tokens, draw(size, generator))))


def surprise(source: Dataset, size: int, count: int) -> Iterator[Row]:
    """Texts of any length, under a model that knows how often each token is real."""
    tokens, draw, generator = tokens_of(source), written(source, 0.1), torch.Generator().manual_seed(size)
    seen = 1.0 + source.x.flatten().bincount(minlength=tokens.size)
    log_p = (seen / seen.sum()).log()
    for _ in range(count):
        score = nll(draw(size, generator), lambda x: log_p[x] * tokens.within(x), tokens.within, tokens.size)
        yield rows_of({"NLL": score})


def classes(x: Tensor) -> Features:
    """Logits of five classes."""
    return Features(x, 2 * x[:, :5])


def cases() -> list[Case]:
    """All, with every score that has an interval."""
    pixels, sure = find("pixels"), Extractor("classes", "", "none", classes)
    sentences, melodies = load("sentences", seed=0), load("melodies", seed=0)
    metrics: tuple[tuple[Metric, tuple[str, ...]], ...] = (
        (Frechet(), ("equal", "narrow", "wide")),
        (Kernel(subsets=20, subset_size=100), ("equal", "narrow", "wide")),
        (PrecisionRecall(), ("equal", "narrow", "wide")),
        (DensityCoverage(), ("equal", "narrow", "wide")),
        (Memorization(), ("narrow",)),
        (NearestDistance(), ("wide",)),
    )
    by_features = [
        Case(f"{metric.name}: {kind}", of_fakes(metric, REAL, FAKES[kind], pixels))
        for metric, kinds in metrics
        for kind in kinds
    ]
    return [
        Case("inception-score: equal", of_fakes(InceptionScore(), REAL, REAL, sure)),
        Case("inception-score: wide", of_fakes(InceptionScore(), REAL, FAKES["wide"], sure)),
        Case("ms-ssim: textures", of_fakes(MsSsim(), textures, textures, pixels)),
        Case("modes: all", modes),
        Case("modes: six of eight", partial(modes, leave_out=2)),
        Case("tstr: 0.9", tstr),
        Case("discriminator: 0.9 and 0.7", discriminator),
        Case("path-length: long tail", paths),
        Case("parzen: one width", log_likelihoods),
        Case("psnr, ssim: a twentieth of the samples", pair_means),
        *(
            Case(
                f"{metric.name}: {name}",
                of_fakes(metric, written(source), written(source, wrong), pixels, source.modality),
            )
            for metric, name, source, wrong in (
                (Bleu(), "a tenth wrong", sentences, 0.1),
                (Bleu(), "half wrong", sentences, 0.5),
                (Music(), "a tenth wrong", melodies, 0.1),
            )
        ),
        Case("grammar: a twentieth wrong", partial(valid, sentences)),
        Case("nll-test, nll-oracle: a tenth wrong", partial(surprise, sentences)),
        *by_features,
        Case("two-sample: far", partial(classifier, mean=0.8)),
        Case("two-sample: equal", partial(classifier, mean=0.0)),
    ]


def rows_of(scores: dict[str, Score]) -> Row:
    """Those with an interval, of which the truth is not known."""
    return {name: (s.value, s.interval, math.nan) for name, s in scores.items() if s.interval is not None}


def covered(rows: Sequence[Pair]) -> dict[str, float]:
    """The share of intervals that hold the truth, the mean value, and the intervals' mean width over that of a normal
    score whose deviation is known."""
    values = torch.tensor([value for value, _, _ in rows], dtype=torch.float64)
    ends = torch.tensor([interval for _, interval, _ in rows], dtype=torch.float64)
    truth = torch.tensor([value for _, _, value in rows], dtype=torch.float64)
    truth = torch.where(truth.isnan(), values.mean(), truth)
    rounding = 1e-9 * values.abs().max()
    held = (ends[:, 0] <= truth + rounding) & (truth - rounding <= ends[:, 1])
    width = (ends[:, 1] - ends[:, 0]).mean() / (2 * intervals.Z * (values - truth).std())
    found = {"held": held.double().mean(), "mean": values.mean(), "width": width}
    return {name: round(float(x), 4) for name, x in found.items()}


def simulate(case: Case, sizes: Sequence[int], simulations: int) -> dict[str, dict[str, dict[str, float]]]:
    """What is covered, by score and size."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for size in sizes:
        rows = list(case.simulate(size, simulations))
        for score in rows[0]:
            found.setdefault(score, {})[str(size)] = covered([row[score] for row in rows])
    return found


def table(recorded: dict[str, Any]) -> str:
    """The rows of docs/metrics.md."""
    lines = [f"| case | score | {SIZES[0]:,} | {SIZES[1]:,} |", "|---|---|---|---|"]
    for case in cases():
        for score, by_size in recorded.get(case.name, {"scores": {}})["scores"].items():
            shares = " | ".join(f"{100 * row['held']:.1f} %" for row in by_size.values())
            lines.append(f"| {case.name} | {score} | {shares} |")
    return "\n".join(lines)


def tails() -> str:
    """Of lognormal features: the kurtosis that a warning goes by, and how often intervals hold what they should."""
    measured: list[tuple[Metric, str, int]] = [
        *((Frechet(), "distance", size) for size in SIZES),
        *((Kernel(subsets=20, subset_size=100), "distance", size) for size in SIZES),
        (PrecisionRecall(), "recall", SIZES[0]),
    ]
    heads = [f"{metric.name} {name}, {size:,}" for metric, name, size in measured]
    lines = [f"| kurtosis | {' | '.join(heads)} |", f"|{'---|' * (1 + len(heads))}"]
    for deviation in (0.5, 0.75, 1.0, 1.5):
        draw, rows = partial(lognormal, deviation), SIZES[1] // intervals.GROUPS
        groups = draw(100 * SIZES[1], torch.Generator().manual_seed(0)).double().split(rows)
        sets = torch.stack([group.var(0) for group in groups]).split(intervals.GROUPS)
        found = torch.tensor([kurtosis(variances, rows) for variances in sets]).median()
        shares = []
        for metric, name, size in measured:
            case = Case("", of_fakes(metric, draw, draw, find("pixels")))
            shares.append(f"{100 * simulate(case, [size], SIMULATIONS)[name][str(size)]['held']:.0f} %")
        lines.append(f"| {found:.0f} | {' | '.join(shares)} |")
    return "\n".join(lines)


def lognormal(deviation: float, count: int, generator: torch.Generator) -> Tensor:
    """(count, 8) features whose logarithms are normal."""
    return torch.exp(deviation * torch.randn(count, 8, generator=generator))


def main() -> None:
    parser = argparse.ArgumentParser(description="How often 95 % intervals hold what they are of.")
    parser.add_argument("--again", nargs="*", default=[], help="cases to run anew, by the beginning of their names")
    parser.add_argument("--table", action="store_true", help="print what is recorded as docs/metrics.md has it")
    parser.add_argument("--tails", action="store_true", help="how often intervals of distances hold with heavy tails")
    given = parser.parse_args()
    again = given.again
    if given.tails:
        torch.set_num_threads(1)
        print(tails())
        return
    if given.table:
        print(table(json.loads(RESULTS.read_text())))
        return
    torch.set_num_threads(1)
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for case in cases():
        if case.name in known and not any(case.name.startswith(name) for name in again):
            continue
        start, code = time.monotonic(), commit()
        scores = simulate(case, SIZES, SIMULATIONS)
        known[case.name] = {
            "scores": scores,
            "simulations": SIMULATIONS,
            "commit": code,
            "seconds": round(time.monotonic() - start, 1),
            "hardware": hardware(),
        }
        write_atomic(RESULTS, (json.dumps(known, indent=1) + "\n").encode())
        for score, by_size in scores.items():
            print(
                case.name, score, *(f"{size}: {row['held']:.3f} x{row['width']:.2f}" for size, row in by_size.items())
            )


if __name__ == "__main__":
    main()
