"""`zerosum reproduce NAME`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse
from zerosum.errors import ZerosumError

ABOUT = """Run a study and record its result in reproductions/results/NAME.json of the checkout.

The same command resumes a stopped study: finished parts are kept under --work. With fewer seeds, or a fraction of the
rounds, it is a trial, which is not recorded."""


@dataclass(frozen=True)
class Arguments:
    name: Annotated[Positional[str | None], arg(help="the study; default: list all")] = None
    seeds: Annotated[int | None, arg(help="number of seeds; default: all of the study's")] = None
    fraction: Annotated[float, arg(help="fraction of the training rounds, in (0, 1]")] = 1.0
    processes: Annotated[int, arg(help="parallel processes")] = os.cpu_count() or 1
    work: Annotated[Path | None, arg(help="folder of the finished parts; default: runs/reproduce/NAME")] = None
    table: Annotated[FlagCreatePairsOff[bool], arg(help="print the recorded results and the published ones")] = False


def run(arguments: Sequence[str]) -> None:
    options = parse(Arguments, arguments, "reproduce", ABOUT)
    from zerosum.studies import STUDIES, find, study

    console = Console(highlight=False, soft_wrap=True)
    if options.table:
        console.print(_table(study.results()))
        return
    if options.name is None:
        for known in STUDIES.values():
            console.print(f"[bold]{known.name}[/bold]  {known.protocol}")
        return
    chosen = find(options.name)
    if not 0 < options.fraction <= 1:
        raise ZerosumError(f"--fraction {options.fraction:g}: it must be above 0, and 1 at most")
    if options.seeds is not None and not 1 <= options.seeds <= len(chosen.seeds):
        raise ZerosumError(f"--seeds {options.seeds}: {chosen.name} has {len(chosen.seeds)} seeds")
    if options.processes < 1:
        raise ZerosumError(f"--processes {options.processes}: at least 1 is needed")
    seeds = chosen.seeds[: options.seeds]
    whole = options.fraction == 1 and seeds == chosen.seeds
    record = study.checkout_results() if whole else None  # before the work, not after it
    folder = options.work or Path("runs/reproduce") / chosen.name
    work = folder if options.fraction == 1 else folder / f"fraction-{options.fraction:g}"
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task(chosen.name, total=None)
        for done in study.run(chosen, seeds, options.fraction, work, options.processes):
            if progress.tasks[0].total is None:
                progress.update(task, total=done.left + 1)
            progress.update(task, advance=1)
            errors.print(f"{done.part}, seed {done.seed}: {_short(done.measurements)}; {done.left} parts to go")
    result = study.record(chosen, seeds, work, shlex.join(["zerosum", "reproduce", *arguments]))
    _show(console, result)
    console.print(f"recorded: {study.write(result, record)}" if record else "a trial: not recorded")


def _short(measurements: Mapping[str, Any]) -> str:
    shown = [
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in measurements.items()
        if isinstance(value, (int, float, str)) and name not in ("scenario", "seed")
    ]
    return ", ".join(shown)


def _show(console: Console, result: dict[str, Any]) -> None:
    for name, value in result.items():
        if name == "confusion":
            for truth, verdicts in value.items():
                console.print(f"  {truth}: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())}")
        elif isinstance(value, float):
            console.print(f"{name}: {value:.4g}")
        else:
            console.print(f"{name}: {value}")


def _table(results: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("study", "ours", "published", "target", ""):
        table.add_column(column)
    for result in results:
        spread = f" ± {result['std']:.3g}" if len(result["values"]) > 1 else ""
        ours = f"{result['mean']:.4g}{spread} ({len(result['values'])} seeds)"
        met = "met" if result["met"] else "missed"
        table.add_row(result["name"], ours, result["published"], result["target"], met)
    return table
