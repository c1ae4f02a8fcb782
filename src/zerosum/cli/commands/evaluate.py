"""`zerosum evaluate RUN|FOLDER|FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse
from zerosum.errors import ZerosumError
from zerosum.metrics import METRICS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from zerosum.evaluation.protocol import Evaluation
    from zerosum.metrics.score import Score
    from zerosum.run.loaded import Run


@dataclass(frozen=True)
class Arguments:
    target: Annotated[Positional[Path], arg(help="a run directory, a folder of images, or an .npy or .npz file")]
    against: Annotated[str | None, arg(help="the real data, a name or a folder; default: the run's own")] = None
    metrics: Annotated[
        tuple[str, ...],
        arg(
            help=f"{', '.join(METRICS)}; with settings as kernel:subsets=50,subset_size=500; "
            "default: those that fit and are quick"
        ),
    ] = ()
    extractor: Annotated[
        str | None, arg(help="feature extractor: digits, inception-v3, pixels, random; default: by the data")
    ] = None
    samples: Annotated[int, arg(aliases=["-n"], help="how many samples to measure")] = 10_000
    real: Annotated[int | None, arg(help="real samples to compare with, at most; default: as many")] = None
    seed: Annotated[int, arg(help="equal seeds give equal numbers")] = 0
    truncation: Annotated[
        float | None, arg(help="keep z within this many standard deviations; default: none, as papers do")
    ] = None
    out: Annotated[
        Path | None,
        arg(help="the JSON file; default: RUN/evaluation.json, or NAME-evaluation.json beside the samples"),
    ] = None
    no_references: Annotated[
        FlagCreatePairsOff[bool], arg(help="skip the reference scores of real data and of noise")
    ] = False
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str, arg(help="cpu, cuda, cuda:1 ...")] = "cpu"
    data_dir: Annotated[Path | None, arg(help="where published data sets are looked for first")] = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "evaluate", "Measure how good samples are against real data.")
    from rich.console import Console

    from zerosum import report
    from zerosum.cli.lines import Lines
    from zerosum.cli.loading import Loading
    from zerosum.evaluation import protocol
    from zerosum.workflows.evaluate import default_path, evaluate

    if given.out is not None and given.out.is_dir():
        raise ZerosumError(f"--out {given.out} is a folder; name a file, such as {given.out / protocol.FILE}")
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with Loading(console) as bars:
        found = evaluate(
            _target(given),
            given.against,
            given.metrics,
            extractor=given.extractor,
            samples=given.samples,
            real=given.real,
            seed=given.seed,
            truncation=given.truncation,
            device=given.device,
            data_dir=given.data_dir,
            references=not given.no_references,
            progress=bars if console.is_terminal else Lines(console),
        )
    out = given.out or default_path(found)
    try:
        protocol.write(found, out)
    finally:  # on a full disk the numbers are at least seen
        show(found)
    if given.out is None and found.target.kind == "run":
        report.write(given.target)  # which shows it
    print(out)


def _target(given: Arguments) -> Path | Run:
    """The run with the chosen weights, or the files of samples as they are."""
    if (given.target / "run.json").exists():
        from zerosum.run.loaded import load

        return load(
            given.target,
            average=not given.last,
            checkpoint_step=given.checkpoint,
            recipe=given.recipe,
            device=given.device,
        )
    if given.target.exists() and (given.checkpoint is not None or given.last):
        raise ZerosumError(f"{given.target} holds samples, not a run: leave out --checkpoint and --last")
    return given.target


def show(found: Evaluation) -> None:
    """The table, and what to know beside it."""
    console = wide()
    console.print(table(found))
    for line in remarks(found):
        console.print(line, markup=False)


def wide() -> Console:
    """Standard output; where nobody watches, wide enough for every column."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=max(console.width, 120))


def table(found: Evaluation) -> Table:
    """Every score with its interval, its direction and its reference scores."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    names = dict.fromkeys(name for r in found.results for s in r.scores.values() for name in s.references)
    for column in ("metric", "score", "value", "95 %", "better", *names):
        made.add_column(column, justify="right" if column in ("value", *names) else "left", overflow="fold")
    for result in found.results:
        metric = result.protocol.metric
        for name, score in result.scores.items():
            references = (number(score.references.get(reference)) for reference in names)
            better = "" if score.better == "none" else score.better
            made.add_row(metric, name, number(score.value), interval(score), better, *references)
            metric = ""
    return made


def remarks(found: Evaluation) -> list[str]:
    """What to know beside the numbers."""
    lines = ["", *(f"{name}: {what}" for name, what in found.references.items())]
    lines += [f"note: {note}" for note in found.notes]
    for result in found.results:
        lines += [f"warning: {result.protocol.metric}: {warning}" for warning in result.warnings]
    return lines


def number(value: float | None) -> str:
    """Four digits; nothing for nothing."""
    return "" if value is None else f"{value:.4g}"


def interval(score: Score) -> str:
    """`0.811 to 0.835`."""
    return "" if score.interval is None else " to ".join(f"{end:.3g}" for end in score.interval)
