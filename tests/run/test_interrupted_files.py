"""What happens to a run's directory while it trains, and at its end: nothing is lost, and the cure is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zerosum
from zerosum.errors import ZerosumError
from zerosum.run.directory import RunDirectory
from zerosum.training.hooks.interrupt import Interrupted
from zerosum.training.trainer import Trainer
from zerosum.workflows import session

SHORT = {"batch_size": 8, "quiet": True, "device": "cpu", "health": False, "log_every": 5, "checkpoint_every": 4}


@pytest.mark.parametrize("sample_every", [7, 100])  # a picture comes first, or a line of the log
def test_a_run_that_is_moved_while_it_trains(
    sample_every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "finish", lambda *given: None)
    out, moved = tmp_path / "run", tmp_path / "moved"

    def move(trainer: Trainer) -> None:
        if trainer.step == 6:
            out.rename(moved)

    with pytest.raises(ZerosumError, match=r"run was moved or deleted while it was trained: `zerosum resume` goes on"):
        zerosum.train("gan/toy", out=out, steps=12, sample_every=sample_every, hooks=[move], **SHORT)
    assert not out.exists()
    zerosum.resume(moved, quiet=True)
    zerosum.train("gan/toy", out=out, steps=12, sample_every=sample_every, **SHORT)
    lines = [
        [json.loads(line) | {"seconds": 0} for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (out, moved)
    ]
    assert lines[0] == lines[1]


def test_ctrl_c_at_the_end_says_how_to_get_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "finish", interrupted)
    with pytest.raises(Interrupted, match=r"stopped at step 4, which is saved, before .* by: zerosum resume ") as error:
        zerosum.train("gan/toy", out=tmp_path / "run", steps=4, **SHORT)
    assert str(error.value).endswith(RunDirectory(tmp_path / "run").command("resume"))
