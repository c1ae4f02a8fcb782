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
from tyro.conf import Positional

from zerosum.cli.flags import Switch, flag, parse
from zerosum.cli.output import table
from zerosum.errors import ZerosumError
from zerosum.util.console import errors, output

ABOUT = """Run a published protocol and record the result in reproductions/results/NAME.json.

The same command resumes it after a stop: finished parts are kept below --work. With fewer seeds, or a fraction of the
training steps, it is a quick check that is never recorded."""


@dataclass(frozen=True)
class Arguments:
    name: Annotated[Positional[str | None], flag("the protocol", "list all", metavar="[NAME]")] = None
    seeds: Annotated[int | None, flag("number of seeds, the first ones of the protocol", "all")] = None
    fraction: Annotated[float, flag("fraction of the training steps, in (0, 1]")] = 1.0
    processes: Annotated[int, flag("parts run in parallel", "one for each CPU core")] = os.cpu_count() or 1
    work: Annotated[Path | None, flag("the folder for finished parts", "runs/reproduce/NAME")] = None
    table: Annotated[Switch, flag("print all recorded results beside the published ones", "")] = False


def run(arguments: Sequence[str]) -> None:
    options = parse(Arguments, arguments, "reproduce", ABOUT)
    from zerosum.studies import STUDIES, find, study

    console = output()
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
    log = errors()
    with Progress(*columns, console=log, disable=not log.is_terminal) as progress:
        task = progress.add_task(chosen.name, total=None)
        for done in study.run(chosen, seeds, options.fraction, work, options.processes):
            if progress.tasks[0].total is None:
                progress.update(task, total=done.left + 1)
            progress.update(task, advance=1)
            log.print(f"{done.part}, seed {done.seed}: {_short(done.measurements)}; {done.left} parts to go")
    result = study.record(chosen, seeds, work, shlex.join(["zerosum", "reproduce", *arguments]))
    _show(console, result)
    console.print(f"recorded: {study.write(result, record)}" if record else "a quick check: not recorded")


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
    shown = table("protocol", "ours", "published", "target", "")
    for result in results:
        spread = f" ± {result['std']:.3g}" if len(result["values"]) > 1 else ""
        ours = f"{result['mean']:.4g}{spread} ({len(result['values'])} seeds)"
        met = "met" if result["met"] else "missed"
        shown.add_row(result["name"], ours, result["published"], result["target"], met)
    return shown
