"""What a health timeline shows: which vital signs share axes, in which words, and the thresholds beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerosum.health.verdicts import VERDICTS, Evidence, History, Verdict, diagnose
from zerosum.pictures.film import evenly_spaced
from zerosum.report.svg import short

Scale = Literal["log", "share", "ratio", "plain"]

DIAGNOSED = 40  # looks at most of which the verdict is asked again


@dataclass(frozen=True)
class Plan:
    """Signs that share axes. A name that ends in "/" stands for all signs that begin so."""

    title: str
    unit: str
    scale: Scale
    signs: Mapping[str, str]  # sign: its name in the chart, or "" to take the sign's own
    beside: Mapping[str, str] = field(default_factory=dict)  # what they are held against, dashed
    limits: tuple[str, ...] = ()  # signs without a line here whose thresholds belong on these axes
    only_for: tuple[str, ...] = ()  # drawn where the evidence has one of these signs; always, where empty
    level: float | None = None  # a value that means something by itself
    ill: str = "<>"  # the sides of a threshold that are a bad sign; others only tell one verdict from another


PLANS = (
    Plan(
        "How far the fakes are from the data",
        "Fréchet distance, lower is better",
        "log",
        {"frechet": "fakes"},
        {"frechet_real": "other real data"},
        limits=("worst",),
        ill=">",
    ),
    Plan(
        "How varied the fakes are",
        "over the same for real data: 1 is as varied",
        "ratio",
        {"recall": "recall", "spread": "spread", "distinct": "distinct", "class_spread": "in a class"},
        level=1.0,
        ill="<",
    ),
    Plan(
        "Whether they are copies of training samples",
        "1 is as new as real samples are, 0 a copy",
        "ratio",
        {"copying": "newness"},
        level=1.0,
        ill="<",
    ),
    Plan(
        "How well the discriminator tells them apart",
        "share of pairs ordered rightly: 0.5 is chance",
        "share",
        {"separation": "separation"},
        level=0.5,
    ),
    Plan(
        "How far apart it scores them",
        "mean score of real samples minus that of fakes",
        "plain",
        {"gap": "gap", "gap_spread": "gap in deviations"},
    ),
    Plan(
        "Whether the fakes are of the class asked for",
        "share of samples",
        "share",
        {"class_accuracy": "fakes"},
        {"class_accuracy_real": "real data", "class_chance": "chance"},
    ),
    Plan("How large the gradients are", "norm over all weights of a player", "log", {"gradient/": ""}),
    Plan(
        "How large the losses are",
        "absolute value",
        "log",
        {"loss/": ""},
        limits=("explosion",),
        only_for=("explosion", "loss_swing"),
    ),
    Plan(
        "Where the fakes' centre moves",
        "along the data's main axes, in deviations of the data",
        "plain",
        {"centre/0": "first axis", "centre/1": "second axis"},
        only_for=("swing", "travelled"),
    ),
)


@dataclass(frozen=True)
class Line:
    name: str
    points: tuple[tuple[int, float], ...]  # (round, value), at least one
    dashed: bool = False


@dataclass(frozen=True)
class Limit:
    """A threshold that the verdict used, and since when it is passed; None where it is not."""

    text: str
    above: bool  # whether to lie above it is to pass it
    value: float
    since: int | None
    ill: bool  # whether to pass it is a bad sign


@dataclass(frozen=True)
class Chart:
    plan: Plan
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]


def course(history: History) -> list[tuple[int, str]]:
    """The verdict as it was after some of the looks, the last one among them, and as it is now: (round, name)."""
    asked = set(evenly_spaced(range(len(history.looks)), DIAGNOSED))
    replayed, said = History(history.steps), []
    for i, look in enumerate(history.looks):
        replayed.add(look)
        if i in asked:
            replayed.events = [event for event in history.events if event.seconds <= look.seconds]
            said.append((look.step, diagnose(replayed).name))
    now = (rounds_of(history), diagnose(history).name)  # events may follow the last look
    return said if said[-1:] == [now] else [*said, now]


def charts(history: History, verdict: Verdict) -> list[Chart]:
    """Every plan that this run has signs for."""
    evidence = {seen.sign for seen in verdict.evidence}
    found = []
    for plan in PLANS:
        lines = [*_lines(history, plan, plan.signs, False), *_lines(history, plan, plan.beside, True)]
        if lines and (not plan.only_for or evidence & set(plan.only_for)):
            found.append(Chart(plan, tuple(lines), tuple(_limits(plan, verdict))))
    return found


def _lines(history: History, plan: Plan, signs: Mapping[str, str], dashed: bool) -> Iterator[Line]:
    present = sorted({name for look in history.looks for name in look.signs})
    for sign, name in signs.items():
        for found in present:
            if found == sign or (sign.endswith("/") and found.startswith(sign)):
                points = _points(history, found, plan)
                if points:
                    yield Line(name or found.removeprefix(sign), points, dashed)


def _points(history: History, sign: str, plan: Plan) -> tuple[tuple[int, float], ...]:
    """Finite ones; where only size is drawn, above 0."""
    points = [(look.step, look.signs[sign]) for look in history.looks if sign in look.signs]
    if plan.scale == "log":
        points = [(step, abs(value)) for step, value in points if value]
    return tuple((step, value) for step, value in points if abs(value) < 1e100)


def _limits(plan: Plan, verdict: Verdict) -> Iterator[Limit]:
    """The thresholds of the verdict's evidence; of a healthy run, those that it would not be healthy beyond."""
    for seen in verdict.evidence:
        if (seen.sign in plan.signs or seen.sign in plan.limits) and not isinstance(seen.condition.threshold, str):
            yield _limit(plan, verdict.name, seen.sign, seen.condition.relation, seen.threshold, seen)
    if not verdict.evidence and verdict.exit_code == 0:
        for conditions in VERDICTS["under-trained"].when:
            for condition in conditions:
                if condition.sign in plan.signs and not isinstance(condition.threshold, str):
                    yield _limit(plan, "under-trained", condition.sign, condition.relation, condition.threshold)


def _limit(plan: Plan, name: str, sign: str, relation: str, value: float, seen: Evidence | None = None) -> Limit:
    which = f"{plan.signs.get(sign, sign)} " if len(plan.signs) > 1 else ""
    text = f"{which}{'above' if relation == '>' else 'below'} {short(value)}"
    since = seen.since if seen else None
    return Limit(text if seen else f"{name} {text}", relation == ">", value, since, relation in plan.ill)


def rounds_of(history: History) -> int:
    """Rounds that anything is known of."""
    return max([*(look.step for look in history.looks), *(event.step for event in history.events)], default=0)
