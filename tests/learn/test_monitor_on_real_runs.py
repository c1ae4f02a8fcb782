"""The monitor on short real trainings: a healthy one and a collapsed one. All of them: `zerosum reproduce health`."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerosum.studies.health import BY_NAME, train_monitored


@pytest.mark.parametrize("name", ["two-player/toy", "ring, two of eight", "ring, G 3000x", "points, labels shuffled"])
def test_the_truth_is_told(name: str, tmp_path: Path):
    scenario = BY_NAME[name]
    told = train_monitored(scenario, seed=3, fraction=1.0, folder=tmp_path)
    assert told["verdict"] == scenario.truth
    assert not (set(told["alarms"]) - {scenario.truth})
