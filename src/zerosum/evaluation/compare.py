"""Two evaluations side by side, if they were made alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation, Figure, Result


@dataclass(frozen=True)
class Row:
    """One figure in both evaluations."""

    metric: str
    name: str
    a: Figure
    b: Figure

    @property
    def better(self) -> str:
        """ "A", "B", "equal", or "" where neither direction is better."""
        direction = self.a.better
        if direction == "none":
            return ""
        if self.a.value == self.b.value:
            return "equal"
        return "A" if (self.a.value < self.b.value) == (direction == "lower") else "B"

    @property
    def apart(self) -> bool | None:
        """Whether the intervals are apart, so that chance is no explanation; None where an interval is missing."""
        if self.a.interval is None or self.b.interval is None:
            return None
        return self.a.interval[1] < self.b.interval[0] or self.b.interval[1] < self.a.interval[0]


def compare(a: Evaluation, b: Evaluation, metrics: Sequence[str] = ()) -> list[Row]:
    """Every figure that both have.

    Args:
        metrics: names to compare; by default all that both have.

    Raises:
        ZerosumError: the stamps of a metric differ (the message says in which fields), or nothing is shared.
    """
    ours, theirs = ({r.protocol.metric: r for r in e.results} for e in (a, b))
    names = list(metrics) or [name for name in ours if name in theirs]
    for name in names:
        for which, found in (("A", ours), ("B", theirs)):
            if name not in found:
                raise ZerosumError(f"{which} has no {name!r}; it has {', '.join(found) or 'no results'}")
    if not names:
        raise ZerosumError(f"nothing to compare: A has {', '.join(ours) or 'no results'}; B has {', '.join(theirs)}")
    unequal = [line for name in names for line in _differences(ours[name], theirs[name])]
    if unequal:
        listed = "; ".join(dict.fromkeys(unequal))
        raise ZerosumError(
            f"these numbers cannot be compared, they were measured differently: {listed}. "
            "Evaluate both in the same way, or choose what can be compared by --metrics"
        )
    return [
        Row(name, figure, ours[name].figures[figure], theirs[name].figures[figure])
        for name in names
        for figure in ours[name].figures
        if figure in theirs[name].figures
    ]


def _differences(a: Result, b: Result) -> list[str]:
    different = a.protocol.differences(b.protocol)
    return [f"{a.protocol.metric}: {field} is {_said(x)} in A, {_said(y)} in B" for field, (x, y) in different.items()]


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"
