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
from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import Switch, flag, parse
from zerosum.cli.output import table
from zerosum.errors import ZerosumError
from zerosum.util.console import errors, output, say

ABOUT = """Run a study, a paper's protocol or a way of zerosum's own, and record it in reproductions/results/NAME.json.

The same command resumes it after a stop: finished parts are kept below --work. With fewer seeds, or a fraction of the
training steps, it is a quick check that is never recorded. A whole study is refused where the package has changes that
are not committed, since a result names its commit."""


@dataclass(frozen=True)
class Arguments:
    name: Annotated[Positional[str | None], flag("the study", "list all", metavar="[NAME]")] = None
    seeds: Annotated[int | None, flag("number of seeds, the first ones of the protocol", "all")] = None
    fraction: Annotated[float, flag("fraction of the training steps, in (0, 1]")] = 1.0
    processes: Annotated[int, flag("parts run in parallel", "one for each CPU core")] = os.cpu_count() or 1
    work: Annotated[Path | None, flag("the folder for finished parts", "runs/reproduce/NAME")] = None
    table: Annotated[Switch, flag("print all recorded results, papers' protocols and own ways apart", "")] = False
    markdown: Annotated[Switch, flag("with --table: as the documentation has them", "")] = False


def run(arguments: Sequence[str]) -> None:
    options = parse(Arguments, arguments, "reproduce", ABOUT)
    from zerosum.studies import STUDIES, find, study

    console = output()
    if options.table:
        if options.name is not None:
            raise ZerosumError(f"--table is of all recorded results; leave out {options.name!r}")
        _print_results(console, study.results(), options.markdown)
        return
    if options.markdown:
        raise ZerosumError("--markdown is of the table of results; say --table, too")
    if options.name is None:
        for known in STUDIES.values():
            kind = "the paper's protocol" if known.papers else "zerosum's own way"
            console.print(Text.assemble((known.name, "bold"), f" ({kind})  {known.protocol}"))
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
    if whole:
        study.check_committed()
    folder = options.work or Path("runs/reproduce") / chosen.work
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
    if record is None:
        console.print("a quick check: not recorded")
        return
    path = study.write(result, record)
    console.print(f"recorded: {path}")
    if chosen.picture:
        chosen.picture(result, work, path.with_suffix(".png"))


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


def _print_results(console: Console, results: Sequence[dict[str, Any]], markdown: bool) -> None:
    from zerosum.studies import tables

    if markdown:
        for name, block in tables.blocks(results).items():
            say(f"<!-- {name} -->\n{block}\n")
        return
    for title, columns, papers in (
        ("The paper's protocol", tables.PAPERS, True),
        ("What zerosum reaches its own way", tables.OWN, False),
    ):
        shown = table(columns[0], "measure", *columns[1:])
        shown.columns[0].no_wrap = True  # a name is to be typed
        for name_and_measure, *cells in tables.protocols(results, papers):
            name, _, measure = name_and_measure.partition(", ")
            shown.add_row(name, measure, *cells)
        console.print(Text(title, style="bold"), shown, "", sep="\n")
    if stale := tables.stale(results):
        shown = table("before", "what has changed since")
        for name, what, _ in stale:
            shown.add_row(name, what)
        console.print(Text("Measured before a change", style="bold"), shown, sep="\n")
    console.print(tables.counted(results))
