"""`zerosum theory`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.cli.output import table
from zerosum.util.console import errors, output
from zerosum.util.files import write_atomic

EVERY = 5.0  # seconds between plain lines

if TYPE_CHECKING:
    from zerosum.theory.claim import Outcome

ABOUT = """Measure claims of theory on known densities and small trainings; draw pictures and a film.

For each claim it prints the prediction, the measurement and the tolerance, and writes them to
OUT/claims.json. The exit code is 1 if a claim fails. All topics take half a minute."""


@dataclass(frozen=True)
class Arguments:
    topics: Annotated[
        Positional[tuple[str, ...]], flag("topics; a wrong name lists them", "all", metavar="[TOPIC ...]")
    ] = ()
    out: Annotated[Path, flag("the folder of the pictures and of claims.json")] = Path("runs/theory")


def run(arguments: Sequence[str]) -> int:
    options = parse(Arguments, arguments, "theory", ABOUT)
    import torch

    from zerosum.theory.progress import watched
    from zerosum.theory.topics import TOPICS, find

    chosen = [find(name) for name in dict.fromkeys(options.topics)] or list(TOPICS.values())
    options.out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    torch.set_num_threads(1)  # networks this small gain nothing from a second
    console, log = output(), errors()
    record, pictures = {}, []
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn())
    with Progress(*columns, console=log, disable=not log.is_terminal, transient=True) as bars:
        task, inner = bars.add_task("", total=len(chosen)), bars.add_task("", total=None)
        for topic in chosen:
            bars.update(task, description=topic.name)
            start = time.perf_counter()
            lines = Lines(log, topic.name)

            def told(what: str, done: int, total: int, lines: Lines = lines) -> None:
                bars.update(inner, description=what, completed=done, total=total)
                if not log.is_terminal:
                    lines(what, done, total)

            with watched(told):
                result = topic.experiment()
            record[topic.name] = topic.check(result)
            told("drawing", 0, 1)
            pictures += topic.draw(result, options.out)
            bars.update(task, advance=1)
            log.print(f"{topic.name}: {_tally(record[topic.name])}, {time.perf_counter() - start:.1f} s")
    for topic in chosen:
        console.print(Text.assemble("\n", (topic.name, "bold"), f": {topic.about}"))
        console.print(_table(record[topic.name]))
    outcomes = [outcome for topic_outcomes in record.values() for outcome in topic_outcomes]
    path = options.out / "claims.json"
    plain = {name: [_plain(outcome) for outcome in topic_outcomes] for name, topic_outcomes in record.items()}
    write_atomic(path, (json.dumps(plain, indent=2) + "\n").encode())
    console.print(f"\n{_tally(outcomes)}")
    console.print(f"written: {', '.join(map(str, [*pictures, path]))}")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


class Lines:
    """How far a topic has come, where no terminal shows bars: a line every few seconds."""

    def __init__(self, console: Console, topic: str):
        self.console, self.topic, self.shown = console, topic, time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if (now := time.monotonic()) - self.shown >= EVERY:
            self.shown = now
            self.console.print(f"{self.topic}: {what}, {done:,} of {total:,}")


def _tally(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.holds for outcome in outcomes)} of {len(outcomes)} claims hold"


def _table(outcomes: Sequence[Outcome]) -> Table:
    numbers = ("predicted", "measured", "tolerance")
    shown = table("claim", "source", *numbers, "", right=numbers)
    for outcome in outcomes:
        relation = "" if outcome.relation == "=" else f"{outcome.relation} "
        holds = Text("holds") if outcome.holds else Text("FAILS", style="bold red")
        values = (f"{relation}{outcome.theory:.4g}", f"{outcome.measured:.4g}", f"{outcome.tolerance:g}")
        shown.add_row(outcome.statement, outcome.source, *values, holds)
    return shown


def _plain(outcome: Outcome) -> dict[str, object]:
    """For JSON, which knows no infinity."""
    return {
        name: str(value) if isinstance(value, float) and value - value != 0 else value
        for name, value in asdict(outcome).items()
    }
