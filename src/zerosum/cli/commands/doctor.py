"""`zerosum doctor RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from zerosum.cli.flags import parse

ABOUT = """Say whether a run is healthy, with the evidence, and what to try if it is not. The run may still be going on.

The exit code tells the verdict: """


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    out: Annotated[Path | None, arg(help="the plot of the vital signs (default: RUN/health.png)")] = None


def run(arguments: Sequence[str]) -> int:
    from zerosum.health.verdicts import VERDICTS

    codes = ", ".join(f"{ailment.exit_code} {name}" for name, ailment in VERDICTS.items())
    given = parse(Arguments, arguments, "doctor", f"{ABOUT}{codes}.")
    from zerosum.health.verdicts import diagnose, of_run
    from zerosum.report.health_timeline import save

    history = of_run(given.run)
    verdict = diagnose(history)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{verdict.sentence}[/bold]")
    if verdict.evidence:
        table = Table(box=None, pad_edge=False)
        for column in ("sign", "value", "threshold", "since round", "what it is"):
            table.add_column(column, overflow="fold")
        for seen in verdict.evidence:
            table.add_row(seen.sign, f"{seen.value:.3g}", seen.limit, f"{seen.since:,}", seen.meaning)
        console.print(table)
    for event in history.events:
        console.print(f"round {event.step:,}: {event.event}: {event.detail}")
    if verdict.advice:
        console.print("what to try:")
        for line in verdict.advice:
            console.print(f"  - {line}")
    console.print(f"plot: {save(history, given.out or given.run / 'health.png')}")
    console.print(f"exit code {verdict.exit_code}: {verdict.name}")
    return verdict.exit_code
