"""Evaluate a run, a folder or a file of samples: what `zerosum evaluate` calls."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from torch import Tensor

from zerosum.data import DataError, Dataset
from zerosum.data.dataset import Progress
from zerosum.errors import ZerosumError
from zerosum.evaluation import pairs, references, targets
from zerosum.evaluation.pairs import Paired
from zerosum.evaluation.protocol import FILE, FORMAT, Evaluation, Figure, Protocol, Result, Target
from zerosum.evaluation.reference_scores import Anchor, anchors_for
from zerosum.evaluation.targets import Source
from zerosum.metrics import table
from zerosum.metrics.metric import Bench, Metric
from zerosum.metrics.samples import of_dataset
from zerosum.options import to_json
from zerosum.run.loaded import Run
from zerosum.run.record import Record, versions
from zerosum.training import hardware
from zerosum.util import rng

__all__ = ["Evaluation", "default_path", "evaluate"]

KEPT = 50_000  # samples whose features are kept where moments would do: 400 MB of Inception's
COPIES = 20_000  # training samples up to which memorisation is tested unasked: it needs the features of all


def evaluate(
    target: str | Path | Run,
    against: str | None = None,
    metrics: Sequence[str | Metric | Paired] = (),
    *,
    extractor: str | Callable[[Tensor], Tensor] | None = None,
    samples: int = 10_000,
    real: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    anchors: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure how good samples are.

    Args:
        target: a run, a run directory, a folder of images, or an .npy or .npz file.
        against: the real data, as `--data` takes it; a run's own by default. Images are brought to the samples' size.
        metrics: by name ("frechet", "precision-recall:k=5"), or as instances; by default all that fit and are quick.
        extractor: what images are compared by, by name or as a callable; by default by the data.
        samples: how many to draw from a run, or to take from the files at most.
        real: how many real samples to compare with at most, chosen at random; by default as many as `samples`.
        seed: of the samples, of the choice of real ones, and of everything else that is random.
        truncation: of z, in standard deviations; by default none, as in published protocols, whatever the recipe says.
        device: of the extractor, and of a run that is loaded here.
        data_dir: where published sets are looked for first.
        anchors: measure other real data, and noise, in the same way.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: nothing there to evaluate, no data to compare with, an unknown metric or extractor, or one that
            does not fit.
    """
    if samples < 2 or (real is not None and real < 2):
        raise ZerosumError(f"cannot evaluate {samples if samples < 2 else real} samples; ask for at least 2, or 10,000")
    path = target.path if isinstance(target, Run) else Path(target)
    asked = [table.find(metric) if isinstance(metric, str) else metric for metric in metrics]
    if pairs := [metric for metric in asked if isinstance(metric, Paired)]:
        if len(pairs) < len(asked):
            raise ZerosumError(f"{pairs[0].name} compares pairs, other metrics compare sets: evaluate them separately")
        return _of_pairs(pairs, path, against, seed, progress)
    folder = Path(data_dir) if data_dir else None
    with rng.fork_rng(hardware.find(device)):  # an evaluation amid training changes nothing
        chosen_target = target if isinstance(target, Run) else path
        source = targets.find(chosen_target, truncation, device, data_dir=folder, progress=progress)
        reference = references.load(source, against, folder, progress)
        chosen, notes = references.extractor(extractor, reference, device)
        order = targets.shuffled(reference, seed)
        count = samples if source.available is None else min(samples, source.available)
        taken = min(len(order), samples if real is None else real)
        compared = of_dataset(reference, chosen, name="the real data", chosen=order[:taken], progress=progress)
        everything = of_dataset(reference, chosen, name="the training data", progress=progress)
        own = source.run is None or against is None
        bench = Bench(
            real=compared,
            fake=source.samples(count, seed, chosen, progress),
            seed=seed,
            device=device,
            classes=source.classes,
            data=reference,
            training=(compared if taken == len(order) else everything) if own else None,
            test=references.held_out(reference, folder, progress),
            mixture=references.mixture(reference),
            run=source.run,
        )
        fitting = _fitting([metric for metric in asked if isinstance(metric, Metric)], bench)
        _prepare(fitting, bench)
        beside = anchors_for(bench, order[taken:]) if anchors and any(metric.anchored for metric in fitting) else []
        results = []
        for done, metric in enumerate(fitting, 1):
            results.append(_measured(metric, bench, beside, truncation))
            if progress:
                progress("measuring", done, len(fitting))
    notes += _doubts(source, reference, against, truncation)
    return _evaluation(source.target, reference.name, results, {anchor.name: anchor.what for anchor in beside}, notes)


def _of_pairs(
    metrics: Sequence[Paired], target: Path, against: str | None, seed: int, progress: Progress | None
) -> Evaluation:
    if against is None:
        raise ZerosumError(f"say which images to compare those of {target} with: --against FOLDER")
    found, results = pairs.measure(metrics, target, Path(against), seed, progress)
    return _evaluation(found, against, results, {}, [])


