"""The health timeline: small charts of the health signals over training steps, with the thresholds behind the verdict.

`save` draws all of them into one picture on white, `drawings` each as SVG in the colours of a page.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerosum.errors import ZerosumError
from zerosum.health.history import Event, History
from zerosum.health.verdicts import OPEN, Verdict, diagnose
from zerosum.pictures.png import mark_of_figure
from zerosum.report.health_charts import Chart, Line, Threshold, charts, last_step, verdict_timeline
from zerosum.report.svg import PAGE, PAPER, VARIABLES, Colors, inline, over_rounds, short, style
from zerosum.util.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HIGHEST = 3.0  # ratio to real data that is drawn
TITLE = "Verdict over steps"  # of the band
COLUMNS = 3  # of charts in a picture


@dataclass(frozen=True)
class Drawing:
    """A chart for a page."""

    title: str
    unit: str
    keys: tuple[tuple[str, str, str, bool], ...]  # (colour in CSS, name, last value, whether dashed)
    svg: str


def save(history: History, path: Path) -> Path:
    """Draw the timeline as a picture on white, in the format of the path's ending, and return the path."""
    from matplotlib.figure import Figure

    verdict, rounds = diagnose(history), last_step(history)
    shown = charts(history, verdict)
    rows = math.ceil(len(shown) / COLUMNS)
    band = _rows(history)
    sentence = textwrap.fill(verdict.sentence, 95)
    top, strip = 0.9 + 0.22 * sentence.count("\n"), 0.35 + 0.3 * len(band)  # inches
    height = top + strip + 2.55 * rows + 0.35
    with style():
        figure = Figure(figsize=(12, height), dpi=110, facecolor="white")
        headline = figure.text(0.04, 1 - 0.18 / height, sentence, fontsize=14, weight="bold", va="top")
        headline.set_color(_tone(verdict.name, PAPER))
        axes = figure.add_axes((0.04, 1 - (top + strip - 0.35) / height, 0.93, (strip - 0.35) / height))
        _band(axes, band, history.events, rounds, PAPER)
        axes.set_title(TITLE, loc="left", fontsize=10.5, weight="bold", pad=5)
        for i, chart in enumerate(shown):
            row, column = divmod(i, COLUMNS)
            bottom = height - top - strip - 2.55 * (row + 1) + 0.25
            axes = figure.add_axes((0.04 + 0.32 * column, bottom / height, 0.28, 1.45 / height))
            _draw(axes, chart, history.events, rounds, PAPER, size=8)
            _heading(axes, chart)
        figure.text(0.04, 0.12 / height, "The x axis of each chart: training steps.", fontsize=8, color=PAPER.muted)
        try:
            with atomic_path(path) as partial:
                figure.savefig(partial, metadata=mark_of_figure(partial))
        except ValueError:
            raise ZerosumError(f"cannot draw {path}: choose a name that ends in .png, .svg or .pdf") from None
    return path


def drawings(history: History, verdict: Verdict) -> Iterator[Drawing]:
    """The charts for a page, the verdict over steps first."""
    from matplotlib.figure import Figure

    rounds, rows = last_step(history), _rows(history)
    with style():
        figure = Figure(figsize=(3.6, 2.0))
        axes = figure.add_axes((0.02, 0.13, 0.94, 0.85), facecolor="none")
        _band(axes, rows, history.events, rounds, PAGE)
        yield Drawing(TITLE, "", (), inline(figure, f"in turn: {', '.join(rows)}", "health-verdict-"))
        for number, chart in enumerate(charts(history, verdict)):
            figure = Figure(figsize=(3.6, 2.0))
            axes = figure.add_axes((0.12, 0.13, 0.86, 0.83), facecolor="none")
            _draw(axes, chart, history.events, rounds, PAGE, size=9.5)
            colors = [VARIABLES[_color(i, line, PAGE)] for i, line in enumerate(chart.lines)]
            keys = [(color, line.name, line.last, line.dashed) for color, line in zip(colors, chart.lines, strict=True)]
            svg = inline(figure, _describe(chart), f"health-{number}-")
            yield Drawing(chart.spec.title, chart.spec.unit, tuple(keys), svg)


def _draw(axes: Axes, chart: Chart, events: Sequence[Event], rounds: int, colors: Colors, size: float) -> None:
    over_rounds(axes, rounds, colors, size)
    highest = HIGHEST if chart.spec.scale == "ratio" else math.inf
    for i, line in enumerate(chart.lines):
        steps, values = [step for step, _ in line.points], [min(value, highest) for _, value in line.points]
        dots, dashes = "o" if len(steps) == 1 else None, "--" if line.dashed else "-"
        axes.plot(steps, values, dashes, color=_color(i, line, colors), linewidth=1.5, marker=dots, markersize=4)
    bottom, top = _scaled(axes, chart)
    if chart.spec.level is not None:
        axes.axhline(chart.spec.level, color=colors.muted, linewidth=0.8, zorder=0.5)
    for threshold in chart.thresholds:
        edge, color = top if threshold.above else bottom, colors.bad if threshold.bad else colors.muted
        if threshold.bad:
            passed = [threshold.since, max(rounds, 1)]
            axes.fill_between(passed, threshold.value, edge, color=colors.bad, alpha=0.1, linewidth=0)
        axes.axhline(threshold.value, color=color, linewidth=1, linestyle=(0, (4, 2)))
        left = _emptier_left(chart, threshold, axes, rounds)
        axes.annotate(
            threshold.text,
            (0 if left else 1, threshold.value),
            (2 if left else -2, 2 if threshold.above else -2),
            xycoords=("axes fraction", "data"),
            **_label("left" if left else "right", "bottom" if threshold.above else "top", size - 1, color),
            bbox={"facecolor": colors.card, "alpha": 0.7, "linewidth": 0, "pad": 0.8},
        )
    for event in events:
        if event.event == "diverged":
            axes.axvline(event.step, color=colors.bad, linewidth=0.9, linestyle=":")


