"""What a finished training says."""

from __future__ import annotations

from zerosum import report
from zerosum.run.loaded import Run
from zerosum.util import distributed


def show(run: Run) -> None:
    """Where the results lie, and how the run went; said by the first of several processes."""
    if distributed.rank() > 0:
        return
    for what, name in (("samples", "samples.png"), ("film", "film.gif"), ("report", "report.html")):
        if (run.path / name).exists():
            print(f"{what + ':':<9}{run.path / name}")
    print(report.summary(run.path))
