"""The curves of a report: grouped into axes and drawn as SVG in the page's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from zerosum.report.curves import Curve, MetricsLog, Values, split
from zerosum.report.html import key
from zerosum.report.run_files import RunFiles
from zerosum.report.svg import PAGE, inline, over_rounds, short, style
from zerosum.training.log_keys import FAKE_LOGITS, GRADIENT_NORM, REAL_LOGITS

BUCKETS = 120  # points of a drawn curve; of a longer one, each bucket's median, and a band from minimum to maximum
RATIO = 20.0  # terms whose usual sizes differ by more have axes of their own
LOGITS = (REAL_LOGITS, FAKE_LOGITS)


@dataclass(frozen=True)
class Panel:
    """Curves that share axes: keys of `MetricsLog.curves`, all of one player, or "" for what belongs to none."""

    player: str
    names: tuple[str, ...]


def section(files: RunFiles) -> str:
    log = files.log
    figures = [_figure(panel, log, number) for number, panel in enumerate(panels(log))]
    if not figures:
        return ""
    long = any(len(curve.values) > BUCKETS for curve in log.curves.values())
    how = " Lines are medians, bands the range from minimum to maximum." if long else ""
    about = f'<p class="muted">Values over training steps; the number after each name is the last one.{how}</p>'
    return f'<h2>Curves</h2>\n{about}<div class="curves">{"".join(figures)}</div>'


def _figure(panel: Panel, log: MetricsLog, number: int) -> str:
    keys, words = [], []
    for i, name in enumerate(panel.names):
        term, last = split(name)[1].replace("_", " "), short(log.curves[name].last)
        term = {REAL_LOGITS: "real logits", FAKE_LOGITS: "fake logits"}.get(term, term)
        keys.append(key(f"var(--curve-{i})", term, last))
        words.append(f"{term} from {short(float(log.curves[name].values[0]))} to {last}")
    alt = f"{panel.player} {'; '.join(words)} over {log.last_step} steps".strip()
    svg, note = draw(panel, log, alt, f"p{number}-")
    small = f"<br><small>{escape(note)}</small>" if note else ""
    player = f"<strong>{escape(panel.player or 'the run')}</strong>"
    return f"<figure><figcaption>{player}{''.join(keys)}{small}</figcaption>{svg}</figure>"


def panels(log: MetricsLog) -> list[Panel]:
    """Which curves share axes: those of one player that are of like kind and like size."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in log.curves:
        player, term = split(name)
        kind = "logits" if term in LOGITS else term if not player or term == GRADIENT_NORM else "terms"
        kinds.setdefault((player, kind), []).append(name)
    players = list(dict.fromkeys(player for player, _ in kinds))
    grouped: list[Panel] = []
    for player, kind in sorted(kinds, key=lambda key: (key[0] == "", players.index(key[0]), key[1] != "terms")):
        names = kinds[player, kind]
        sets = _alike(names, log.curves) if kind == "terms" else [names]
        grouped += [Panel(player, tuple(some)) for some in sets]
    return grouped


def draw(panel: Panel, log: MetricsLog, label: str, salt: str) -> tuple[str, str]:
    """An inline `<svg>` of the panel (see `svg.inline`), and a note where outliers lie beyond its axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    chosen = [log.curves[name] for name in panel.names]
    bottom, top, cut = _limits(np.concatenate([curve.values for curve in chosen]))
    with style():
        figure = Figure(figsize=(4.2, 2.2))
        axes = figure.add_axes((0.135, 0.12, 0.845, 0.85), facecolor="none")
        for curve, color in zip(chosen, PAGE.curves, strict=False):
            steps, low, middle, high = _buckets(curve)
            if len(curve.values) > BUCKETS:
                axes.fill_between(steps, low, high, color=color, alpha=0.22, linewidth=0)
            axes.plot(steps, middle, color=color, linewidth=1.6, marker="o" if len(steps) == 1 else None, markersize=4)
        if bottom < 0 < top:
            axes.axhline(0, color=PAGE.line, linewidth=0.8, zorder=0)
        axes.set_ylim(bottom, top)
        over_rounds(axes, log.last_step, PAGE, size=10)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v) if abs(v) >= 1e4 else f"{v:.6g}"))
        svg = inline(figure, label, salt)
    return svg, f"not all shown: values from {short(cut[0])} to {short(cut[1])}" if cut else ""


def _alike(names: Sequence[str], curves: Mapping[str, Curve]) -> list[list[str]]:
    """The names in sets of like usual size, in their own order within each."""
    size = {name: float(np.median(np.abs(curves[name].values))) for name in names}
    sets: list[list[str]] = []
    for name in sorted(names, key=lambda name: size[name]):
        if sets and size[name] <= RATIO * size[sets[-1][0]] and len(sets[-1]) < len(PAGE.curves):
            sets[-1].append(name)
        else:
            sets.append([name])
    ordered = [sorted(some, key=names.index) for some in sets]
    return sorted(ordered, key=lambda some: names.index(some[0]))


def _buckets(curve: Curve) -> tuple[Values, Values, Values, Values]:
    """(B,) steps, minimum, median and maximum of each bucket; B <= BUCKETS."""
    parts = list(zip(*(np.array_split(a, BUCKETS) for a in (curve.steps, curve.values)), strict=True))
    full = [(steps, values) for steps, values in parts if len(values)]
    centres = np.array([steps.mean() for steps, _ in full])
    low, middle, high = (np.array([reduce(v) for _, v in full]) for reduce in (np.min, np.median, np.max))
    return centres, low, middle, high


def _limits(values: Values) -> tuple[float, float, tuple[float, float] | None]:
    """Bottom and top of the axes, and the values' range where a few would flatten all the others and are cut off."""
    least, greatest = float(values.min()), float(values.max())
    low, high = (float(q) for q in np.quantile(values, (0.005, 0.995)))
    span = high - low
    cut = least < low - 2 * span or greatest > high + 2 * span
    if not cut or span == 0:
        low, high, cut = least, greatest, False
    margin = 0.06 * (high - low)
    if margin <= 1e-6 * abs(high) or margin < 1e-30:  # nearly constant
        margin = max(0.1 * abs(high), 1e-30) if high else 1.0
    return low - margin, high + margin, (least, greatest) if cut else None
