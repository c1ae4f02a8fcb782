"""Evaluate a run, a folder or a file of samples: what `zerosum evaluate` calls."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data import DataError, Dataset
from zerosum.data.dataset import Progress, with_progress
from zerosum.data.request import AS_STORED, Alpha, Asked, Frames, Reading
from zerosum.data.sources import read_as, together
from zerosum.errors import ZerosumError
from zerosum.evaluation import accuracy, pairs, real_data, returns, targets
from zerosum.evaluation.distinct import Distinct, without_twins
from zerosum.evaluation.protocol import FILE, Evaluation, Protocol, Result, evaluation
from zerosum.evaluation.reference_scores import Reference, noise_for, references_for
from zerosum.evaluation.standing import beside, remark
from zerosum.evaluation.targets import SampleSource
from zerosum.metrics import METRICS, extractors, find
from zerosum.metrics.frechet import Frechet
from zerosum.metrics.intervals import GROUPS
from zerosum.metrics.memorization import Memorization
from zerosum.metrics.metric import Context, Metric, NotMeasurable, PairMetric
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.score import Score, Standing
from zerosum.options import to_json
from zerosum.roles import Acts, Classifies, Translates, has_role, makes_samples
from zerosum.run.loaded import Run, load
from zerosum.training import hardware
from zerosum.util import checks, memory, rng

SAMPLES = 10_000
CACHED = 50_000  # samples whose features are kept where moments would do: 400 MB of Inception's
COPIES = 20_000  # training samples up to which memorization is measured by default: it needs the features of all


def evaluate(
    target: str | Path | Run,
    against: str | None = None,
    metrics: Sequence[str | Metric | PairMetric] = (),
    *,
    extractor: str | Callable[[Tensor], Tensor] | None = None,
    samples: int | None = None,
    real: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames | None = None,
    alpha: Alpha | None = None,
    references: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure how good samples are.

    Args:
        target: a run, a run directory, a folder of images, or an .npy or .npz file. `zerosum.load` gives a run with
            its last weights, or of another checkpoint. Of a run that classifies and makes no samples it is measured how
            often it is right, in each domain of its data (`evaluation.accuracy`); of one that acts, its returns
            (`evaluation.returns`).
        against: the real data, as `--data` takes it; a run's own by default. Images are brought to the samples' size.
        metrics: by name ("frechet", "precision-recall:k=5"), or as instances; by default all that fit and are quick.
        extractor: of the features compared, by name or as a callable; by default by the data.
        samples: how many to draw from a run, or to take from the files at most, by default 10,000; of pairs that are
            compared one by one, by default all; of a run that acts the episodes of each policy, by default 50.
        real: how many real samples to compare with at most, chosen at random; by default as many as `samples`.
        seed: of the samples, of the choice of real ones, and of everything else that is random.
        truncation: of z, in standard deviations; by default none, as in published protocols, whatever the recipe says.
        device: of the extractor, and of a run that is loaded here.
        data_dir: where published sets are looked for first.
        value_range, frames, alpha: how image files are read, the real ones and the target's, as in `zerosum.train`; by
            default as the run's own data were.
        references: measure other real data, and noise, in the same way.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: nothing there to evaluate, no data to compare with, an unknown metric or extractor, or one that
            does not fit.
    """
    few = None if samples is None else checks.integer("samples", samples)
    samples, real = SAMPLES if few is None else few, None if real is None else checks.integer("real", real)
    given = Asked(value_range, frames, alpha)
    if not isinstance(target, Run):
        target = checks.path("target", target)
    against = None if against is None else checks.text("against", against)
    if truncation is not None:
        checks.truncation(truncation)
    seed, folder = checks.seed(seed), None if data_dir is None else checks.path("data_dir", data_dir)
    if isinstance(metrics, str | Metric | PairMetric):
        metrics = [metrics]
    if extractor is not None and not isinstance(extractor, str) and not callable(extractor):
        raise ZerosumError(f"extractor is a name or a function of samples, not {extractor!r:.60}")
    if not isinstance(metrics, Sequence) or not all(
        isinstance(metric, str | Metric | PairMetric) for metric in metrics
    ):
        raise ZerosumError(f"metrics are names or instances of Metric, not {metrics!r:.60}")
    named = [find(metric) if isinstance(metric, str) else metric for metric in metrics]
    if not isinstance(target, Run) and (target / "run.json").exists():
        with rng.fork_rng(hardware.find(device)):
            target = load(target, device=device)
    acts = isinstance(target, Run) and has_role(target.game, Acts)  # which says itself how many episodes it needs
    if not acts and (samples < 2 or (real is not None and real < 2)):
        raise ZerosumError(f"cannot evaluate {samples if samples < 2 else real} samples; ask for at least 2, or 10,000")
    of_samples = {
        "--metrics": named,
        "--extractor": extractor,
        "--truncation": truncation,
        "--real": real,
        "--no-references": not references,
    }
    if isinstance(target, Run) and has_role(target.game, Acts):
        of_data = {"--against": against, "--data-dir": data_dir}
        of_files = {"--value-range": value_range, "--frames": frames, "--alpha": alpha}
        _require_unset(f"{target.path} acts, and is measured by its returns", {**of_data, **of_samples, **of_files})
        episodes = returns.EPISODES if few is None else few
        return returns.evaluation_of(target, returns.measure(target, episodes=episodes, seed=seed, progress=progress))
    if isinstance(target, Run) and has_role(target.game, Classifies) and not makes_samples(target.game):
        what = f"{target.record.recipe} makes no samples, and only how often it is right is measured"
        _require_unset(what, of_samples)
        results, notes, tested = accuracy.measure_run(target, against, samples, seed, folder, progress, given)
        return evaluation(targets.target_of(target), tested, results, {}, notes)
    if of_pairs := [metric for metric in named if isinstance(metric, PairMetric)]:
        if len(of_pairs) < len(named):
            raise ZerosumError(f"{of_pairs[0].name} compares pairs, others compare sets: evaluate them separately")
        return _evaluate_pairs(of_pairs, target, against, few, seed, device, folder, progress, given)
    with rng.fork_rng(hardware.find(device)):  # an evaluation during training changes nothing
        source = targets.open_source(target, truncation, device, folder, progress, given.over(AS_STORED))
        reference = real_data.load(source, against, folder, progress, given.over(_own_reading(source)))
        learnt, held_out = targets.own_parts(source.run, against, reference)
        translates = source.run is not None and has_role(source.run.game, Translates)
        rest = held_out if translates else None  # what is compared with in place of what was learnt from
        reference = learnt if rest is None else rest
        test = held_out or real_data.held_out(reference, folder, progress)
        about = _notes(source, learnt, against, truncation)
        if held_out is not None:
            about.append(_held_out_note(held_out, translates))
        reference, source, notes = real_data.in_one_colour(reference, source)
        features, of_features = real_data.extractor(extractor, reference, device)
        order, real_count = rng.shuffled(len(reference.x), seed), samples if real is None else real
        compared, unused = order.tensor_split([min(real_count, len(order))])
        own = (source.run is None or against is None) and rest is None
        context = Context(
            real=of_dataset(reference, features, name="the real data", chosen=compared, progress=progress),
            fake=source.samples(samples, seed, reference, features, progress),
            seed=seed,
            device=device,
            classes=source.classes,
            data=reference,
            training=of_dataset(reference, features, name="the training data", progress=progress) if own else None,
            test=real_data.like(test, reference.modality) if rest is None else None,
            mixture=real_data.mixture(reference),
            run=source.run,
            data_dir=folder or (None if source.run is None else source.run.record.data.folder),
            truncation=truncation,
        )
        if own and not len(unused):  # features are computed once
            context = replace(context, training=context.real)
        selected, distinct = _select(
            [metric for metric in named if isinstance(metric, Metric)],
            context,
            lambda: without_twins(context, order, len(compared)),
        )
        if any(metric.uses_features(context) for metric in selected):
            notes += of_features
        _require_memory(selected, context, references)
        _cache(selected, context)
        contexts = {False: context, True: distinct.context}  # by whether a metric needs distinct samples
        trying = (_try(metric, contexts[metric.needs_distinct], bool(named)) for metric in selected)
        tried = list(with_progress("measuring", trying, len(selected), progress))
        selected = [metric for metric, result in zip(selected, tried, strict=True) if result is not None]
        results = [result for result in tried if result is not None]
        for_metric: dict[bool, list[Reference]] = {False: [], True: []}
        if references and any(metric.has_references for metric in selected):
            noise = noise_for(context)
            known = references_for(context, reference, unused, noise)
            clean = references_for(distinct.context, reference, distinct.unused, noise) if distinct.note else known
            for_metric = {False: known, True: clean}
        both = zip(selected, results, strict=True)
        measured = (_add_references(m, result, for_metric[m.needs_distinct]) for m, result in both)
        results = list(with_progress("measuring reference scores", measured, len(selected), progress))
        if translates and source.run is not None:
            results, more = _with_inputs(selected, results, context, source.run, samples)
            notes += more
    notes += about + _twin_notes(selected, distinct, context)
    if translates and source.run is not None and not named:
        one_by_one, more = _usual_pairs(source.run, against, held_out or learnt, few, seed, folder, progress)
        results, notes = [*one_by_one, *results], [*dict.fromkeys(notes + more)]
    described = _described(selected, for_metric)
    return evaluation(source.target, reference.name, results, described, notes)


