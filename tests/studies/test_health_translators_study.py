"""`reproduce health-translators`: its parts, its counts, and a short run of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zerosum.health.verdicts import OF_TRANSLATORS
from zerosum.studies import STUDIES
from zerosum.studies.health_translators import BY_NAME, HEALTH_TRANSLATORS, MADE_UP, run, summarise
from zerosum.studies.scenarios import photographs


def test_every_training_once_and_every_verdict() -> None:
    assert STUDIES["health-translators"] is HEALTH_TRANSLATORS and 0 not in HEALTH_TRANSLATORS.seeds
    parts = [part for seed in HEALTH_TRANSLATORS.seeds for part in HEALTH_TRANSLATORS.parts(seed)]
    assert sorted(parts) == sorted(name for name in BY_NAME if photographs() or not name.endswith("of photographs"))
    assert {made.truth for made in MADE_UP} - {""} == set(OF_TRANSLATORS)


def _part(seed: int, stops: list[tuple[bool, str]], cases: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "scenario": f"training {seed}",
        "seed": seed,
        "stops": [{"at": 1.0, "good": good, "verdict": verdict} for good, verdict in stops],
        "cases": [{"name": truth or "noise", "truth": truth, "verdict": verdict} for truth, verdict in cases],
    }


def test_counts() -> None:
    one = _part(
        8, [(True, "healthy"), (False, "copies its input")], [("checkerboard", "checkerboard"), ("", "healthy")]
    )
    two = _part(
        9, [(True, "checkerboard"), (True, "modes missing")], [("inverts colours", "healthy"), ("", "checkerboard")]
    )
    figures = summarise([one, two])
    assert figures["values"] == [1.0, 0.0] and figures["failures"] == 2 and figures["good_snapshots"] == 3
    assert figures["false_alarms"] == pytest.approx(1 / 3) == figures["other_alarms_on_good"]
    assert figures["poor_alarms"] == 0.5 and figures["by_failure"]["inverts colours"] == [0, 1]
    assert [(w["truth"], w["verdict"]) for w in figures["wrong"]] == [
        ("inverts colours", "healthy"),
        ("", "checkerboard"),
    ]
    assert not HEALTH_TRANSLATORS.extra_check(figures) and HEALTH_TRANSLATORS.extra_check(summarise([one]))


def test_a_short_run(tmp_path: Path) -> None:
    part = run("srresnet shrink@2", 3, 0.05, tmp_path)
    assert len(part["stops"]) == 6 and [case["name"] for case in part["cases"]] == [made.name for made in MADE_UP]
    assert {"changed", "tie", "agreement", "checkerboard"} <= part["signals"].keys()
