"""Charts of curves: which share axes, and SVG that a page can hold."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from zerosum.report import curve_charts, svg
from zerosum.report.curve_charts import BUCKETS, Panel, draw, panels
from zerosum.report.curves import SPEED, Curve, MetricsLog
from zerosum.report.svg import short


def curve(*values: float) -> Curve:
    return Curve(np.arange(len(values), dtype=float), np.array(values, float))


def test_panels_keep_players_kinds_and_sizes_apart() -> None:
    names = (
        "d/adversarial",
        "d/r1",
        "d/r2",
        "d/logits/real",
        "d/logits/fake",
        "d/gradient_norm",
        "g/adversarial",
        SPEED,
        "frechet",
    )
    sizes = (0.7, 0.001, 0.002, 3, -3, 9, 0.7, 100, 20)
    log = MetricsLog({name: curve(size, size) for name, size in zip(names, sizes, strict=True)})
    assert panels(log) == [
        Panel("d", ("d/adversarial",)),
        Panel("d", ("d/r1", "d/r2")),
        Panel("d", ("d/logits/real", "d/logits/fake")),
        Panel("d", ("d/gradient_norm",)),
        Panel("g", ("g/adversarial",)),
        Panel("", (SPEED,)),
        Panel("", ("frechet",)),
    ]


def test_no_panel_has_more_curves_than_there_are_colours() -> None:
    log = MetricsLog({f"d/term_{i}": curve(1.0) for i in range(20)})
    grouped = panels(log)
    assert sorted(name for panel in grouped for name in panel.names) == sorted(log.curves)
    assert max(len(panel.names) for panel in grouped) <= len(svg.PAGE.curves)


@pytest.mark.parametrize(
    "values",
    [
        (1.0,),
        (0.0, 0.0),
        (1e6, 1e6 + 1e-9),
        (-1.0, 1.0),
        (1e99, -1e99),
        (5e-324, 0.0),
        (1e-12, 2e-12),
        tuple(range(5000)),
    ],
)
def test_drawings_are_inline_svg(values: tuple[float, ...]) -> None:
    log = MetricsLog({"d/a": curve(*values), "d/b": curve(*reversed(values))}, last_step=len(values))
    svg, _ = draw(Panel("d", ("d/a", "d/b")), log, 'a "label" <with> & signs', "p7-")
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'a "label" <with> & signs' and root.get("role") == "img"
    assert "http" not in svg and "<style" not in svg and "<!--" not in svg and "#a1b2" not in svg
    assert "var(--curve-0)" in svg and "var(--curve-1)" in svg and "var(--muted)" in svg
    ids = re.findall(r' id="([^"]*)"', svg)
    other, _ = draw(Panel("d", ("d/a", "d/b")), log, "", "p8-")
    assert len(ids) == len(set(ids)) and not {name for name in ids if f' id="{name}"' in other}
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', svg)) <= set(ids)
    assert len(svg) < 60_000


def test_labels_of_the_axes_keep_their_digits() -> None:
    log = MetricsLog({"d/a": curve(0.030, 0.031, 0.032, 0.034)}, last_step=4)
    svg, _ = draw(Panel("d", ("d/a",)), log, "", "p-")
    texts = [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if text.startswith("0.0")]
    assert len(texts) > 2 and len(set(texts)) == len(texts)


def test_a_few_outliers_do_not_flatten_a_curve() -> None:
    values = np.sin(np.arange(2000.0))
    values[3] = 1e6
    log = MetricsLog({"d/a": curve(*values)}, last_step=2000)
    _, note = draw(Panel("d", ("d/a",)), log, "", "p-")
    assert note == "not all shown: values from -1 to 1M"
    values[3] = 1.5
    assert draw(Panel("d", ("d/a",)), MetricsLog({"d/a": curve(*values)}, last_step=2000), "", "p-")[1] == ""


def test_long_curves_show_the_median_and_the_range_of_each_bucket() -> None:
    values = np.tile([0.0, 1.0, 5.0], 40 * BUCKETS)
    steps, low, middle, high = curve_charts._buckets(curve(*values))
    assert len(steps) == BUCKETS and (np.diff(steps) > 0).all()
    assert set(low) == {0} and set(middle) == {1} and set(high) == {5}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.69315, "0.693"),
        (-12.34, "-12.3"),
        (1234.5, "1,234"),
        (12_345, "12.3k"),
        (1_234_567, "1.23M"),
        (2.5e9, "2.5G"),
        (1e20, "1e+20"),
        (1e-7, "1e-07"),
        (999.7, "1,000"),
    ],
)
def test_short(value: float, text: str) -> None:
    assert short(value) == text