def _scaled(axes: Axes, chart: Chart) -> tuple[float, float]:
    """Set the y axis; its limits."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    values = [value for line in chart.lines for _, value in line.points]
    values += [threshold.value for threshold in chart.thresholds]
    low, high = min(values), max(values)
    if chart.spec.scale == "log":
        low, high = low / 1.5, high * 1.5
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    elif chart.spec.scale == "share":
        low, high = -0.02, 1.02
    elif chart.spec.scale == "ratio":
        low, high = 0.0, max(1.2, 1.08 * min(high, HIGHEST))
    else:
        low, high = min(low, 0.0), max(high, 0.0)
        margin = 0.08 * (high - low) or 1.0
        low, high = low - margin, high + margin
    powers = LogLocator(subs=(1, 3) if high < 300 * low else (1,), numticks=6)
    axes.yaxis.set_major_locator(powers if chart.spec.scale == "log" else MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    beyond = "\u2265 " if chart.spec.scale == "ratio" and max(values) > HIGHEST else ""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{beyond if v == HIGHEST else ''}{short(v)}"))
    axes.set_ylim(low, high)
    return low, high


def _emptier_left(chart: Chart, threshold: Threshold, axes: Axes, rounds: int) -> bool:
    """Whether fewer lines cross the left end of a threshold's label than its right end."""

    def height(value: float) -> float:
        return float(axes.transAxes.inverted().transform(axes.transData.transform((0, value)))[1])

    name = height(threshold.value) + (0.06 if threshold.above else -0.06)
    near = [step for line in chart.lines for step, value in line.points if abs(height(value) - name) < 0.1]
    return sum(step < 0.5 * rounds for step in near) < sum(step >= 0.5 * rounds for step in near)


def _heading(axes: Axes, chart: Chart) -> None:
    """Title, unit and the lines' names above the axes."""
    title, unit = _label("left", "baseline", 10.5, "black"), _label("left", "baseline", 8.5, PAPER.muted)
    axes.annotate(chart.spec.title, (0, 1), (-14, 37), xycoords="axes fraction", weight="bold", **title)
    axes.annotate(chart.spec.unit, (0, 1), (-14, 24), xycoords="axes fraction", **unit)
    names = [f"{line.name} {line.last}" for line in chart.lines]
    spaces = {"handlelength": 1.1, "handletextpad": 0.4, "columnspacing": 0.8, "borderaxespad": 0.1}
    look: dict[str, Any] = {"bbox_to_anchor": (-0.085, 0.985), "ncols": 4, "frameon": False, "fontsize": 8, **spaces}
    axes.legend(list(axes.get_lines()[: len(names)]), names, loc="lower left", **look)


def _rows(history: History) -> dict[str, list[tuple[int, int]]]:
    """The rows of the band: each verdict with its stretches of steps, then the events."""
    rows: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for step, name in verdict_timeline(history):
        stretches = rows.setdefault(name, [])
        if stretches and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], step)
        else:
            stretches.append((start, step))
        start = step
    return rows | {event.event: rows.get(event.event, []) for event in history.events}


def _band(
    axes: Axes, rows: Mapping[str, list[tuple[int, int]]], events: Sequence[Event], rounds: int, colors: Colors
) -> None:
    over_rounds(axes, rounds, colors, size=9)
    axes.grid(visible=False)
    axes.set_yticks([])
    spare = max(0, 4 - len(rows)) / 2 if colors is PAGE else 0  # a page's charts are equally high
    axes.set_ylim(len(rows) + spare, -spare)
    for y, (name, stretches) in enumerate(rows.items()):
        color = _tone(name, colors)
        axes.axhline(y + 0.78, color=colors.line, linewidth=0.6, zorder=0)
        axes.broken_barh([(start, end - start) for start, end in stretches], (y + 0.62, 0.32), color=color)
        place = _label("left", "bottom", 9, colors.muted)
        axes.annotate(name, (0, y + 0.5), (0, 0), xycoords=("axes fraction", "data"), **place)
        for event in events:
            if event.event == name:
                mark = "X" if name == "diverged" else "<"
                axes.plot(event.step, y + 0.78, mark, color=color, markersize=8, clip_on=False)


def _tone(name: str, colors: Colors) -> str:
    return colors.good if name == "healthy" else colors.muted if name in OPEN else colors.bad


def _color(i: int, line: Line, colors: Colors) -> str:
    return colors.muted if line.dashed else colors.curves[i % len(colors.curves)]


def _label(horizontal: str, vertical: str, size: float, color: str) -> dict[str, Any]:
    """How an annotation is written, some points from its place."""
    return {"textcoords": "offset points", "ha": horizontal, "va": vertical, "fontsize": size, "color": color}


def _describe(chart: Chart) -> str:
    """The chart in words, for screen readers."""
    lines = [f"{line.name} from {short(line.points[0][1])} to {line.last}" for line in chart.lines]
    return "; ".join([chart.spec.title, *lines, *(threshold.text for threshold in chart.thresholds)])
