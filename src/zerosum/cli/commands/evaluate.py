"""`zerosum evaluate RUN|FOLDER|FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from zerosum.cli.flags import NEWEST, DataDir, LikeAlpha, LikeFrames, LikeValueRange, Switch, WithRunFlags, flag, parse
from zerosum.cli.output import table
from zerosum.errors import ZerosumError
from zerosum.metrics import METRICS
from zerosum.util.console import output, progress, say

if TYPE_CHECKING:
    from rich.table import Table

    from zerosum.evaluation.protocol import Evaluation
    from zerosum.metrics.score import Score


@dataclass(frozen=True)
class Arguments:
    target: Annotated[
        Positional[Path],
        flag("a run directory, a folder of images, or an .npy or .npz file", metavar="RUN|FOLDER|FILE"),
    ]
    against: Annotated[str | None, flag("the real data, by name or as a folder", "the run's own")] = None
    metrics: Annotated[
        tuple[str, ...],
        flag(
            f"{', '.join(METRICS)}; with settings as kernel:subsets=50,subset_size=500",
            "all that fit and are quick",
        ),
    ] = ()
    extractor: Annotated[
        str | None, flag("feature extractor of images: digits, inception-v3, pixels, random", "by the data")
    ] = None
    samples: Annotated[
        int | None,
        flag("samples to evaluate; of a run that acts, episodes", "10,000, all pairs, or 50 episodes", aliases=["-n"]),
    ] = None
    real: Annotated[int | None, flag("real samples to compare with, at most", "as many")] = None
    seed: Annotated[int, flag("random seed")] = 0
    truncation: Annotated[
        float | None, flag("truncation of z, as for `zerosum sample`", "none, as in published protocols")
    ] = None
    out: Annotated[
        Path | None, flag("the JSON file", "RUN/evaluation.json, or NAME-evaluation.json beside the samples")
    ] = None
    no_references: Annotated[Switch, flag("skip the reference scores of real data and of noise", "")] = False
    weights: WithRunFlags = NEWEST
    data_dir: DataDir = None
    value_range: LikeValueRange = None
    frames: LikeFrames = None
    alpha: LikeAlpha = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "evaluate", "Measure how good samples are against real data.")
    from zerosum import report
    from zerosum.evaluation import protocol
    from zerosum.workflows.evaluate import default_path, evaluate

    if given.out is not None and given.out.is_dir():
        raise ZerosumError(f"--out {given.out} is a folder; name a file, such as {given.out / protocol.FILE}")
    is_run = (given.target / "run.json").exists()
    weights = given.weights
    of_runs = {"--checkpoint": weights.checkpoint is not None, "--last": weights.last, "--recipe": bool(weights.recipe)}
    if not is_run and any(of_runs.values()):
        which = " and ".join(flag for flag, is_given in of_runs.items() if is_given)
        raise ZerosumError(f"{given.target} holds samples, not a run: leave out {which}")
    with progress() as update:
        found = evaluate(
            given.weights.load(given.target) if is_run else given.target,
            given.against,
            given.metrics,
            extractor=given.extractor,
            samples=given.samples,
            real=given.real,
            seed=given.seed,
            truncation=given.truncation,
            device=given.weights.device,
            data_dir=given.data_dir,
            value_range=given.value_range,
            frames=given.frames,
            alpha=given.alpha,
            references=not given.no_references,
            progress=update,
        )
    out = given.out or default_path(found)
    try:
        protocol.write(found, out)
    finally:  # on a full disk the numbers are at least seen
        console = output()
        console.print(scores(found))
        for line in remarks(found):
            console.print(line)
    if given.out is None and found.target.kind == "run":
        report.write(given.target)  # which shows it
    say(out)


def scores(found: Evaluation) -> Table:
    """Every score with its interval, its direction and its reference scores."""
    from zerosum.evaluation.protocol import titles

    names = dict.fromkeys(name for r in found.results for f in r.scores.values() for name in f.references)
    shown = table("metric", "score", "value", "95 %", "better", *names, right=("value", *names), gap=1)
    for metric, result in zip(titles(found.results), found.results, strict=True):
        for name, score in result.scores.items():
            references = (number(score.references.get(reference)) for reference in names)
            better = "" if score.better == "none" else score.better
            shown.add_row(metric, name, number(score.value), interval(score), better, *references)
            metric = ""
    return shown


def remarks(found: Evaluation) -> list[str]:
    """Notes on the numbers."""
    from zerosum.evaluation.protocol import titles

    lines = ["", *(f"{name}: {what}" for name, what in found.references.items())]
    lines += [f"note: {note}" for note in found.notes]
    for metric, result in zip(titles(found.results), found.results, strict=True):
        lines += [f"warning: {metric}: {warning}" for warning in result.warnings]
    return lines


def number(value: float | None) -> str:
    """Four digits; nothing for nothing."""
    return "" if value is None else f"{value:.4g}"


def interval(score: Score) -> str:
    """`0.811 to 0.835`."""
    return "" if score.interval is None else " to ".join(f"{end:.3g}" for end in score.interval)
