"""`zerosum doctor RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.text import Text

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
    from zerosum.health.history import History
    from zerosum.health.verdicts import VERDICTS, diagnose

    codes = ", ".join(f"{spec.exit_code} {name}" for name, spec in VERDICTS.items())
    options = parse(Arguments, arguments, "doctor", f"{ABOUT}{codes}.")
    from zerosum.report.health_timeline import save
    from zerosum.report.run_files import RunFiles

    history = History.of_run(options.run)
    verdict = diagnose(history)
    console, files = output(), RunFiles(options.run)
    console.print(Text(verdict.sentence, style="bold"))
    if verdict.name == "healthy":
        console.print("what it rests on: each signal, and the limit that real samples in place of the fakes set it")
    if verdict.evidence:
        signals = table("signal", "value", "threshold", "since step", "what it is")
        for seen in verdict.evidence:
            signals.add_row(seen.label, f"{seen.value:.3g}", seen.comparison, f"{seen.since:,}", seen.meaning)
        console.print(signals)
    for event in history.events:
        console.print(f"step {event.step:,}: {event.event}: {event.detail}")
    if verdict.advice:
        console.print("what to try:")
        for line in verdict.advice:
            console.print(f"  - {files.advice(line)}")
    console.print(f"plot: {save(history, options.out or options.run / 'health.png')}")
    console.print(f"exit code {verdict.exit_code}: {verdict.name}")
    return verdict.exit_code
