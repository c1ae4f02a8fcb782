"""health.jsonl: snapshots that replace others, damaged lines, and files of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zerosum.health.history import DERIVED, History, Snapshot
from zerosum.health.signals import SIGNALS
from zerosum.health.verdicts import SCOPES, VERDICTS, diagnose


def test_snapshots_of_steps_that_are_played_again_replace_the_old_ones(tmp_path: Path):
    path = tmp_path / "health.jsonl"
    lines = [{"step": step, "seconds": 0.0, "signals": {"frechet": step / 10}} for step in (10, 20, 30, 20, 40)]
    lines.insert(3, {"step": 15, "seconds": 0.0, "event": "rolled back", "detail": "back to step 15"})
    path.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"step": 50, "sec')
    read = History.read(path, 100)
    assert [snapshot.step for snapshot in read.snapshots] == [10, 20, 40]
    assert [event.event for event in read.events] == ["rolled back"]
    assert History.read(tmp_path / "none", 100).snapshots == []


@pytest.mark.parametrize("line", ["[]", "3", '{"step": 1}', '{"step": 1, "seconds": 0, "signals": {"a": "x"}}', "\xff"])
def test_a_damaged_line_is_passed_over(tmp_path: Path, line: str):
    path = tmp_path / "health.jsonl"
    path.write_bytes(line.encode("latin-1") + b'\n{"step": 7, "seconds": 1.0, "signals": {"frechet": 1.0}}\n')
    assert [snapshot.step for snapshot in History.read(path, 9).snapshots] == [7]


def test_signals_of_players_are_derived_for_each():
    made = History(100)
    for step, loss in ((10, 5.0), (20, 15.0)):
        of_players = {"loss/g_a": loss, "loss/d_a": loss, "gradient/g_a": 1 / loss, "gradient/d_a": 1 / loss}
        judged = {"separation/d_a": 0.5, "real_accuracy/d_a": 0.7, "fake_accuracy/d_a": 0.4}
        made.add(Snapshot(step, 0.0, {**of_players, **judged}))
    derived = {name: value for name, value in made.signals[-1].items() if name.partition("/")[0] in DERIVED}
    assert derived == {
        "travelled": 0.0,
        "unwatched": 0.0,
        "swing": 0.0,
        "sure/d_a": 0.4,
        "explosion/g_a": 3.0,
        "explosion/d_a": 3.0,
        "exploded/g_a": 3.0,
        "exploded/d_a": 3.0,
        "loss_swing/g_a": pytest.approx(50**0.5 / 10),
        "vanishing/g_a": pytest.approx(1 / 3),
    }


def test_a_file_of_an_earlier_version_has_the_verdict_that_it_had(tmp_path: Path):
    """Its signals are called signs, and those of the one discriminator name no player."""
    judged = {"separation": 1.0, "gap": 9.0, "gap_spread": 20.0, "real_accuracy": 1.0, "fake_accuracy": 1.0}
    path = tmp_path / "health.jsonl"
    with path.open("w") as file:
        for i in range(8):
            # The critic's loss swings, but nobody asked for that: one of a generator would.
            moves = {"loss/generator": 1.0, "loss/critic": (-1.0) ** i, "gradient/generator": 10.0**-i}
            line = {"step": 100 * i, "seconds": 0.0, "signs": {"frechet": 5.0, "spread": 1.0, **judged, **moves}}
            file.write(json.dumps(line) + "\n")
    history = History.read(path, 1000)
    verdict = diagnose(history)
    assert verdict.name == "discriminator too strong" and verdict.players == ()
    assert verdict.sentence.startswith("The discriminator is too strong") and "Its gradient has" in verdict.sentence
    derived = {name.partition("/")[0]: name for name in history.signals[-1] if "/" in name or name == "sure"}
    assert derived["sure"] == "sure" and derived["loss_swing"] == "loss_swing/generator"
    assert not {"loss_swing/critic", "vanishing/critic"} & history.signals[-1].keys()


def test_every_criterion_is_on_a_signal_that_is_explained():
    criteria = [criterion for spec in VERDICTS.values() for criteria in spec.when for criterion in criteria]
    assert {criterion.signal for criterion in criteria} <= {*SIGNALS, *DERIVED}
    assert set().union(*SCOPES) <= {*SIGNALS, *DERIVED}