def _described(metrics: Sequence[Metric], references: Mapping[bool, Sequence[Reference]]) -> dict[str, str]:
    """What the reference scores are, in words; `references` by whether the metrics that they are of need distinct
    samples.
    """
    found: dict[str, str] = {}
    for distinct in sorted({metric.needs_distinct for metric in metrics if metric.has_references}):
        for reference in references[distinct]:
            before = found.setdefault(reference.name, reference.description)
            if reference.description != before:
                found[reference.name] = f"{before}; where twins are left out, {reference.description}"
    return found


def _require_unset(why: str, given: Mapping[str, object]) -> None:
    """A `ZerosumError` where one of these flags was given, by the values that it then has."""
    wrong = [flag for flag, value in given.items() if value is not None and value is not False and value != []]
    if wrong:
        raise ZerosumError(f"{why}: leave out {' and '.join(wrong)}")


def _evaluate_pairs(
    metrics: Sequence[PairMetric],
    target: str | Path | Run,
    against: str | None,
    most: int | None,
    seed: int,
    device: str,
    data_dir: Path | None,
    progress: Progress | None,
    given: Asked,
) -> Evaluation:
    """Images of two folders, by their names; or of aligned pairs, the translations by a run."""
    folder = target.path if isinstance(target, Run) else Path(target)
    if (folder / "run.json").exists():
        source = targets.open_source(target, None, device, data_dir, progress)
        if source.run is None or not has_role(source.run.game, Translates):
            raise ZerosumError(
                f"{metrics[0].name} compares pairs, and {folder} is no translator: name a folder of images, and "
                "--against that of their partners"
            )
        reference = real_data.load(source, against, data_dir, progress, given.over(_own_reading(source)))
        learnt, held_out = targets.own_parts(source.run, against, reference)
        measured = _aligned(source.run, against, held_out or learnt, data_dir, progress)
        results, notes = pairs.measure_run(metrics, source.run, measured, seed, progress, most)
        notes = _notes(source, learnt, against, None) + notes
        if held_out is not None:
            notes.append(_held_out_note(held_out, True))
        return evaluation(source.target, reference.name, results, {}, notes)
    if against is None:
        raise ZerosumError(f"say which images to compare those of {folder} with: --against FOLDER")
    own = given.over(AS_STORED)
    evaluated, results, notes = pairs.measure(metrics, folder, Path(against), seed, progress, own, most)
    return evaluation(evaluated, against, results, {}, notes)


