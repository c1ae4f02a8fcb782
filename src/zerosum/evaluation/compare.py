"""Evaluations side by side, where they were measured alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation, Result, as_given, titles
from zerosum.evaluation.standing import remark, standing
from zerosum.metrics import METRICS, name_and_settings
from zerosum.metrics.metric import Metric
from zerosum.metrics.score import Score
from zerosum.util.text import shape_text

LENT = ("real", "noise")  # reference scores, which depend on the protocol alone


@dataclass(frozen=True)
class Comparison:
    """One score in all evaluations."""

    metric: str  # with the settings that tell it from others of the same evaluation
    name: str
    scores: tuple[Score, ...]  # in the order of the evaluations
    lenders: tuple[str, ...] = ()  # whose reference scores each is beside: "" for its own, or where none are known
    fewer: int = 0  # samples that a lender's real data had, where these are fewer than the fakes
    unknown: bool = False  # whether real data could be measured, and has not been in any

    @property
    def candidates(self) -> tuple[int, ...]:
        """The numbers of the scores that may be called better: of a direction, and none that beats real data."""
        if self.scores[0].better == "none" or self.unknown:
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

    def remarks(self) -> dict[int, str]:
        """What a reader must know, by the number of the score."""
        found = {}
        for i, score in enumerate(self.scores):
            said = remark(self.name, score)
            if said and self.lenders and self.lenders[i] and self.fewer and standing(score) == "better than real data":
                said = (
                    f"{self.name} {score.value:.4g} is better than real data's {score.references['real']:.4g} in "
                    f"{self.lenders[i]}, of {self.fewer:,} samples: only with its own reference scores can as few of "
                    "its samples be judged"
                )
            if said:
                found[i] = said
        return found


def compare(*evaluations: Evaluation, metrics: Sequence[str] = ()) -> list[Comparison]:
    """Every score that all of two or more evaluations have, of the metrics named, or of all.

    They are called A, B, C ... in their order. Of several results of one metric those are compared that have equal
    settings; "precision-recall:k=5" names one. Where protocols are equal, so are the reference scores: who has none
    stands beside another's. `ZerosumError` where the protocols of a metric differ (the message says in which fields),
    nothing is shared, or there are fewer than two.
    """
    if len(evaluations) < 2:
        raise ZerosumError("one evaluation compares with nothing; name two or more")
    sides = {letter(i): list(e.results) for i, e in enumerate(evaluations)}
    known = {side: list(dict.fromkeys(r.protocol.metric for r in own)) for side, own in sides.items()}
    first, *others = known.values()
    names = list(dict.fromkeys(metrics)) or [name for name in first if all(name in other for other in others)]
    if not names:
        listed = "; ".join(f"{side} has {', '.join(own) or 'no results'}" for side, own in known.items())
        raise ZerosumError(f"nothing to compare: {listed}")
    rows, differences = [], []
    for name in names:
        matched, apart = _matched(name, {side: _named(name, side, own) for side, own in sides.items()})
        differences += apart + [line for title, results in matched.items() for line in _differences(title, results)]
        rows += [row for title, results in matched.items() for row in _rows(title, results)]
    if differences:
        raise ZerosumError(
            f"these numbers cannot be compared, they were measured differently: {'; '.join(differences)}. "
            "Evaluate all in the same way, or choose what can be compared by --metrics"
        )
    return rows


def _named(name: str, side: str, results: Sequence[Result]) -> list[Result]:
    """The results of a metric, or of it with some settings, "precision-recall:k=5"; at least one."""
    (metric, wanted), found = name_and_settings(name), []
    for result in results:
        own = {setting: as_given(value) for setting, value in result.protocol.settings.items()}
        if result.protocol.metric == metric and wanted.items() <= own.items():
            found.append(result)
    if not found:
        raise ZerosumError(f"{side} has no {name!r}; it has {', '.join(titles(results)) or 'no results'}")
    return found


def _matched(name: str, sides: Mapping[str, Sequence[Result]]) -> tuple[dict[str, dict[str, Result]], list[str]]:
    """What is compared, by its title and by side: of one result each these, else those of equal settings; and what
    differs, where none are equal."""
    if all(len(own) == 1 for own in sides.values()):
        return {name: {side: result for side, (result,) in sides.items()}}, []
    settings = {side: [result.protocol.settings for result in own] for side, own in sides.items()}
    first, *others = settings.values()
    shared = [one for i, one in enumerate(first) if one not in first[:i] and all(one in other for other in others)]
    every = [result for own in sides.values() for result in own]
    matched = {}
    for one in shared:
        title = next(title for title, r in zip(titles(every), every, strict=True) if r.protocol.settings == one)
        matched[title] = {side: own[settings[side].index(one)] for side, own in sides.items()}
    if matched:
        return matched, []
    listed = ", ".join(f"{' and '.join(titles(own))} in {side}" for side, own in sides.items())
    return {}, [f"{name}: no settings are equal: {listed}"]


def _rows(title: str, results: Mapping[str, Result]) -> list[Comparison]:
    """The scores that all have, each beside reference scores, where one has them."""
    first, *others = results.values()
    metric = METRICS.get(first.protocol.metric)
    has_references = isinstance(metric, Metric) and metric.has_references
    unknown = has_references and not any("real" in s.references for r in results.values() for s in r.scores.values())
    rows = []
    for name in first.scores:
        if not all(name in other.scores for other in others):
            continue
        lender = next((side for side, own in results.items() if "real" in own.scores[name].references), "")
        scores, lenders = [], []
        for result in results.values():
            score, lends = result.scores[name], bool(lender) and "real" not in result.scores[name].references
            scores.append(_beside_those_of(score, results[lender].scores[name]) if lends else score)
            lenders.append(lender if lends else "")
        fewer = results[lender].alike if lender else 0
        rows.append(Comparison(title, name, tuple(scores), tuple(lenders), fewer, unknown))
    return rows


def _beside_those_of(score: Score, lender: Score) -> Score:
    known = {name: value for name, value in lender.references.items() if name in LENT}
    spans = {name: span for name, span in lender.reference_intervals.items() if name in LENT}
    return replace(score, references=known, reference_intervals=spans, standing=None)


def letter(number: int) -> str:
    """A, B ... Z, AA, AB ...: what the evaluations are called, from 0."""
    return (letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _differences(metric: str, results: Mapping[str, Result]) -> list[str]:
    """What differs in the protocols of a metric: "frechet: seed is 0 in A, 1 in B and C"."""
    protocols = {side: own.protocol for side, own in results.items()}
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