def _evaluation(
    target: Target, reference: str, results: Sequence[Result], anchors: Mapping[str, str], notes: Sequence[str]
) -> Evaluation:
    return Evaluation(
        format=FORMAT,
        target=target,
        reference=reference,
        anchors=dict(anchors),
        results=tuple(results),
        notes=tuple(notes),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def default_path(evaluation: Evaluation) -> Path:
    """Where an evaluation is kept: in the run's directory, or beside the folder or file that was evaluated."""
    path = Path(evaluation.target.path)
    return path / FILE if evaluation.target.kind == "run" else path.with_name(f"{path.stem}-{FILE}")


def _doubts(source: Source, reference: Dataset, against: str | None, truncation: float | None) -> list[str]:
    """What a reader of the numbers should know about the run."""
    notes = []
    if source.run is not None:
        record = source.run.record
        own = record.training.truncation
        if own is not None and own != truncation:
            used = "none" if truncation is None else f"{truncation:g}"
            notes.append(f"the recipe draws with a truncation of {own:g}; measured with {used}, see --truncation")
        if against is None and record.data.fingerprint not in _fingerprints(reference, record):
            notes.append(f"{record.data.name} has changed since the run was trained on it")
    return notes


def _fingerprints(reference: Dataset, record: Record) -> set[str]:
    """Of the same samples with all labels, with none, and with those that the run has kept."""
    found = {reference.fingerprint, reference.without_labels().fingerprint}
    if record.data.labels is not None:
        with suppress(DataError):  # too few of them by now
            found.add(reference.with_labels(record.data.labels, record.training.seed).fingerprint)
    return found


def _fitting(asked: Sequence[Metric], bench: Bench) -> list[Metric]:
    """The metrics to measure: those asked for, all of which must fit, or those that fit by default."""
    for metric in asked:
        if why := metric.unfit(bench):
            raise ZerosumError(f"{metric.name} cannot be measured here: {why}")
    if asked:
        return list(asked)
    large = bench.training is not None and bench.training.count > COPIES
    usual = [m for m in table.METRICS.values() if isinstance(m, Metric) and m.by_default and not m.unfit(bench)]
    return [metric for metric in usual if not (large and metric.name == "memorization")]


def _prepare(metrics: Sequence[Metric], bench: Bench) -> None:
    """Keep what is read more than once; but of many samples, where their moments are enough, keep nothing."""
    needs = {metric.needs for metric in metrics}
    if "samples" in needs:
        _ = bench.fake.stored
    for side in (bench.real, bench.fake):
        if "features" in needs or ("moments" in needs and side.count <= KEPT):
            _ = side.features


def _measured(metric: Metric, bench: Bench, anchors: Sequence[Anchor], truncation: float | None) -> Result:
    start = time.monotonic()
    try:
        figures = metric.measure(bench)
    except ValueError as error:
        raise ZerosumError(f"{metric.name} cannot be measured: {error}") from error
    for name, figure in figures.items():
        if not math.isfinite(figure.value):
            raise ZerosumError(f"{metric.name} gives {figure.value} as its {name}; are the samples sound?")
    if metric.anchored:
        for anchor in anchors:
            figures = _anchored(metric, figures, anchor)
    figures = {name: _sound(figure) for name, figure in figures.items()}
    extractor = bench.fake.extractor
    uses = metric.uses_features(bench)
    images = len(bench.fake.shape) == 3
    protocol = Protocol(
        metric=metric.name,
        settings=to_json(metric.adapted(bench)),
        extractor=extractor.name if uses else "",
        identity=extractor.identity if uses else "",
        resizing=extractor.resizing if uses else "",
        precision=("8-bit images" if images else "float32 points") + (", float32 features" if uses else ""),
        real=bench.real.count,
        fake=bench.fake.count,
        shape=bench.fake.shape,
        reference=bench.data.fingerprint,
        held_out=metric.held_out(bench),
        seed=bench.seed,
        truncation=truncation,
    )
    seconds = round(time.monotonic() - start, 2)
    return Result(protocol, figures, tuple(metric.warnings(bench)), seconds)


def _sound(figure: Figure) -> Figure:
    """Without ends of intervals and anchors that are not finite: JSON has no word for them."""
    ends = figure.interval if figure.interval and all(map(math.isfinite, figure.interval)) else None
    anchors = {name: value for name, value in figure.anchors.items() if math.isfinite(value)}
    return replace(figure, interval=ends, anchors=anchors)


def _anchored(metric: Metric, figures: dict[str, Figure], anchor: Anchor) -> dict[str, Figure]:
    if metric.unfit(anchor.bench):  # half of a small set may be too small
        return figures
    theirs = metric.measure(anchor.bench)
    return {n: replace(f, anchors={**f.anchors, anchor.name: theirs[n].value}) for n, f in figures.items()}