def _aligned(
    run: Run, against: str | None, given: Dataset, data_dir: Path | None, progress: Progress | None
) -> Dataset:
    """The pairs that `given` has, or where a task made its two sides apart, those that it makes of the same images."""
    own = run.record.data
    name = together(own.name)
    if against is not None or name == own.name:
        return given
    folder = data_dir or own.folder
    whole = read_as(own.reading, name, size=own.size, crop=own.crop, data_dir=folder, progress=progress)
    _, held_out = targets.own_parts(run, None, whole)
    return held_out or whole


def _usual_pairs(
    run: Run,
    against: str | None,
    given: Dataset,
    most: int | None,
    seed: int,
    data_dir: Path | None,
    progress: Progress | None,
) -> tuple[list[Result], list[str]]:
    """What is measured of pairs where no metrics are named: nothing where there are none; and why, where it fails."""
    measured = _aligned(run, against, given, data_dir, progress)
    if not pairs.are_aligned(measured):
        return [], []
    usual = [metric for metric in METRICS.values() if isinstance(metric, PairMetric)]
    usual = [metric for metric in usual if min(measured.shape[-2:]) >= metric.smallest]
    try:
        return pairs.measure_run(usual, run, measured, seed, progress, most)
    except ZerosumError as error:
        return [], [f"outputs are not compared with their targets one by one: {error}"]


