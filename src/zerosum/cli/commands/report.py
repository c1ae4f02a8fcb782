"""`zerosum report RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory; the run may still be going on")]


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "report", "Write a run's report.html from what lies in its directory.")
    from zerosum import report
    from zerosum.run.directory import RunDirectory

    RunDirectory(given.run).read()
    print(report.write(given.run))
