"""The curves of a run: `metrics.jsonl` read, grouped into axes and drawn as SVG in the page's colours."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerosum.report.svg import PAGE, inline, over_rounds, short, style

Values = NDArray[np.float64]

BUCKETS = 120  # points of a drawn curve; a longer one shows each bucket's median, and a band from its least to its most
RATIO = 20.0  # terms whose usual sizes differ by more have axes of their own
SPEED = "rounds per second"


@dataclass(frozen=True)
class Series:
    """One logged value over time: (T,) rounds, ascending, and (T,) finite values, T > 0."""

    steps: Values
    values: Values

    @property
    def last(self) -> float:
        """The median of the last hundredth: one batch says little."""
        return float(np.median(self.values[-math.ceil(len(self.values) / 100) :]))


@dataclass(frozen=True)
class Log:
    """What `metrics.jsonl` holds."""

    series: Mapping[str, Series] = field(default_factory=dict)  # "player/term", and SPEED
    rounds: int = 0  # of the last line
    seconds: float = 0.0  # of training, up to there
    not_finite: Mapping[str, int] = field(default_factory=dict)  # name: the first round where it was NaN or infinite
    skipped: int = 0  # lines that cannot be read, such as the last one of a killed run


@dataclass(frozen=True)
class Panel:
    """Curves that share axes: keys of `Log.series`, all of one player, or "" for what belongs to none."""

    player: str
    names: tuple[str, ...]


def read(path: Path) -> Log:
    """Read `metrics.jsonl`; an empty log where there is none. Of a round logged twice the later line counts."""
    lines: dict[int, dict[str, Any]] = {}
    skipped = 0
    for text in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            line = json.loads(text)
            lines[int(line["step"])] = line
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            skipped += bool(text.strip())
    columns: dict[str, tuple[list[float], list[float]]] = {}
    not_finite: dict[str, int] = {}
    for step in sorted(lines):
        for name, value in lines[step].items():
            if name == "step" or not isinstance(value, int | float):
                continue
            if abs(value) < 1e100:  # neither NaN nor beyond what can be drawn
                steps, values = columns.setdefault(name, ([], []))
                steps.append(step)
                values.append(value)
            else:
                not_finite.setdefault(name, step)
    series = {
        name: Series(np.array(steps, float), np.array(values, float)) for name, (steps, values) in columns.items()
    }
    clock = series.pop("seconds", None)
    if clock and len((speed := _speed(clock)).values):
        series[SPEED] = speed
    return Log(series, max(lines, default=0), float(clock.values[-1]) if clock else 0.0, not_finite, skipped)


def panels(log: Log) -> list[Panel]:
    """Which curves share axes: those of one player that are of like kind and like size."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in log.series:
        player, _, term = name.rpartition("/")
        kind = "logits" if term in ("real", "fake") else term if not player or term == "gradient_norm" else "terms"
        kinds.setdefault((player, kind), []).append(name)
    players = sorted({player: 0 for player, _ in kinds}, key=lambda player: player == "")
    found: list[Panel] = []
    for wanted in players:
        for (player, kind), names in sorted(kinds.items(), key=lambda item: item[0][1] != "terms"):
            if player == wanted:
                sets = _alike(names, log.series) if kind == "terms" else [names]
                found += [Panel(player, tuple(some)) for some in sets]
    return found


def draw(panel: Panel, log: Log, label: str, prefix: str) -> tuple[str, str]:
    """An inline `<svg>` of the panel, and a note where single values lie beyond its axes.

    Args:
        label: what a screen reader says.
        prefix: keeps its ids apart from those of the page's other drawings.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    chosen = [log.series[name] for name in panel.names]
    bottom, top, cut = _limits(np.concatenate([series.values for series in chosen]))
    with style():
        figure = Figure(figsize=(4.2, 2.2))
        axes = figure.add_axes((0.135, 0.12, 0.845, 0.85), facecolor="none")
        for series, color in zip(chosen, PAGE.curves, strict=False):
            steps, low, middle, high = _buckets(series)
            if len(series.values) > BUCKETS:
                axes.fill_between(steps, low, high, color=color, alpha=0.22, linewidth=0)
            axes.plot(steps, middle, color=color, linewidth=1.6, marker="o" if len(steps) == 1 else None, markersize=4)
        if bottom < 0 < top:
            axes.axhline(0, color=PAGE.line, linewidth=0.8, zorder=0)
        axes.set_ylim(bottom, top)
        over_rounds(axes, log.rounds, PAGE, size=10)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v) if abs(v) >= 1e4 else f"{v:.6g}"))
        svg = inline(figure, label, prefix)
    return svg, f"single values from {short(cut[0])} to {short(cut[1])}" if cut else ""


def _speed(clock: Series) -> Series:
    rounds, seconds = np.diff(clock.steps), np.diff(clock.values)
    kept = (rounds > 0) & (seconds > 0)
    return Series(clock.steps[1:][kept], rounds[kept] / seconds[kept])


def _alike(names: Sequence[str], series: Mapping[str, Series]) -> list[list[str]]:
    """The names in sets of like usual size, in their own order within each."""
    size = {name: float(np.median(np.abs(series[name].values))) for name in names}
    sets: list[list[str]] = []
    for name in sorted(names, key=lambda name: size[name]):
        if sets and size[name] <= RATIO * size[sets[-1][0]] and len(sets[-1]) < len(PAGE.curves):
            sets[-1].append(name)
        else:
            sets.append([name])
    ordered = [sorted(some, key=names.index) for some in sets]
    return sorted(ordered, key=lambda some: names.index(some[0]))


def _buckets(series: Series) -> tuple[Values, Values, Values, Values]:
    """(B,) rounds, least, median and greatest value of each bucket; B <= BUCKETS."""
    parts = list(zip(*(np.array_split(a, BUCKETS) for a in (series.steps, series.values)), strict=True))
    full = [(steps, values) for steps, values in parts if len(values)]
    rounds = np.array([steps.mean() for steps, _ in full])
    low, middle, high = (np.array([reduce(v) for _, v in full]) for reduce in (np.min, np.median, np.max))
    return rounds, low, middle, high


def _limits(values: Values) -> tuple[float, float, tuple[float, float] | None]:
    """Bottom and top of the axes, and the values' range where a few would flatten all the others and are cut off."""
    least, most = float(values.min()), float(values.max())
    low, high = (float(q) for q in np.quantile(values, (0.005, 0.995)))
    span = high - low
    cut = least < low - 2 * span or most > high + 2 * span
    if not cut or span == 0:
        low, high, cut = least, most, False
    margin = 0.06 * (high - low)
    if margin <= 1e-6 * abs(high) or margin < 1e-30:  # as good as constant
        margin = max(0.1 * abs(high), 1e-30) if high else 1.0
    return low - margin, high + margin, (least, most) if cut else None