def _held_out_note(held_out: Dataset, translates: bool) -> str:
    """What the samples that a run held out are used for."""
    used = "translated and compared" if translates else "what memorization and the like compare with"
    count = f"{len(held_out):,} samples" if len(held_out) > 1 else "one sample"
    return f"held out by the run, and {used}: {count}"


def _own_reading(source: SampleSource) -> Reading:
    return AS_STORED if source.run is None else source.run.record.data.reading


def default_path(evaluation: Evaluation) -> Path:
    """Where an evaluation is kept: in the run's directory, or next to the folder or file."""
    path = Path(evaluation.target.path)
    return path / FILE if evaluation.target.kind == "run" else path.with_name(f"{path.stem}-{FILE}")


def _notes(source: SampleSource, reference: Dataset, against: str | None, truncation: float | None) -> list[str]:
    """What a reader of the numbers should know about the run."""
    taken = [*(() if source.data is None else source.data.notes), *reference.notes]
    if source.run is None:
        return list(dict.fromkeys(taken))
    notes, data, training = [], source.run.record.data, source.run.record.training
    if training.truncation is not None and training.truncation != truncation:
        used = "none" if truncation is None else f"{truncation:g}"
        notes.append(
            f"the recipe draws with a truncation of {training.truncation:g}; measured with {used}, see --truncation"
        )
    if against is None:
        # Of the same samples with all labels, with none, and with those that the run has kept.
        bare = reference.without_labels()
        fingerprints = {reference.fingerprint, bare.fingerprint, bare.formerly}
        if data.labels is not None:
            with suppress(DataError):  # too few of them by now
                fingerprints.add(reference.with_labels(data.labels, training.seed).fingerprint)
        if data.fingerprint not in fingerprints:
            notes.append(f"{data.name} has changed since the run was trained on it")
    return notes + taken


def _select(
    named: Sequence[Metric], context: Context, distinct: Callable[[], Distinct]
) -> tuple[list[Metric], Distinct]:
    """The metrics to measure: those named, all of which must be possible, or those that are by default; and the context
    for those that need distinct samples, which is made where one does."""
    large = context.training is not None and context.training.count > COPIES
    usual = [m for m in METRICS.values() if isinstance(m, Metric) and m.by_default]
    wanted = named or [metric for metric in usual if not (large and metric.name == "memorization")]
    possible = [metric for metric in wanted if not metric.unavailable(context)]
    found = Distinct(context, torch.empty(0), 0, 0)
    if any(metric.needs_distinct for metric in possible):
        found = distinct()
    chosen = []
    for metric in wanted:
        why = metric.unavailable(context) or (metric.needs_distinct and metric.unavailable(found.context))
        if why and named:
            beside = "" if metric.unavailable(context) else f"; {found.note}"
            raise ZerosumError(f"{metric.name} cannot be measured here: {why}{beside}")
        if not why:
            chosen.append(metric)
    return chosen, found


