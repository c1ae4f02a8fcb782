"""`zerosum compare A B`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.cli.output import table
from zerosum.util.console import output

if TYPE_CHECKING:
    from zerosum.evaluation.compare import Comparison


@dataclass(frozen=True)
class Arguments:
    a: Annotated[Positional[Path], flag("a run directory, or the JSON file of an evaluation", metavar="A")]
    b: Annotated[Positional[Path], flag("another", metavar="B")]
    metrics: Annotated[tuple[str, ...], flag("the metrics to compare, by name", "all that both have")] = ()


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "compare", "Compare two evaluations that were made alike.")
    from zerosum.cli.commands.evaluate import interval, number
    from zerosum.evaluation.compare import compare
    from zerosum.evaluation.protocol import read

    a, b = read(given.a), read(given.b)
    rows = compare(a, b, given.metrics)
    shown = table("metric", "score", "A", "95 %", "B", "95 %", "better", right=("A", "B"), gap=1)
    before = ""
    for row in rows:
        sides = (number(row.a.value), interval(row.a), number(row.b.value), interval(row.b))
        shown.add_row("" if row.metric == before else row.metric, row.name, *sides, verdict(row))
        before = row.metric
    console = output()
    for name, side in (("A", a), ("B", b)):
        target = side.target
        weights = "" if target.averaged is None else ", averaged weights" if target.averaged else ", last weights"
        made = f" ({target.recipe}, step {target.step:,}{weights})" if target.step is not None else ""
        console.print(f"{name}: {target.path}{made}", markup=False)
    console.print(shown)


def verdict(row: Comparison) -> str:
    """`A`, `A, within chance`, `A, no interval`, `equal`; nothing where no direction is better."""
    if row.better in ("", "equal"):
        return row.better
    return row.better + {True: "", False: ", within chance", None: ", no interval"}[row.significant]
