"""Progress lines: only of what takes long, with the time left."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from zerosum.cli import lines


def test_a_line_now_and_then_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0, 21.0, 22.0, 40.0])
    monkeypatch.setattr(lines.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    progress = lines.Lines(Console(file=out), every=15.0)
    for done in (1000, 2000, 3000, 4000):  # at 0, 10, 20 and 21 s
        progress("features of the samples", done, 10_000)
    progress("reading", 5, 0)  # another thing, whose total is unknown
    progress("reading", 9, 0)
    assert out.getvalue().splitlines() == ["features of the samples: 3,000 of 10,000  ETA 1 min 10 s", "reading: 9"]
