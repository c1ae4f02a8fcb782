"""Shares as bars, in groups."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from zerosum.pictures.figures import pixels

COLORS = ("#2468d8", "#c22f5c", "#8a8f98", "#16875f")
MUTED, LINE = "#646a73", "#e3e4e6"


def bars(groups: Mapping[str, Mapping[str, float]], title: str) -> Image.Image:
    """A picture of groups of shares, from 0 to 1: a bar for each, with its number; equal names have equal colours."""
    from matplotlib.figure import Figure  # half a second

    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    width = 0.8 / len(names)
    figure = Figure(figsize=(max(5.0, 1.1 * len(names) * len(groups) + 1), 3.6), dpi=100, facecolor="white")
    axes = figure.add_axes((0.08, 0.1, 0.9, 0.68))
    for k, name in enumerate(names):
        held = [
            (place + (k + 0.5) * width - 0.4, group[name])
            for place, group in enumerate(groups.values())
            if name in group
        ]
        places, shares = zip(*held, strict=True)
        drawn = axes.bar(places, shares, 0.92 * width, color=COLORS[k % len(COLORS)], label=name)
        axes.bar_label(drawn, [f"{100 * share:.1f} %" for share in shares], fontsize=8, color=MUTED, padding=2)
    axes.set(ylim=(0, 1.08), xlim=(-0.5, len(groups) - 0.5), xticks=range(len(groups)), xticklabels=list(groups))
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.tick_params(length=0, labelsize=9, labelcolor=MUTED)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.08, ha="left")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(names), fontsize=8, frameon=False, borderaxespad=0.4
    )
    return pixels(figure)
