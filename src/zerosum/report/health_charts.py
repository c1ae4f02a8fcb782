"""The charts of a health timeline: which signals share axes, in which words, with which thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerosum.health.history import History
from zerosum.health.signals import REFERENCE
from zerosum.health.verdicts import Criterion, Verdict, diagnose
from zerosum.pictures.film import evenly_spaced
from zerosum.report.svg import short

Scale = Literal["log", "share", "ratio", "plain"]

DIAGNOSED = 40  # snapshots at most after which the verdict is shown


@dataclass(frozen=True)
class ChartSpec:
    """Signals that share axes; a signal of players has a line for each."""

    title: str
    unit: str
    scale: Scale
    signals: Mapping[str, str]  # signal: its name in the chart, or "" for its player's
    references: Mapping[str, str] = field(default_factory=dict)  # what they are compared with, dashed
    thresholds: tuple[str, ...] = ()  # signals without a line here whose thresholds belong on these axes
    only_for: tuple[str, ...] = ()  # drawn where the evidence has one of these signals; always, where empty
    level: float | None = None  # a value with a meaning of its own, such as chance
    bad_sides: str = "<>"  # the sides of a threshold that are a bad sign; others only tell one verdict from another


SPECS = (
    ChartSpec(
        "Distance to the data",
        "Fréchet distance, lower is better",
        "log",
        {"frechet": "fakes"},
        {"frechet_real": "other real data"},
        thresholds=("worst",),
        bad_sides=">",
    ),
    ChartSpec(
        "What a person sees",
        "Fréchet distance in edges, colours and detail",
        "log",
        {"sight": "fakes"},
        {"sight_high": "other real data, at most"},
        bad_sides=">",
    ),
    ChartSpec(
        "Diversity of the fakes",
        "relative to real data: 1 is as diverse",
        "ratio",
        {"recall": "recall", "spread": "spread", "distinct": "distinct", "class_spread": "within a class"},
        level=1.0,
        bad_sides="<",
    ),
    ChartSpec(
        "Fakes among the data",
        "share of fakes beside reals, over that of reals; share that lies far from all",
        "ratio",
        {"precision": "beside", "stray": "far"},
        level=1.0,
    ),
    ChartSpec(
        "Modes of the data",
        "classes, clusters or regions that the fakes leave out",
        "plain",
        {"modes_missing": "missing"},
        {"modes": "all"},
        only_for=("modes_missing",),
    ),
    ChartSpec(
        "Memorisation",
        "1 is as new as real samples, 0 a copy; the share of fakes that are copies",
        "ratio",
        {"copying": "newness", "copied": "copies"},
        level=1.0,
    ),
    ChartSpec(
        "Outputs and their inputs",
        "changes over those asked for; variance over that of targets; distance to own targets over others'",
        "ratio",
        {"changed": "changed", "variation": "variation", "tie": "own target", "gained": "nearer than inputs"},
        level=1.0,
        bad_sides="<>",
    ),
    ChartSpec(
        "Colours the right way round",
        "correlation with targets, or with inputs: -1 is inverted",
        "plain",
        {"agreement": "with targets", "likeness": "with inputs"},
        level=0.0,
        bad_sides="<",
    ),
    ChartSpec(
        "Checkerboards",
        "energy of every other pixel, over that of targets",
        "log",
        {"checkerboard": "outputs"},
        {"checkerboard_high": "other targets, at most"},
        bad_sides=">",
    ),
    ChartSpec(
        "Discriminator ROC AUC", "real against fake: 0.5 is chance", "share", {"separation": "separation"}, level=0.5
    ),
    ChartSpec(
        "Logit gap",
        "mean logit of real minus that of fake",
        "plain",
        {"gap": "gap", "gap_spread": "in standard deviations"},
    ),
    ChartSpec(
        "Class accuracy of the fakes",
        "share of samples of the requested class",
        "share",
        {"class_accuracy": "fakes"},
        {"class_accuracy_real": "real data", "class_chance": "chance"},
    ),
    ChartSpec("Gradient norms", "over all weights of a player", "log", {"gradient": ""}),
    ChartSpec("Losses", "absolute value", "log", {"loss": ""}, only_for=("explosion", "loss_swing")),
    ChartSpec(
        "Mean of the fakes",
        "along the data's principal axes, in standard deviations",
        "plain",
        {"centre/0": "first axis", "centre/1": "second axis"},
        only_for=("swing", "travelled"),
    ),
)


@dataclass(frozen=True)
class Line:
    name: str
    points: tuple[tuple[int, float], ...]  # (step, value), at least one
    dashed: bool = False

    @property
    def last(self) -> str:
        """The last value in a few characters."""
        return short(self.points[-1][1])


@dataclass(frozen=True)
class Threshold:
    """A threshold that the verdict used, and since when it is passed."""

    text: str
    above: bool  # whether values above it pass it
    value: float
    since: int
    bad: bool  # whether passing it is a bad sign


@dataclass(frozen=True)
class Chart:
    spec: ChartSpec
    lines: tuple[Line, ...]
    thresholds: tuple[Threshold, ...]


def verdict_timeline(history: History) -> list[tuple[int, str]]:
    """The verdict as it was after some of the snapshots, the last one among them, and as it is now: (step, name)."""
    chosen = set(evenly_spaced(range(len(history.snapshots)), DIAGNOSED))
    replayed, timeline = History(history.steps), list[tuple[int, str]]()
    for i, snapshot in enumerate(history.snapshots):
        replayed.add(snapshot)
        if i in chosen:
            replayed.events = [event for event in history.events if event.seconds <= snapshot.seconds]
            timeline.append((snapshot.step, diagnose(replayed).name))
    now = (last_step(history), diagnose(history).name)  # events may follow the last snapshot
    return timeline if timeline[-1:] == [now] else [*timeline, now]


def charts(history: History, verdict: Verdict) -> list[Chart]:
    """Every chart that this run has signals for."""
    evidence = {item.signal for item in verdict.evidence}
    drawn = []
    for spec in SPECS:
        lines = [*_lines(history, spec, spec.signals, False), *_lines(history, spec, spec.references, True)]
        if lines and (not spec.only_for or evidence & set(spec.only_for)):
            drawn.append(Chart(spec, tuple(lines), tuple(_thresholds(spec, verdict))))
    return drawn


def _lines(history: History, spec: ChartSpec, signals: Mapping[str, str], dashed: bool) -> Iterator[Line]:
    present = sorted({name for snapshot in history.snapshots for name in snapshot.signals})
    for signal, name in signals.items():
        matches = [match for match in present if match == signal or match.startswith(f"{signal}/")]
        for match in matches:
            player = match.removeprefix(signal).removeprefix("/")
            label = name if name and len(matches) == 1 else ", ".join(filter(None, (name, player)))
            points = [(part.step, part.signals[match]) for part in history.snapshots if match in part.signals]
            if spec.scale == "log":
                points = [(step, abs(value)) for step, value in points if value]
            if finite := tuple((step, value) for step, value in points if abs(value) < 1e100):
                yield Line(label, finite, dashed)


def _thresholds(spec: ChartSpec, verdict: Verdict) -> Iterator[Threshold]:
    """The thresholds of the verdict's evidence; those that are a line of their own are left out."""
    for item in verdict.evidence:
        line = isinstance(item.criterion.threshold, str) and item.criterion.threshold not in REFERENCE
        if item.signal in (*spec.signals, *spec.thresholds) and not line:
            yield _threshold(spec, item.criterion, item.threshold, item.since, item.player)


def _threshold(spec: ChartSpec, criterion: Criterion, value: float, since: int, player: str) -> Threshold:
    name = spec.signals.get(criterion.signal, criterion.signal) if len(spec.signals) > 1 else ""
    side = "above" if criterion.relation == ">" else "below"
    text = " ".join(filter(None, (name, player, side, short(value))))
    return Threshold(text, criterion.relation == ">", value, since, criterion.relation in spec.bad_sides)


def last_step(history: History) -> int:
    """The last step that anything is known of."""
    steps = [snapshot.step for snapshot in history.snapshots] + [event.step for event in history.events]
    return max(steps, default=0)
