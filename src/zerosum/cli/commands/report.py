"""`zerosum report RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.util.console import say


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], flag("the run directory; the run may still be training", metavar="RUN")]


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "report", "Write a run's report.html from the files in its directory.")
    from zerosum import report
    from zerosum.run.directory import RunDirectory

    RunDirectory(given.run).read()
    say(report.write(given.run))