def _require_memory(metrics: Sequence[Metric], context: Context, references: bool) -> None:
    """`OutOfMemoryError` where features, moments or samples would not fit, before any is computed."""
    for metric in metrics:
        if each := metric.each(context):
            count = metric.fakes(context)
            cure = f"set fewer, as {metric.name}:{metric.draws}=1000"
            memory.require(each * count, f"{metric.name} of {count:,} {metric.draws}", cure, count=count)
    needs = {metric.needs for metric in metrics}
    real, fake = context.real, context.fake
    sample = context.data.x[:1]
    dim = real.extractor(context.data.modality.load(sample)).features.shape[1] if needs - {"none", "samples"} else 0
    sides = [real.count, fake.count] * (2 if references else 1)
    for metric in metrics:
        if isinstance(metric, Memorization):
            own = 0 if context.training in (None, real) else len(context.data)
            sides += [count for count in (own, len(context.data) * metric.both_orientations(context)) if count]
    needed = 0
    if "features" in needs:
        # In float32, with the parts that one side is put together of, and the two that distances are of in float64.
        needed += 4 * dim * (sum(sides) + max(sides)) + 8 * dim * sum(sorted(sides)[-2:])
    if "moments" in needs:
        needed += 0 if "features" in needs else 4 * dim * sum(n for n in sides if n <= CACHED)
        needed += sum(8 * dim * GROUPS * min(n // GROUPS + 1, dim) for n in sides)  # of each group
        needed += 3 * 8 * dim * min(max(sides), dim)  # of all of a side, its factor, and a product
    if "samples" in needs:
        needed += (4 * sum(sides[:2]) + 3 * 8 * max(sides)) * sample[0].numel()  # in float32, and some in float64
    what = f"comparing {real.count:,} real with {fake.count:,} fake samples"
    fewer = max(2, int(fake.count * memory.SHARE * (memory.available() or needed) / max(needed, 1) / 2))
    features = f" by {dim:,} features of {real.extractor.name!r} each" if dim else ""
    sizes = [f"-n {fewer:,}"] if fewer < fake.count else []
    sizes += [f"--real {fewer:,}"] if fewer < real.count else []

    def fewer_or_less() -> str:
        other = ""
        with suppress(ZerosumError), rng.fork_rng(torch.device("cpu")):  # of images alone
            if extractors.find("random")(context.data.modality.load(sample)).features.shape[1] < dim:
                other = ", an --extractor with fewer features, such as random"
        return f"use fewer samples ({' '.join(sizes)}){other}"

    memory.require(needed, f"{what}{features}", fewer_or_less)


def _cache(metrics: Sequence[Metric], context: Context) -> None:
    """Keep what is read more than once; but of many samples, where their moments are enough, keep nothing."""
    needs = {metric.needs for metric in metrics}
    context.fake.cache(samples="samples" in needs)
    for side in (context.real, context.fake):
        side.cache(features="features" in needs or ("moments" in needs and side.count <= CACHED))


def _try(metric: Metric, context: Context, named: bool) -> Result | None:
    """One metric; None where it was not named, and measuring shows that it cannot be."""
    try:
        return _measure(metric, context)
    except NotMeasurable:
        if named:
            raise
        return None


def _measure(metric: Metric, context: Context) -> Result:
    """One metric, with its protocol."""
    start = time.monotonic()
    try:
        scores = metric.measure(context)
    except ValueError as error:
        raise ZerosumError(f"{metric.name} cannot be measured: {error}") from error
    for name, score in scores.items():
        if not math.isfinite(score.value):
            raise ZerosumError(f"{metric.name} gives {score.value} as its {name}; are the samples sound?")
        if score.interval and not all(map(math.isfinite, score.interval)):  # JSON has no word for infinity
            scores[name] = replace(score, interval=None)
    if context.twins and metric.needs_distinct:
        left_out = f"{context.twins:,} twins left out"
        scores = {k: replace(s, note=f"{s.note}; {left_out}" if s.note else left_out) for k, s in scores.items()}
    seconds = round(time.monotonic() - start, 2)
    return Result(_protocol(metric, context), scores, tuple(metric.warnings(context)), seconds)


def _add_references(metric: Metric, result: Result, references: Sequence[Reference]) -> Result:
    """With the reference scores, and a warning of each score that beats real data, or does not beat noise."""
    scores = dict(result.scores)
    alike: dict[str, Score] = {}  # measured with as few samples as real data, where these are fewer
    fewer = 0
    for reference in references if metric.has_references else ():
        if metric.unavailable(reference.context):  # half of a small set may be too small
            continue
        for name, score in metric.measure(reference.context).items():
            if name in scores and math.isfinite(score.value):
                known = scores[name].references | {reference.name: score.value}
                spans = scores[name].reference_intervals
                if score.interval and all(map(math.isfinite, score.interval)):
                    spans = spans | {reference.name: score.interval}
                scores[name] = replace(scores[name], references=known, reference_intervals=spans)
        if reference.fakes is not None and any(score.better != "none" for score in scores.values()):
            alike, fewer = metric.measure(reference.fakes), reference.fakes.fake.count
    scores = {name: replace(s, standing=_standing(s, alike.get(name, s))) for name, s in scores.items()}
    remarks = tuple(said for name, score in scores.items() if (said := remark(name, score)))
    return replace(result, scores=scores, warnings=result.warnings + remarks, alike=fewer)


def _with_inputs(
    metrics: Sequence[Metric], results: Sequence[Result], context: Context, run: Run, count: int
) -> tuple[list[Result], list[str]]:
    """The results, that of the Fréchet distance with that of the inputs, and a note on how these were taken.

    Args:
        count: translations that were asked for.
    """
    if not any(isinstance(metric, Frechet) for metric in metrics):
        return [*results], []
    a, rows = targets.inputs(run, count, context.seed, context.data, context.fake.progress)
    if (found := pairs.inputs_of(context, run.source, a, rows)) is None:
        return [*results], []
    inputs, note = found
    changed = []
    for metric, result in zip(metrics, results, strict=True):
        if isinstance(metric, Frechet):
            (score,) = metric.measure(replace(context, fake=inputs)).values()
            result = replace(result, scores={**result.scores, pairs.OF_INPUTS: score})
        changed.append(result)
    return changed, [note] if note else []


def _standing(score: Score, alike: Score) -> Standing:
    """Beside real data as few fakes are judged as there are of these, beside noise all."""
    found = beside(alike, score.references, score.reference_intervals)
    if found in ("better than real data", "noise wins") or "noise" not in score.references:
        return found
    return beside(score, {"noise": score.references["noise"]}, score.reference_intervals)


def _twin_notes(metrics: Sequence[Metric], distinct: Distinct, context: Context) -> list[str]:
    """Which real samples were left out, and how many of the samples repeat one another."""
    notes = []
    if distinct.note and (which := ", ".join(metric.name for metric in metrics if metric.needs_distinct)):
        notes.append(f"{distinct.note}: left out of {which}")
    if distinct.unsearched:
        why = distinct.unsearched
        notes.append(f"near twins among the real samples were not looked for, equal ones alone, as {why}")
    if any(metric.needs == "features" for metric in metrics):
        repeated = context.fake.count - len(context.fake.features.unique(dim=0))
        if repeated:
            notes.append(
                f"{repeated:,} of the {context.fake.count:,} samples repeat another, as the extractor sees them: "
                "intervals take all for independent, and are too narrow"
            )
    return notes


def _protocol(metric: Metric, context: Context) -> Protocol:
    extractor = context.fake.extractor if metric.uses_features(context) else None
    return Protocol(
        metric=metric.name,
        settings=to_json(metric.adapt(context)),
        extractor=extractor.name if extractor else "",
        identity=extractor.identity if extractor else "",
        resizing=extractor.resizing if extractor else "",
        precision=f"{context.fake.modality.stored_as} {context.fake.modality.plural}"
        + (", float32 features" if extractor else ""),
        real=context.real.count,
        fake=metric.fakes(context),
        shape=context.fake.shape,
        reference=context.data.fingerprint,
        held_out=metric.held_out(context),
        seed=context.seed,
        truncation=context.truncation if metric.truncates else None,
        twins=context.twins if metric.needs_distinct else 0,
    )
