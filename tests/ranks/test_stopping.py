"""However one of two processes stops, both do: at one step, soon, with one message and one exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ranks import TESTS, begin, end, environments, free_port

from zerosum.errors import ZerosumError
from zerosum.training import checkpoint
from zerosum.training.hooks.interrupt import Interrupt
from zerosum.util import distributed

RECIPE = f"{TESTS / 'support' / 'faulty.py'}:toy"


def train(monkeypatch: pytest.MonkeyPatch, out: Path, fault: str, *options: str) -> list[subprocess.Popen[str]]:
    monkeypatch.setenv("FAULT", fault)
    return begin(["-m", "zerosum", "train", RECIPE, "--out", out, *options])


def lines(error: str) -> list[str]:
    return [line for line in error.splitlines() if line.startswith("zerosum")]


def wait_for(path: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert path.exists()


def test_a_divergence_in_one_process_is_found_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (first, said), (second, silent) = end(train(monkeypatch, tmp_path / "run", "nan"))
    assert (first, second) == (3, 3), said + silent
    assert len(lines(said)) == 1 and "training diverged: " in said and "is nan in step 5;" in said
    assert lines(silent) == []


@pytest.mark.parametrize(
    ("fault", "code", "reason"), [("error", 1, "ValueError: boom"), ("killed", 2, "killed perhaps")]
)
def test_a_process_that_fails_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: int, reason: str
):
    processes = train(monkeypatch, tmp_path / "run", fault)
    processes[1].wait(200)
    failed = time.monotonic()
    processes[0].wait(200)
    assert time.monotonic() - failed < 30
    (first, said), (second, own) = end(processes)
    assert first == code and second == (1 if fault == "error" else -signal.SIGKILL)
    assert len(lines(said)) == 1 and reason in lines(said)[0] and "Traceback" not in said
    assert ("ValueError: boom" in own) == (fault == "error")


def test_a_signal_to_one_process_saves_and_stops_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "run"
    processes = train(monkeypatch, out, "slow", "--steps", "100000")
    wait_for(out / "metrics.jsonl")
    processes[1].send_signal(signal.SIGTERM)
    (first, said), (second, silent) = end(processes)
    assert (first, second) == (130, 130), said + silent
    step = checkpoint.step_of(checkpoint.find(out / "checkpoints")[-1])
    assert step > 0 and json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["step"] == step
    assert lines(said) == [
        f"zerosum: stopped and saved at step {step}; go on with: zerosum resume {out} --recipe {RECIPE}"
    ]
    assert lines(silent) == []


def test_a_signal_to_torchrun_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It hands on what it gets to each worker, which may have had it already: a Ctrl-C comes to all of them twice."""
    monkeypatch.setenv("FAULT", "slow")
    out, launcher = tmp_path / "run", ["-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command = [*launcher, "--master-port", str(free_port()), "-m", "zerosum", "train", RECIPE, "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, *command, "--steps", "100000"],
        env=environments(1)[0],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(out / "metrics.jsonl")
    os.killpg(process.pid, signal.SIGINT)
    ((_, said),) = end([process])
    step = checkpoint.step_of(checkpoint.find(out / "checkpoints")[-1])
    assert (
        lines(said)
        == [f"zerosum: stopped and saved at step {step}; go on with: zerosum resume {out} --recipe {RECIPE}"]
        and step > 0
    )


def test_under_a_launcher_a_second_signal_says_nothing_new(monkeypatch: pytest.MonkeyPatch):
    for launched in (True, False):
        monkeypatch.setattr(distributed, "launched", lambda launched=launched: launched)
        interrupt = Interrupt()
        interrupt._handle(signal.SIGINT, None)
        if launched:
            interrupt._handle(signal.SIGINT, None)
        else:
            with pytest.raises(KeyboardInterrupt):
                interrupt._handle(signal.SIGINT, None)
        assert interrupt.asked


def test_a_mistake_that_all_make_is_printed_once(tmp_path: Path):
    (first, said), (second, silent) = end(begin(["-m", "zerosum", "train", "gan/toy", "--data", tmp_path / "none"]))
    assert (first, second) == (2, 2)
    assert len(lines(said)) == 1 and str(tmp_path / "none") in said and lines(silent) == []


class Board:
    """What the store of a group does for `together`."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}

    def set(self, key: str, value: str) -> None:
        self.said[key] = value.encode()

    def get(self, key: str) -> bytes:
        return self.said[key]

    def check(self, keys: list[str]) -> bool:
        return set(keys) <= self.said.keys()


def test_an_error_is_told_with_its_exit_code(monkeypatch: pytest.MonkeyPatch):
    board = Board()
    monkeypatch.setattr(distributed, "_board", board)
    with pytest.raises(ZerosumError), distributed.together():
        raise ZerosumError("no such thing")
    assert distributed.reason_of(0) == ("no such thing", 2) and distributed.reason_of(1) is None

    def gone() -> None:
        raise RuntimeError("Connection closed by peer")

    def differ() -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    with pytest.raises(distributed.Lost, match="process 0 stopped, and the training with it: no such thing"):
        distributed._exchange(gone)
    board.said.clear()
    with pytest.raises(distributed.Lost, match="ended without a word"):
        distributed._exchange(gone)
    with pytest.raises(RuntimeError, match="shapes differ"):  # not of another process's end
        distributed._exchange(differ)
