"""The health timeline: what it shows of a history, as a picture and as SVG of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from zerosum.errors import ZerosumError
from zerosum.health.history import Event, History, Snapshot
from zerosum.health.verdicts import diagnose
from zerosum.report.health_charts import DIAGNOSED, SPECS, charts, verdict_timeline
from zerosum.report.health_timeline import HIGHEST, drawings, save

TITLES = [spec.title for spec in SPECS]
SHOWN = [TITLES[0], *TITLES[2:4]]  # of `fine`


def history(signals: Callable[[int], dict[str, float]], snapshots: int = 30, *events: Event) -> History:
    made = History(100 * snapshots)
    for i in range(1, snapshots + 1):
        made.add(Snapshot(100 * i, 3.0 * i, signals(i)))
    for event in events:
        made.add(event)
    return made


def collapsing(i: int) -> dict[str, float]:
    """From round 1,000 on only a few fakes are left; the fakes moved, and come no closer."""
    few = i >= 10
    gradients = {"gradient/generator": 0.1, "gradient/critic": 3.0, "centre/0": float(i)}
    return {
        "frechet": 0.9,
        "frechet_real": 0.03,
        "recall": 0.01 if few else 0.8,
        "distinct": 0.1 if few else 0.9,
        "spread": 0.6,
        "separation/critic": 0.8,
        "copying": 1.1,
        **gradients,
    }


REAL = {"frechet_real": 0.03, "frechet_high": 0.04, "recall_low": 0.9, "precision_low": 0.9, "distinct_low": 0.9}
REAL |= {"spread_low": 0.9, "spread_high": 1.1, "stray_high": 0.02}


def fine(i: int) -> dict[str, float]:
    close = {"recall": 0.9, "distinct": 1.0, "spread": 1.0, "precision": 0.9, "stray": 0.02}
    return {"frechet": 0.05 + 1 / i, **close, **REAL}


def test_the_charts_are_those_that_the_run_has_signals_for() -> None:
    made = history(fine)
    assert [chart.spec.title for chart in charts(made, diagnose(made))] == SHOWN
    lines = {line.name: line for line in charts(made, diagnose(made))[0].lines}
    assert lines["fakes"].points[0] == (100, 1.05) and lines["fakes"].points[-1] == (
        3000,
        pytest.approx(0.0833, abs=1e-3),
    )
    assert lines["other real data"].dashed and not lines["fakes"].dashed


def test_a_threshold_stands_only_beside_signals_of_its_unit() -> None:
    labels = {"class_accuracy": 0.1, "class_accuracy_real": 0.9, "class_chance": 0.12}
    made = history(lambda i: fine(i) | labels)
    verdict = diagnose(made)
    assert verdict.name == "labels ignored"
    found = {chart.spec.title: [threshold.text for threshold in chart.thresholds] for chart in charts(made, verdict)}
    assert found["Class accuracy of the fakes"] == []  # class obedience is no accuracy
    (near,) = charts(made, verdict)[0].thresholds
    assert near.text.startswith("below 0.") and not near.above and not near.bad  # it is no bad sign to be near the data


def test_gradients_have_a_line_for_each_player() -> None:
    made = history(collapsing)
    gradients = next(c for c in charts(made, diagnose(made)) if c.spec.title == "Gradient norms")
    assert [line.name for line in gradients.lines] == ["critic", "generator"]


def test_the_verdicts_thresholds_are_drawn_from_where_they_are_passed() -> None:
    made = history(collapsing)
    verdict = diagnose(made)
    assert verdict.name == "mode collapse"
    evidence = {seen.signal: seen for seen in verdict.evidence}
    varied = next(chart for chart in charts(made, verdict) if chart.spec.title == "Diversity of the fakes")
    found = {threshold.text: threshold for threshold in varied.thresholds}
    for signal in ("recall", "distinct"):
        threshold = evidence[signal].threshold
        limit = found[f"{signal} below {threshold:g}"]
        assert (limit.value, limit.above, limit.since, limit.bad) == (threshold, False, 1000, True)


def test_a_healthy_run_shows_the_threshold_that_it_keeps() -> None:
    made = history(fine)
    verdict = diagnose(made)
    assert verdict.name == "healthy"
    (limit,) = charts(made, verdict)[0].thresholds
    assert limit.text == "below 0.12" and not limit.above and not limit.bad
    assert limit.since == 1500, "1 / 15 + 0.05 is the first below it"


def test_losses_and_centres_are_shown_only_where_they_are_evidence() -> None:
    exploded = history(lambda i: fine(i) | {"loss/generator": -(10.0**i), "centre/0": 0.0})
    titles = [chart.spec.title for chart in charts(exploded, diagnose(exploded))]
    assert diagnose(exploded).name == "diverged"
    assert "Losses" in titles and "Mean of the fakes" not in titles
    calm = history(lambda i: fine(i) | {"loss/generator": 1.0, "centre/0": 0.0})
    assert [chart.spec.title for chart in charts(calm, diagnose(calm))] == SHOWN


def test_the_timeline_repeats_the_verdicts_as_they_were_given() -> None:
    made, given, replayed = history(collapsing), [], History(3000)
    for snapshot in made.snapshots:
        replayed.add(snapshot)
        given.append((snapshot.step, diagnose(replayed).name))
    assert verdict_timeline(made) == given
    assert given[0][1] == "too early to tell" and given[-1][1] == "mode collapse"


def test_the_timeline_of_a_long_run_ends_with_its_last_snapshot() -> None:
    made = verdict_timeline(history(fine, snapshots=3 * DIAGNOSED))
    assert len(made) == DIAGNOSED and made[-1] == (100 * 3 * DIAGNOSED, "healthy")
    steps = [step for step, _ in made]
    assert steps == sorted(set(steps))


def test_events_are_known_only_after_they_happened() -> None:
    rolled = [Event(1540, 46.0, "diverged", "a loss became NaN"), Event(1500, 46.1, "rolled back", "to round 1500")]
    assert {name for _, name in verdict_timeline(history(fine, 30, *rolled))} == {
        "too early to tell",
        "under-trained",
        "healthy",
    }
    died = Event(3050, 91.0, "diverged", "a loss became NaN")
    made = verdict_timeline(history(fine, 30, died))
    assert made[-2:] == [(3000, "healthy"), (3050, "diverged")]
    assert verdict_timeline(History(10, events=[died])) == [(3050, "diverged")]
    assert verdict_timeline(History(10)) == [(0, diagnose(History(10)).name)]


STRANGE: dict[str, History] = {
    "nothing": History(10),
    "one snapshot": history(fine, 1),
    "only events": History(10, events=[Event(5, 1.0, "diverged", "a loss became NaN")]),
    "not finite": history(lambda i: {"frechet": float("nan"), "recall": float("inf"), "gap": -float("inf")}),
    "huge": history(lambda i: {"frechet": 10.0**i, "gap": -(10.0**i), "spread": 10.0**i, "loss/g": 10.0 ** (3 * i)}),
    "nought": history(lambda i: {"frechet": 0.0, "gap": 0.0, "spread": 0.0, "gradient/g": 0.0, "recall": 0.0}),
    "negative": history(lambda i: {"frechet": -1.0, "gap": -2.0, "spread": -1.0}),
    "gaps": history(lambda i: fine(i) if i % 3 == 0 else {"gap": 1.0}),
    "tiny": history(lambda i: {"gradient/g": 1e-30 * i, "gradient/d": 5e-324}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_any_history_can_be_drawn(name: str, tmp_path: Path) -> None:
    made = STRANGE[name]
    path = save(made, tmp_path / "new" / "health.png")
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > 1000
    assert [file.name for file in path.parent.iterdir()] == ["health.png"]
    assert all(drawing.svg for drawing in drawings(made, diagnose(made)))


def test_drawings_are_inline_svg_in_the_pages_colours() -> None:
    made = history(collapsing, 30, Event(1540, 46.0, "diverged", ""), Event(1500, 46.1, "rolled back", ""))
    verdict = diagnose(made)
    drawn = list(drawings(made, verdict))
    assert [drawing.title for drawing in drawn][1:] == [chart.spec.title for chart in charts(made, verdict)]
    ids: list[str] = []
    for drawing in drawn:
        root = ElementTree.fromstring(drawing.svg)
        assert root.get("role") == "img" and root.get("aria-label")
        assert "http" not in drawing.svg and "<style" not in drawing.svg and "#a1b2" not in drawing.svg
        assert set(re.findall(r"(?:fill|stroke): (#\w+)", drawing.svg)) <= {"#ffffff", "#000000"}
        ids += re.findall(r' id="([^"]*)"', drawing.svg)
    assert len(ids) == len(set(ids))
    band, distance, varied = drawn[:3]
    assert "var(--bad)" in band.svg and "mode collapse" in band.svg and "rolled back" in band.svg
    assert "mode collapse" in str(ElementTree.fromstring(band.svg).get("aria-label"))
    assert ("var(--muted)", "other real data", "0.03", True) in distance.keys
    assert "recall below 0." in varied.svg


def test_a_ratio_beyond_the_axes_is_drawn_at_their_top() -> None:
    made = history(lambda i: fine(i) | {"spread": 50.0 * i})
    varied = list(drawings(made, diagnose(made)))[2]
    assert f"\u2265 {HIGHEST:g}" in varied.svg
    assert ("var(--curve-1)", "spread", "1,500", False) in varied.keys
    assert "\u2265" not in list(drawings(history(fine), diagnose(history(fine))))[2].svg


def test_the_picture_shows_an_ill_run_in_red_and_a_healthy_one_in_green(tmp_path: Path) -> None:
    def shares(made: History) -> tuple[float, float]:
        with Image.open(save(made, tmp_path / "health.png")) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        red, green = ((abs(pixels - color).sum(2) < 12).mean() for color in ([197, 40, 61], [22, 135, 95]))
        return float(red), float(green)

    ill, well = shares(history(collapsing)), shares(history(lambda i: fine(i) | {"frechet": 0.05}))
    assert ill[0] > 0.005 > ill[1]
    assert well[1] > 0.005 > well[0]


def test_the_ending_chooses_the_format(tmp_path: Path) -> None:
    assert "<svg" in save(history(fine), tmp_path / "health.svg").read_text()
    with pytest.raises(ZerosumError, match=r"health\.xyz: choose a name that ends in \.png"):
        save(history(fine), tmp_path / "health.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["health.svg"]
