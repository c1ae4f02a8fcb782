"""Curves: what `metrics.jsonl` says, however it ended, and SVG that a page can hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from zerosum.report import curves, svg
from zerosum.report.curves import BUCKETS, SPEED, Log, Panel, Series, draw, panels, read, short


def written(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def series(*values: float) -> Series:
    return Series(np.arange(len(values), dtype=float), np.array(values, float))


def test_read(tmp_path: Path) -> None:
    log = read(
        written(tmp_path, {"step": 10, "seconds": 2, "d/a": 0.5}, {"step": 30, "seconds": 6, "d/a": 0.25, "d/b": 1})
    )
    assert log.series["d/a"].steps.tolist() == [10, 30] and log.series["d/a"].values.tolist() == [0.5, 0.25]
    assert log.series["d/b"].steps.tolist() == [30]
    assert log.series[SPEED].steps.tolist() == [30] and log.series[SPEED].values.tolist() == [5]
    assert (log.rounds, log.seconds, log.skipped) == (30, 6, 0)


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path / "metrics.jsonl") == read(written(tmp_path)) == Log()


def test_a_truncated_last_line_is_left_out(tmp_path: Path) -> None:
    log = read(written(tmp_path, {"step": 1, "seconds": 1, "d/a": 1}, '{"step": 2, "seco'))
    assert (log.rounds, log.skipped) == (1, 1)


@pytest.mark.parametrize(
    "line", ["[1]", "7", '"x"', "{}", '{"step": null}', '{"step": "x"}', "\x00\x00", "[" * 100_000]
)
def test_lines_of_something_else_are_left_out(tmp_path: Path, line: str) -> None:
    log = read(written(tmp_path, {"step": 1, "seconds": 1, "d/a": 1}, line + "\n", {"step": 2, "seconds": 2, "d/a": 2}))
    assert (log.rounds, log.skipped) == (2, 1)
    assert log.series["d/a"].values.tolist() == [1, 2]


def test_of_a_round_logged_twice_the_later_counts(tmp_path: Path) -> None:
    lines = [{"step": step, "seconds": step, "d/a": value} for step, value in ((1, 1), (2, 2), (3, 3), (2, 20))]
    assert read(written(tmp_path, *lines)).series["d/a"].values.tolist() == [1, 20, 3]


def test_values_that_are_not_finite_are_named(tmp_path: Path) -> None:
    log = read(
        written(
            tmp_path,
            {"step": 1, "seconds": 1, "d/a": 1, "g/a": None, "g/b": "x"},
            {"step": 2, "seconds": 2, "d/a": float("nan")},
            {"step": 3, "seconds": 3, "d/a": float("inf"), "g/c": 10**400},
        )
    )
    assert log.not_finite == {"d/a": 2, "g/c": 3}
    assert log.series["d/a"].values.tolist() == [1]
    assert set(log.series) == {"d/a", SPEED}


def test_panels_keep_players_kinds_and_sizes_apart() -> None:
    names = ("d/adversarial", "d/r1", "d/r2", "d/real", "d/fake", "d/gradient_norm", "g/adversarial", SPEED, "frechet")
    sizes = (0.7, 0.001, 0.002, 3, -3, 9, 0.7, 100, 20)
    log = Log({name: series(size, size) for name, size in zip(names, sizes, strict=True)})
    assert panels(log) == [
        Panel("d", ("d/adversarial",)),
        Panel("d", ("d/r1", "d/r2")),
        Panel("d", ("d/real", "d/fake")),
        Panel("d", ("d/gradient_norm",)),
        Panel("g", ("g/adversarial",)),
        Panel("", (SPEED,)),
        Panel("", ("frechet",)),
    ]


def test_no_panel_has_more_curves_than_there_are_colours() -> None:
    log = Log({f"d/term_{i}": series(1.0) for i in range(20)})
    found = panels(log)
    assert sorted(name for panel in found for name in panel.names) == sorted(log.series)
    assert max(len(panel.names) for panel in found) <= len(svg.PAGE.curves)


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
    log = Log({"d/a": series(*values), "d/b": series(*reversed(values))}, rounds=len(values))
    svg, _ = draw(Panel("d", ("d/a", "d/b")), log, 'a "label" <with> & signs', "p7-")
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'a "label" <with> & signs' and root.get("role") == "img"
    assert "http" not in svg and "<style" not in svg and "<!--" not in svg and "#a1b2" not in svg
    assert "var(--curve-0)" in svg and "var(--curve-1)" in svg and "var(--muted)" in svg
    ids = re.findall(r' id="([^"]*)"', svg)
    assert len(ids) == len(set(ids)) and all(name.startswith("p7-") for name in ids)
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', svg)) <= set(ids)
    assert len(svg) < 60_000


def test_labels_of_the_axes_keep_their_digits() -> None:
    log = Log({"d/a": series(0.030, 0.031, 0.032, 0.034)}, rounds=4)
    svg, _ = draw(Panel("d", ("d/a",)), log, "", "p-")
    texts = [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if text.startswith("0.0")]
    assert len(texts) > 2 and len(set(texts)) == len(texts)


def test_a_few_outliers_do_not_flatten_a_curve() -> None:
    values = np.sin(np.arange(2000.0))
    values[3] = 1e6
    log = Log({"d/a": series(*values)}, rounds=2000)
    _, note = draw(Panel("d", ("d/a",)), log, "", "p-")
    assert note == "single values from -1 to 1M"
    values[3] = 1.5
    assert draw(Panel("d", ("d/a",)), Log({"d/a": series(*values)}, rounds=2000), "", "p-")[1] == ""


def test_long_curves_show_the_median_and_the_range_of_each_bucket() -> None:
    values = np.tile([0.0, 1.0, 5.0], 40 * BUCKETS)
    steps, low, middle, high = curves._buckets(series(*values))
    assert len(steps) == BUCKETS and (np.diff(steps) > 0).all()
    assert set(low) == {0} and set(middle) == {1} and set(high) == {5}


def test_last_is_a_median_of_the_end() -> None:
    assert series(*[0.0] * 900, *[1.0] * 95, 9.0, 1.0, 1.0, 1.0, 1.0).last == 1
    assert series(4.0).last == 4


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
