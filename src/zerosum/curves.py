"""The curves of a run: `metrics.jsonl` read, grouped into axes and drawn as SVG in the page's colours."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

BUCKETS = 120  # points of a drawn curve; a longer one shows each bucket's median, and a band from its least to its most
RATIO = 20.0  # terms whose usual sizes differ by more have axes of their own
COLORS = 6  # the page's var(--curve-0) ...; no axes hold more curves
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
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    chosen = [log.series[name] for name in panel.names]
    bottom, top, cut = _limits(np.concatenate([series.values for series in chosen]))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "zerosum", "font.sans-serif": ["DejaVu Sans"]}):
        figure = Figure(figsize=(4.2, 2.2))
        axes = figure.add_axes((0.135, 0.12, 0.845, 0.85), facecolor="none")
        for i, series in enumerate(chosen):
            steps, low, middle, high = _buckets(series)
            if len(series.values) > BUCKETS:
                axes.fill_between(steps, low, high, color=_placeholder(i), alpha=0.22, linewidth=0)
            dot = "o" if len(steps) == 1 else None
            axes.plot(steps, middle, color=_placeholder(i), linewidth=1.6, marker=dot, markersize=4)
        if bottom < 0 < top:
            axes.axhline(0, color=_placeholder("line"), linewidth=0.8, zorder=0)
        axes.set_ylim(bottom, top)
        axes.set_xlim(0, max(log.rounds, 1))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 3, 4, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1000:g}k" if v >= 1000 else f"{v:g}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v) if abs(v) >= 1e4 else f"{v:.6g}"))
        axes.tick_params(labelsize=10, length=0, labelcolor=_placeholder("ink"))
        axes.grid(axis="y", color=_placeholder("line"), linewidth=0.6)
        axes.spines[:].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True)
    note = f"single values from {short(cut[0])} to {short(cut[1])}" if cut else ""
    return _inline(buffer.getvalue(), escape(label, quote=True), prefix), note


def short(value: float) -> str:
    """A number in a few characters: 0.693, 12k, 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}" if abs(value) < 1e12 else f"{value:.2g}"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def _speed(clock: Series) -> Series:
    rounds, seconds = np.diff(clock.steps), np.diff(clock.values)
    kept = (rounds > 0) & (seconds > 0)
    return Series(clock.steps[1:][kept], rounds[kept] / seconds[kept])


def _alike(names: Sequence[str], series: Mapping[str, Series]) -> list[list[str]]:
    """The names in sets of like usual size, in their own order within each."""
    size = {name: float(np.median(np.abs(series[name].values))) for name in names}
    sets: list[list[str]] = []
    for name in sorted(names, key=lambda name: size[name]):
        if sets and size[name] <= RATIO * size[sets[-1][0]] and len(sets[-1]) < COLORS:
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


def _placeholder(name: int | str) -> str:
    """A colour that `_inline` turns into one of the page."""
    return f"#a1b2c{name}" if isinstance(name, int) else {"ink": "#a1b2d0", "line": "#a1b2d1"}[name]


def _inline(svg: str, label: str, prefix: str) -> str:
    """Matplotlib's file as an element of a page: the page's colours, unique ids, no links, no global styles."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view
    svg = re.sub(r"<svg[^>]*>", f'<svg {view[0]} role="img" aria-label="@label@">', svg, count=1)
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="|url\()#([\w-]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{prefix}", svg)
    svg = re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", svg)  # coordinates, not the text of labels
    svg = re.sub(r"#a1b2c(\d)", r"var(--curve-\1)", svg)
    svg = svg.replace("#a1b2d0", "var(--muted)").replace("#a1b2d1", "var(--line)")
    return re.sub(r"\s*\n\s*", "\n", svg).replace("@label@", label).strip()
