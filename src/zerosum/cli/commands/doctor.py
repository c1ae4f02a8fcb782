"""`zerosum doctor RUN`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional, arg

from zerosum.cli.flags import parse

ABOUT = """Say whether a run is healthy, with the evidence, and what to try if it is not. The run may still be going on.

The exit code tells the verdict: """


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    out: Annotated[Path | None, arg(help="the plot of the signals (default: RUN/health.png)")] = None


def run(arguments: Sequence[str]) -> int:
    from zerosum.health.verdicts import VERDICTS

    codes = ", ".join(f"{spec.exit_code} {name}" for name, spec in VERDICTS.items())
    options = parse(Arguments, arguments, "doctor", f"{ABOUT}{codes}.")
    from zerosum.health.history import History
    from zerosum.health.verdicts import diagnose
    from zerosum.report.health_timeline import save

    history = History.of_run(options.run)
    verdict = diagnose(history)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(verdict.sentence)}[/bold]")
    if verdict.evidence:
        table = Table(box=None, pad_edge=False)
        for column in ("signal", "value", "threshold", "since step", "what it is"):
            table.add_column(column, overflow="fold")
        for seen in verdict.evidence:
            table.add_row(escape(seen.label), f"{seen.value:.3g}", seen.comparison, f"{seen.since:,}", seen.meaning)
        console.print(table)
    for event in history.events:
        console.print(f"step {event.step:,}: {event.event}: {event.detail}", markup=False)
    if verdict.advice:
        console.print("what to try:")
        for line in verdict.advice:
            console.print(f"  - {line.replace('RUN', shlex.quote(str(options.run)))}", markup=False)
    console.print(f"plot: {save(history, options.out or options.run / 'health.png')}", markup=False)
    console.print(f"exit code {verdict.exit_code}: {verdict.name}")
    return verdict.exit_code
