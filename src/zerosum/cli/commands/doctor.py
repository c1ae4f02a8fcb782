"""`zerosum doctor RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from zerosum.cli.flags import RunPath, flag, parse
from zerosum.cli.output import table
from zerosum.util.console import output

ABOUT = """Say whether a run is healthy, with the evidence, and what to try if it is not. It may still be training.

The exit code tells the verdict: """


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    out: Annotated[Path | None, flag("the plot of the health signals", "RUN/health.png")] = None


def run(arguments: Sequence[str]) -> int:
    from zerosum.health.verdicts import VERDICTS, diagnose, of_run

    codes = ", ".join(f"{ailment.exit_code} {name}" for name, ailment in VERDICTS.items())
    given = parse(Arguments, arguments, "doctor", f"{ABOUT}{codes}.")
    from zerosum.report.health_timeline import save

    history = of_run(given.run)
    verdict = diagnose(history)
    console = output()
    console.print(f"[bold]{verdict.sentence}[/bold]")
    if verdict.evidence:
        signs = table("sign", "value", "threshold", "since round", "what it is")
        for seen in verdict.evidence:
            signs.add_row(seen.sign, f"{seen.value:.3g}", seen.limit, f"{seen.since:,}", seen.meaning)
        console.print(signs)
    for event in history.events:
        console.print(f"round {event.step:,}: {event.event}: {event.detail}")
    if verdict.advice:
        console.print("what to try:")
        for line in verdict.advice:
            console.print(f"  - {line}")
    console.print(f"plot: {save(history, given.out or given.run / 'health.png')}")
    console.print(f"exit code {verdict.exit_code}: {verdict.name}")
    return verdict.exit_code
