"""The monitor on short real trainings: a sound one and three that fail. All of them: `zerosum reproduce health`."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerosum.health.verdicts import OPEN
from zerosum.studies.health import BY_NAME, train_monitored


@pytest.mark.parametrize("name", ["ring, two of eight", "ring, G 3000x", "points, labels shuffled"])
def test_the_failure_is_named(name: str, tmp_path: Path) -> None:
    scenario = BY_NAME[name]
    found = train_monitored(scenario, seed=3, fraction=1.0, folder=tmp_path)
    assert found["verdict"] == scenario.truth
    assert {stop["verdict"] for stop in found["stops"]} <= {scenario.truth, *OPEN} - {"healthy"}


def test_no_alarm_is_raised_on_a_sound_training(tmp_path: Path) -> None:
    found = train_monitored(BY_NAME["two-player/toy"], seed=3, fraction=1.0, folder=tmp_path)
    assert {stop["verdict"] for stop in found["stops"]} <= set(OPEN)
    assert not [stop for stop in found["stops"] if stop["verdict"] == "healthy" and not stop["good"]]
