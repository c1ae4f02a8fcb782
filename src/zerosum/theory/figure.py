"""Figures on white paper, in the library's colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from zerosum.pictures.figures import pixels
from zerosum.pictures.png import marked
from zerosum.report.svg import PAPER
from zerosum.util.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE = PAPER.curves[:4]
INK, GREY = "#22262b", PAPER.muted


def panels(count: int, width: float = 4.2, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """Axes side by side, each `width` by `height` inches at 100 pixels an inch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * count, height), dpi=100, layout="constrained")
    axes = [figure.add_subplot(1, count, i + 1) for i in range(count)]
    for one in axes:
        one.tick_params(labelsize=8, length=0, labelcolor=GREY)
        for label in (one.xaxis.label, one.yaxis.label):
            label.set(fontsize=9, color=GREY)
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(PAPER.line)
    return figure, axes


def title(axes: Axes, text: str, legend: Literal["upper left", "lower left", "upper right"] | None = None) -> None:
    """A title, and a legend where that is wanted."""
    axes.set_title(text, fontsize=10, loc="left", color=INK)
    if legend:
        axes.legend(fontsize=8, frameon=False, loc=legend, labelcolor=INK)


def save(figure: Figure, path: Path) -> Path:
    """The figure as a PNG of few colours, written whole or not at all."""
    buffer = io.BytesIO()
    pixels(figure).quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True, pnginfo=marked())
    write_atomic(path, buffer.getvalue())
    return path
