"""`zerosum compare A B ...`."""

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
    from zerosum.metrics.score import Score

MARKS = {"better than real data": "!", "no better than noise": "?", "noise wins": "?", "": ""}


@dataclass(frozen=True)
class Arguments:
    evaluations: Annotated[
        Positional[tuple[Path, ...]],
        flag("run directories, or the JSON files of evaluations, two or more", metavar="RUN|FILE ..."),
    ]
    metrics: Annotated[tuple[str, ...], flag("the metrics to compare, by name", "all that they share")] = ()


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "compare", "Compare two or more evaluations that were made alike.")
    from zerosum.cli.commands.evaluate import interval, number
    from zerosum.evaluation.compare import compare, letter
    from zerosum.evaluation.protocol import read
    from zerosum.evaluation.standing import standing

    evaluations = [read(path) for path in given.evaluations]
    rows = compare(*evaluations, metrics=given.metrics)
    letters = [letter(i) for i in range(len(evaluations))]
    real = any("real" in score.references for row in rows for score in row.scores)

    def cells(score: Score) -> tuple[str, str]:
        return f"{number(score.value)}{MARKS[standing(score)]}", interval(score)

    columns = [column for name in letters for column in (name, "95 %")]
    shown = table("metric", "score", *columns, *(["real"] if real else []), "better", right=(*letters, "real"), gap=1)
    before = ""
    for row in rows:
        sides = [cell for score in row.scores for cell in cells(score)]
        references = [_of_real(row)] if real else []
        shown.add_row("" if row.metric == before else row.metric, row.name, *sides, *references, verdict(row))
        before = row.metric
    console = output()
    for name, evaluation in zip(letters, evaluations, strict=True):
        target = evaluation.target
        weights = "" if target.averaged is None else ", averaged weights" if target.averaged else ", last weights"
        made = f" ({target.recipe}, step {target.step:,}{weights})" if target.step is not None else ""
        console.print(f"{name}: {target.path}{made}")
    console.print(shown)
    remarks = [
        f"{MARKS[standing(row.scores[i])]} {letters[i]}: {row.metric}: {said}"
        for row in rows
        for i, said in row.remarks().items()
    ]
    remarks += dict.fromkeys(
        f"{letters[i]}: {row.metric}: what real data scores is taken from {lender}, which was measured alike"
        for row in rows
        for i, lender in enumerate(row.lenders)
        if lender
    )
    if unknown := list(dict.fromkeys(row.metric for row in rows if row.unknown and row.scores[0].better != "none")):
        remarks.append(
            f"{', '.join(unknown)}: what real data scores is not known, and a value that beats it is no merit: none is "
            "called better. Evaluate one of them without --no-references, with real data to spare"
        )
    for line in ["", *remarks] if remarks else []:
        console.print(line)


def verdict(row: Comparison) -> str:
    """`A`, `A, within chance`, `A, no interval`, `equal`; `A of A and C` where B beats real data and does not count;
    `none: ...` where nothing may be called better; nothing where no direction is better."""
    from zerosum.evaluation.compare import letter

    if row.scores[0].better == "none":
        return ""
    if row.unknown:
        return "none: real data's is not known"
    if not row.best:
        return "none: beside one that beats real data" if row.candidates else "none: all beat real data"
    among = ""
    if len(row.candidates) < len(row.scores):
        among = f" of {' and '.join(map(letter, row.candidates))}"
    if len(row.best) > 1:
        return row.better + among
    return row.better + among + {True: "", False: ", within chance", None: ", no interval"}[row.significant]


def _of_real(row: Comparison) -> str:
    """What real data score, where all evaluations say the same."""
    from zerosum.cli.commands.evaluate import number

    known = {number(score.references.get("real")) for score in row.scores}
    return known.pop() if len(known) == 1 else ""
