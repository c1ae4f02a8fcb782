"""Evaluations side by side, where they were measured alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation, Result
from zerosum.evaluation.standing import standing
from zerosum.metrics.score import Score
from zerosum.util.text import shape_text


@dataclass(frozen=True)
class Comparison:
    """One score in all evaluations."""

    metric: str
    name: str
    scores: tuple[Score, ...]  # in the order of the evaluations

    @property
    def candidates(self) -> tuple[int, ...]:
        """The numbers of the scores that may be called better: of a direction, and none that beats real data."""
        if self.scores[0].better == "none":
            return ()
        return tuple(i for i, score in enumerate(self.scores) if standing(score) != "better than real data")

    @property
    def best(self) -> tuple[int, ...]:
        """The best of the candidates, where there are two or more: one number, or those of equal best values."""
        if len(self.candidates) < 2:
            return ()
        sign = 1 if self.scores[0].better == "higher" else -1
        top = max(sign * self.scores[i].value for i in self.candidates)
        return tuple(i for i in self.candidates if sign * self.scores[i].value == top)

    @property
    def better(self) -> str:
        """ "A", "A and C" where these are equal, "equal" where all are, or "" where none may be called better."""
        if self.best and len(self.best) == len(self.candidates):
            return "equal"
        return " and ".join(map(letter, self.best))

    @property
    def significant(self) -> bool | None:
        """Whether the interval of the best is apart from those of all other candidates; None where one is missing, or
        there is no single best."""
        if len(self.best) != 1:
            return None
        ours = self.scores[self.best[0]].interval
        others = [self.scores[i].interval for i in self.candidates if i not in self.best]
        if ours is None or None in others:
            return None
        return all(ours[1] < other[0] or other[1] < ours[0] for other in others if other is not None)


def compare(*evaluations: Evaluation, metrics: Sequence[str] = ()) -> list[Comparison]:
    """Every score that all of two or more evaluations have, of the metrics named, or of all.

    They are called A, B, C ... in their order. `ZerosumError` where the protocols of a metric differ (the message says
    in which fields), nothing is shared, or there are fewer than two.
    """
    if len(evaluations) < 2:
        raise ZerosumError("one evaluation compares with nothing; name two or more")
    results = {letter(i): {r.protocol.metric: r for r in e.results} for i, e in enumerate(evaluations)}
    first, *others = results.values()
    names = list(metrics) or [name for name in first if all(name in other for other in others)]
    for name in names:
        for side, own in results.items():
            if name not in own:
                raise ZerosumError(f"{side} has no {name!r}; it has {', '.join(own) or 'no results'}")
    if not names:
        listed = "; ".join(f"{side} has {', '.join(own) or 'no results'}" for side, own in results.items())
        raise ZerosumError(f"nothing to compare: {listed}")
    if differences := [line for name in names for line in _differences(name, results)]:
        raise ZerosumError(
            f"these numbers cannot be compared, they were measured differently: {'; '.join(differences)}. "
            "Evaluate all in the same way, or choose what can be compared by --metrics"
        )
    return [
        Comparison(name, score, tuple(own[name].scores[score] for own in results.values()))
        for name in names
        for score in first[name].scores
        if all(score in other[name].scores for other in others)
    ]


def letter(number: int) -> str:
    """A, B ... Z, AA, AB ...: what the evaluations are called, from 0."""
    return (letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _differences(metric: str, results: Mapping[str, Mapping[str, Result]]) -> list[str]:
    """What differs in the protocols of a metric: "frechet: seed is 0 in A, 1 in B and C"."""
    protocols = {side: own[metric].protocol for side, own in results.items()}
    fields = dict.fromkeys(field for one, other in pairwise(protocols.values()) for field in one.differences(other))
    lines = []
    for field in fields:
        sides: dict[str, list[str]] = {}
        for side, protocol in protocols.items():
            sides.setdefault(_text(protocol.values().get(field)), []).append(side)
        lines.append(f"{metric}: {field} is " + ", ".join(f"{v} in {' and '.join(s)}" for v, s in sides.items()))
    return lines


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return shape_text(value)
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"
