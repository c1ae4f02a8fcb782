"""Small charts over training steps: matplotlib's axes as inline SVG in the page's colours, or on white paper."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Colors:
    """The colours of charts."""

    curves: tuple[str, ...]  # axes hold no more curves than this
    muted: str
    line: str
    card: str
    good: str
    bad: str


# Placeholders, which `inline` replaces by CSS variables, so that a chart is light or dark as its page is.
PAGE = Colors(tuple(f"#a1b2c{i}" for i in range(6)), "#a1b2d0", "#a1b2d1", "#a1b2d2", "#a1b2d3", "#a1b2d4")
CURVES = ("#2468d8", "#d9622b", "#16875f", "#9a3fb5", "#a8800a", "#c22f5c")
PAPER = Colors(CURVES, "#646a73", "#e3e4e6", "#ffffff", "#16875f", "#c5283d")
VARIABLES = {color: f"var(--curve-{i})" for i, color in enumerate(PAGE.curves)}
VARIABLES |= {getattr(PAGE, name): f"var(--{name})" for name in ("muted", "line", "card", "good", "bad")}


@contextmanager
def style() -> Iterator[None]:
    """Text that stays text, in a font that comes with matplotlib, and equal files for equal drawings."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "zerosum", "font.sans-serif": ["DejaVu Sans"]}):
        yield


def over_rounds(axes: Axes, rounds: int, colors: Colors, size: float) -> None:
    """Axes whose x are `rounds`, the training steps, with few lines and labels of `size` points."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, max(rounds, 1))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 3, 4, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1000:g}k" if v >= 1000 else f"{v:g}"))
    axes.tick_params(which="both", labelsize=size, length=0, labelcolor=colors.muted)
    axes.grid(axis="y", color=colors.line, linewidth=0.6)
    axes.spines[:].set_visible(False)


def inline(figure: Figure, label: str, salt: str) -> str:
    """A figure as an element of a page: an `<svg>` in the page's colours, without links or global styles.

    Args:
        label: the text for screen readers.
        salt: makes its ids differ from those of the page's other drawings.
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", transparent=True)
    used = set(re.findall(r"#(\w+)", buffer.getvalue()))
    root = ElementTree.fromstring(buffer.getvalue())
    for element in root.iter():
        for child in [child for child in element if child.tag.endswith(("}metadata", "}style"))]:
            element.remove(child)
        element.tag = element.tag.rpartition("}")[2]  # a page needs no namespaces
        attributes = {name.rpartition("}")[2]: value for name, value in element.items()}
        element.attrib = {name: value for name, value in attributes.items() if name != "id" or value in used}
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": ""}
    svg = ElementTree.tostring(root, encoding="unicode")
    svg = re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", svg)  # coordinates, not the text of labels
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, variable)
    return re.sub(r"\s*\n\s*", "\n", svg).replace('aria-label=""', f'aria-label="{escape(label, quote=True)}"').strip()


def short(value: float) -> str:
    """A number in a few characters: 0.693, 12k, 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}" if abs(value) < 1e12 else f"{value:.2g}"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
