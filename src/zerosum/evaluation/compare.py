"""Two evaluations side by side, where they were measured alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation
from zerosum.metrics.score import Score
from zerosum.util.text import shape_text


@dataclass(frozen=True)
class Comparison:
    """One score in both evaluations."""

    metric: str
    name: str
    a: Score
    b: Score

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
    def significant(self) -> bool | None:
        """Whether the confidence intervals are disjoint; None where one is missing."""
        if self.a.interval is None or self.b.interval is None:
            return None
        return self.a.interval[1] < self.b.interval[0] or self.b.interval[1] < self.a.interval[0]


def compare(a: Evaluation, b: Evaluation, metrics: Sequence[str] = ()) -> list[Comparison]:
    """Every score that both have, of the metrics named, or of all.

    `ZerosumError` where the protocols of a metric differ (the message says in which fields), or nothing is shared.
    """
    ours, theirs = ({r.protocol.metric: r for r in e.results} for e in (a, b))
    names = list(metrics) or [name for name in ours if name in theirs]
    for name in names:
        for side, results in (("A", ours), ("B", theirs)):
            if name not in results:
                raise ZerosumError(f"{side} has no {name!r}; it has {', '.join(results) or 'no results'}")
    if not names:
        raise ZerosumError(f"nothing to compare: A has {', '.join(ours) or 'no results'}; B has {', '.join(theirs)}")
    differences = [
        f"{name}: {field} is {_text(x)} in A, {_text(y)} in B"
        for name in names
        for field, (x, y) in ours[name].protocol.differences(theirs[name].protocol).items()
    ]
    if differences:
        listed = "; ".join(dict.fromkeys(differences))
        raise ZerosumError(
            f"these numbers cannot be compared, they were measured differently: {listed}. "
            "Evaluate both in the same way, or choose what can be compared by --metrics"
        )
    return [
        Comparison(metric, name, score, theirs[metric].scores[name])
        for metric in names
        for name, score in ours[metric].scores.items()
        if name in theirs[metric].scores
    ]


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return shape_text(value)
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"
