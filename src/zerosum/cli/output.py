"""What commands print alike: tables, and the files of a finished training."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from rich.table import Table

from zerosum.util.console import say

if TYPE_CHECKING:
    from zerosum.run.loaded import Run


def table(*columns: str, right: Container[str] = (), gap: int = 2) -> Table:
    """An empty table without lines, `gap` blanks between columns; `right` are the columns of numbers."""
    empty = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False)
    for column in columns:
        empty.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return empty


def show_run(run: Run) -> None:
    """Where the results of a training lie, and how it went; printed by the first of several processes."""
    from zerosum import report
    from zerosum.util import distributed

    if distributed.rank() > 0:
        return
    for what, name in (("samples", "samples.png"), ("film", "film.gif"), ("report", "report.html")):
        if (run.path / name).exists():
            say(f"{what + ':':<9}{run.path / name}")
    say(report.summary(run.path))
