"""Killed or interrupted, a run goes on as if nothing had happened: bit for bit."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from shell import finish, spawn

STEPS = 1500
RUN = ("train", "gan/toy", "--steps", STEPS, "--batch-size", 64, "--checkpoint-every", 150, "--log-every", 10)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted run."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert finish(spawn(*RUN, "--out", out))[0] == 0
    return out


def test_resume_after_five_kills_equals_the_uninterrupted_run(whole: Path) -> None:
    rng, killed = random.Random(0), 0
    process = spawn(*RUN, "--out", "killed")
    for goal in sorted(rng.sample(range(100, STEPS - 200), 5)):
        if _wait_for(process, Path("killed/metrics.jsonl"), goal):
            time.sleep(rng.random() * 0.3)  # anywhere in a round, a log line, or a checkpoint
            process.send_signal(signal.SIGKILL)
            killed += finish(process)[0] == -signal.SIGKILL
            process = spawn("resume", "killed")
    assert finish(process)[0] == 0
    assert killed == 5
    _assert_equal(whole, Path("killed"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_resume(number: signal.Signals, whole: Path) -> None:
    process = spawn(*RUN, "--out", "stopped")
    assert _wait_for(process, Path("stopped/metrics.jsonl"), 200)
    process.send_signal(number)
    code, err = finish(process)
    assert code == 130
    assert "go on with: zerosum resume stopped" in err
    saved = int(err.split("saved at step ")[1].split(";")[0])
    assert Path(f"stopped/checkpoints/step-{saved:08d}").is_dir()
    assert finish(spawn("resume", "stopped"))[0] == 0
    _assert_equal(whole, Path("stopped"), log=False)


def _wait_for(process: subprocess.Popen[str], metrics: Path, step: int) -> bool:
    """Wait until the metrics reach a round; False if the process ended before."""
    while process.poll() is None:
        try:
            if json.loads(metrics.read_text().splitlines()[-1])["step"] >= step:
                return True
        except (OSError, IndexError, ValueError):
            pass
        time.sleep(0.02)
    return False


def _assert_equal(a: Path, b: Path, log: bool = True) -> None:
    last = f"checkpoints/step-{STEPS:08d}"
    for name in ("game", "average", "training"):  # networks, averages; optimisers and random state
        left, right = (load_file(run / last / f"{name}.safetensors") for run in (a, b))
        assert left.keys() == right.keys()
        assert all(left[key].equal(right[key]) for key in left), name
    left_json, right_json = (json.loads((run / last / "checkpoint.json").read_text()) for run in (a, b))
    assert left_json == right_json  # the round, and the stream's position
    if log:
        logs = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (a, b)]
        assert [{**line, "seconds": 0} for line in logs[0]] == [{**line, "seconds": 0} for line in logs[1]]
