"""Curves: what `metrics.jsonl` holds, however it ended."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zerosum.report.curves import SPEED, Curve, MetricsLog, read, split
from zerosum.training.log_keys import FAKE_LOGITS, REAL_LOGITS


def written(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def curve(*values: float) -> Curve:
    return Curve(np.arange(len(values), dtype=float), np.array(values, float))


def test_read(tmp_path: Path) -> None:
    log = read(
        written(tmp_path, {"step": 10, "seconds": 2, "d/a": 0.5}, {"step": 30, "seconds": 6, "d/a": 0.25, "d/b": 1})
    )
    assert log.curves["d/a"].steps.tolist() == [10, 30] and log.curves["d/a"].values.tolist() == [0.5, 0.25]
    assert log.curves["d/b"].steps.tolist() == [30]
    assert log.curves[SPEED].steps.tolist() == [30] and log.curves[SPEED].values.tolist() == [5]
    assert (log.last_step, log.seconds, log.skipped) == (30, 6, 0)


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path / "metrics.jsonl") == read(written(tmp_path)) == MetricsLog()


def test_a_truncated_last_line_is_left_out(tmp_path: Path) -> None:
    log = read(written(tmp_path, {"step": 1, "seconds": 1, "d/a": 1}, '{"step": 2, "seco'))
    assert (log.last_step, log.skipped) == (1, 1)


@pytest.mark.parametrize(
    "line", ["[1]", "7", '"x"', "{}", '{"step": null}', '{"step": "x"}', "\x00\x00", "[" * 100_000]
)
def test_lines_of_something_else_are_left_out(tmp_path: Path, line: str) -> None:
    log = read(written(tmp_path, {"step": 1, "seconds": 1, "d/a": 1}, line + "\n", {"step": 2, "seconds": 2, "d/a": 2}))
    assert (log.last_step, log.skipped) == (2, 1)
    assert log.curves["d/a"].values.tolist() == [1, 2]


def test_of_a_step_logged_twice_the_later_counts(tmp_path: Path) -> None:
    lines = [{"step": step, "seconds": step, "d/a": value} for step, value in ((1, 1), (2, 2), (3, 3), (2, 20))]
    assert read(written(tmp_path, *lines)).curves["d/a"].values.tolist() == [1, 20, 3]


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
    assert log.curves["d/a"].values.tolist() == [1]
    assert set(log.curves) == {"d/a", SPEED}


def test_last_is_a_median_of_the_end() -> None:
    assert curve(*[0.0] * 900, *[1.0] * 95, 9.0, 1.0, 1.0, 1.0, 1.0).last == 1
    assert curve(4.0).last == 4


def test_logits_of_old_runs_have_todays_names(tmp_path: Path) -> None:
    """Runs of format 1 logged D's logits as `real` and `fake`."""
    old = read(written(tmp_path, {"step": 1, "seconds": 1, "d/real": 2, "d/fake": -1, "real": 3, "d/real_loss": 4}))
    new = read(
        written(
            tmp_path, {"step": 1, "seconds": 1, "d/logits/real": 2, "d/logits/fake": -1, "real": 3, "d/real_loss": 4}
        )
    )
    assert set(old.curves) == set(new.curves) == {f"d/{REAL_LOGITS}", f"d/{FAKE_LOGITS}", "real", "d/real_loss"}
    assert old.curves["d/logits/real"].values.tolist() == [2]
    assert read(written(tmp_path, {"step": 5, "d/fake": float("nan")})).not_finite == {f"d/{FAKE_LOGITS}": 5}


def test_a_run_that_goes_on_after_an_update_has_one_curve(tmp_path: Path) -> None:
    lines = ({"step": 1, "seconds": 1, "d/real": 2}, {"step": 2, "seconds": 2, "d/logits/real": 3})
    assert read(written(tmp_path, *lines)).curves[f"d/{REAL_LOGITS}"].values.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("d/loss", ("d", "loss")), ("d/logits/real", ("d", "logits/real")), ("frechet", ("", "frechet"))],
)
def test_split(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts
