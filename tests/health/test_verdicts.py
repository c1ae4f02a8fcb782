"""Verdicts from histories of signs that are written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zerosum.health.signals import SIGNALS, Snapshot
from zerosum.health.verdicts import LOOKS, VERDICTS, Event, History, diagnose

GOOD = {
    "frechet": 0.1, "frechet_real": 0.04, "spread": 0.95, "recall": 0.8, "distinct": 0.9, "copying": 1.0,
    "real_accuracy": 0.6, "fake_accuracy": 0.6, "separation": 0.6, "gap": 0.4, "gap_spread": 0.5,
    "loss/generator": 0.8, "loss/discriminator": 1.3, "gradient/generator": 1.0, "gradient/discriminator": 1.0,
}  # fmt: skip
CLASSES = {"class_spread": 0.9, "class_accuracy": 0.8, "class_accuracy_real": 0.9, "class_chance": 0.13}
WANDER = 1.5  # deviations that a centre moves from look to look, where it moves


def history(*changes: dict[str, float], count: int = 10, moving: float = 0.2, **signs: float) -> History:
    """`count` looks, alike but for the centre, which steps to and fro by `moving`; then one for each of `changes`."""
    made = History(steps=10_000)
    for i, change in enumerate([{}] * count + list(changes)):
        centre = {f"centre/{axis}": moving * (i % 2) for axis in range(4)}
        made.add(Snapshot(100 * (i + 1), float(i), {**GOOD, **centre, **signs, **change}))
    return made


@pytest.mark.parametrize(("name", "moving", "signs"), [
    ("healthy", 0.2, {}),
    ("healthy", 0.6, {}),  # it moves, but what is sampled is close to the data
    ("healthy", 0.2, {**CLASSES}),
    ("memorising", 0.2, {"copying": 0.2, "recall": 0.0, "distinct": 0.0}),
    ("labels ignored", 0.2, {**CLASSES, "class_accuracy": 0.1}),
    ("labels ignored", 0.2, {**CLASSES, "class_accuracy_real": 0.11}),
    ("discriminator too strong", 0.0, {
        "frechet": 5.0, "separation": 1.0, "gap_spread": 20.0, "real_accuracy": 1.0, "fake_accuracy": 1.0}),
    ("generator ahead", 0.2, {"frechet": 5.0, "separation": 0.1, "gap_spread": -3.0}),
    ("conditional collapse", 0.2, {**CLASSES, "class_spread": 0.01, "frechet": 0.3, "recall": 0.02}),
    ("mode collapse", 0.5, {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "spread": 0.5}),
    ("oscillating", 1.0, {"frechet": 1.4, "recall": 0.4, "spread": 1.0}),
    ("diverged", 0.2, {"loss/generator": -1e6}),
    ("under-trained", 0.2, {"frechet": 0.9, "recall": 0.4}),
    ("under-trained", 0.0, {"frechet": 8.0, "recall": 0.0, "distinct": 0.1, "spread": 0.01}),  # it never moved
])  # fmt: skip
def test_each_verdict_has_its_signs(name: str, moving: float, signs: dict[str, float]):
    verdict = diagnose(history(moving=moving, **signs))
    assert verdict.name == name
    assert verdict.exit_code == VERDICTS[name].exit_code
    if name not in ("healthy", "under-trained"):
        assert verdict.advice and verdict.evidence


def test_exit_codes_differ_and_leave_those_of_other_commands_alone():
    codes = [kind.exit_code for kind in VERDICTS.values()]
    assert len(set(codes)) == len(codes) and VERDICTS["healthy"].exit_code == 0
    assert not {1, 2, 130} & set(codes)


def test_one_bad_look_is_no_verdict():
    bad = {"recall": 0.0, "distinct": 0.0, "frechet": 1.5}
    assert diagnose(history({}, bad, {}, moving=1.0)).name == "healthy"
    assert diagnose(history(bad, bad, {}, {}, {}, moving=1.0)).name == "healthy"
    assert diagnose(history(*[bad] * 10, moving=1.0)).name == "mode collapse"


def test_a_failure_needs_enough_looks():
    collapsed = {"recall": 0.0, "distinct": 0.0, "frechet": 1.5}
    assert diagnose(history(count=LOOKS - 1, moving=1.5, **collapsed)).name == "under-trained"
    assert diagnose(history(count=LOOKS, moving=1.5, **collapsed)).name == "mode collapse"
    assert diagnose(History(100)).name == "under-trained"


def test_who_still_comes_closer_has_not_collapsed():
    falling = [{"frechet": 3.0 * 0.7**i} for i in range(8)]
    verdict = diagnose(history(*falling, count=0, moving=1.5, recall=0.0, distinct=0.1))
    assert verdict.name == "healthy" and "closer" in verdict.sentence


def test_a_gradient_that_vanished_is_told():
    sure = {"frechet": 5.0, "separation": 1.0, "gap_spread": 20.0, "real_accuracy": 1.0, "fake_accuracy": 1.0}
    falling = [{**sure, "gradient/generator": 10.0**-i} for i in range(8)]
    assert "vanished to 1e-07" in diagnose(history(*falling, count=0, moving=0.0)).sentence
    assert "vanished" not in diagnose(history(moving=0.0, **sure)).sentence


def test_evidence_says_since_when():
    late = {"copying": 0.1}
    verdict = diagnose(history(*[late] * 8, count=6))
    assert verdict.name == "memorising"
    copying = next(seen for seen in verdict.evidence if seen.sign == "copying")
    assert (copying.value, copying.threshold, copying.since) == (0.1, 0.6, 700)
    assert copying.limit == "< 0.6" and copying.meaning == SIGNALS["copying"]
    assert verdict.since == 700


def test_divergence_is_an_event_that_a_rollback_ends():
    ill = history()
    ill.add(Event(1050, 9.0, "diverged", "generator/adversarial is nan in round 1049"))
    assert diagnose(ill).name == "diverged" and "round 1049" in diagnose(ill).sentence
    ill.add(Event(800, 9.0, "rolled back", "back to round 800"))
    assert diagnose(ill).name == "healthy"


def test_looks_at_rounds_that_are_played_again_replace_the_old_ones(tmp_path: Path):
    path = tmp_path / "health.jsonl"
    lines = [{"step": step, "seconds": 0.0, "signs": {"frechet": step / 10}} for step in (10, 20, 30, 20, 40)]
    lines.insert(3, {"step": 15, "seconds": 0.0, "event": "rolled back", "detail": "back to round 15"})
    path.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"step": 50, "sec')
    read = History.read(path, 100)
    assert [look.step for look in read.looks] == [10, 20, 40]
    assert [event.event for event in read.events] == ["rolled back"]
    assert History.read(tmp_path / "none", 100).looks == []


@pytest.mark.parametrize("line", ["[]", "3", '{"step": 1}', '{"step": 1, "seconds": 0, "signs": {"a": "x"}}', "\xff"])
def test_a_damaged_line_is_passed_over(tmp_path: Path, line: str):
    path = tmp_path / "health.jsonl"
    path.write_bytes(line.encode("latin-1") + b'\n{"step": 7, "seconds": 1.0, "signs": {"frechet": 1.0}}\n')
    assert [look.step for look in History.read(path, 9).looks] == [7]
