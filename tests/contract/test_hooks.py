"""What happens around the steps: a user's hooks, and that no hook depends on whether it comes first."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import zerosum
from zerosum.errors import ZerosumError
from zerosum.health import monitor as health
from zerosum.health.history import History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.hooks.interrupt import Interrupt, Interrupted
from zerosum.training.hooks.log import JsonLines, Log
from zerosum.training.trainer import Trainer
from zerosum.util import rng
from zerosum.workflows.session import SamplePictures

NAMES = ("monitor", "log", "checkpoints", "samples", "interrupt")
EVERY = {"log_every": 2, "checkpoint_every": 3, "sample_every": 2, "keep": 9}  # of some steps both, of others one
STEPS, STOP = 9, 5


def test_a_hook_of_ones_own_is_called_after_each_step_and_can_stop(tmp_path: Path):
    seen: list[tuple[int, bool]] = []

    def own(trainer: Trainer) -> None:
        seen.append((trainer.step, torch.is_grad_enabled()))
        if trainer.step == 3:
            trainer.stopping = True

    chosen: dict[str, Any] = {"steps": 6, "batch_size": 8, "quiet": True}
    stopped = zerosum.train("gan/toy", out=tmp_path / "run", hooks=[own], **chosen)
    assert seen == [(1, True), (2, True), (3, True)] and stopped.step == 3
    assert (tmp_path / "run" / "samples.png").exists() and (tmp_path / "run" / "report.html").exists()
    assert lines(tmp_path / "run" / "metrics.jsonl")[-1]["step"] == 3
    assert checkpoint.step_of(checkpoint.find(tmp_path / "run" / "checkpoints")[-1]) == 3
    run = zerosum.resume(tmp_path / "run", hooks=[lambda trainer: seen.append((trainer.step, False))], quiet=True)
    assert run.step == 6 and seen[3:] == [(4, False), (5, False), (6, False)]
    whole = zerosum.train("gan/toy", out=tmp_path / "whole", **chosen)
    assert torch.equal(run.sample(5), whole.sample(5)), "a hook that only looks changes nothing"


def test_a_signal_interrupts_unless_all_steps_are_played(tmp_path: Path):
    def ctrl_c(step: int) -> list[Any]:
        return [lambda trainer: signal.raise_signal(signal.SIGINT) if trainer.step == step else None]

    chosen: dict[str, Any] = {"steps": 5, "batch_size": 8, "quiet": True}
    with pytest.raises(Interrupted, match="stopped and saved at step 3; go on with: zerosum resume"):
        zerosum.train("gan/toy", out=tmp_path / "run", hooks=ctrl_c(2), **chosen)
    assert checkpoint.step_of(checkpoint.find(tmp_path / "run" / "checkpoints")[-1]) == 3
    for name in ("samples.png", "film.gif", "report.html"):
        assert (tmp_path / "run" / name).exists()

    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == 5

    run = zerosum.resume(tmp_path / "run", hooks=[stop, *ctrl_c(4)], quiet=True)
    assert run.step == 5 and (tmp_path / "run" / "samples.png").exists() and (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize("hooks", [[3], print])
def test_what_is_no_list_of_functions_is_refused_before_there_is_a_run(tmp_path: Path, hooks: Any):
    with pytest.raises(ZerosumError, match="hooks is a list of functions that take the trainer"):
        zerosum.train("gan/toy", out=tmp_path / "run", hooks=hooks, quiet=True)
    assert not (tmp_path / "run").exists()


def test_hooks_may_come_in_any_order(case_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All orders of the five leave the same lines of metrics and health, the same checkpoints and the same pictures."""
    monkeypatch.setattr(health, "SHARE", float("inf"))  # a busy machine measures less often
    orders = list(itertools.permutations(NAMES))
    expected = left_by(case_of, tmp_path / "0", orders[0])
    steps, signals, saved, pictures = expected[:4]
    assert [line["step"] for line in steps] == [2, 3, 4, 5] and [line["step"] for line in signals] == [2, 4]
    assert list(saved) == ["step-00000003", "step-00000005"] and list(pictures) == [2, 4]
    for number, order in enumerate(orders[1:], 1):
        assert left_by(case_of, tmp_path / str(number), order) == expected, order


def left_by(case_of: Any, folder: Path, order: Sequence[str]) -> list[Any]:
    """What a run of these hooks leaves, which is stopped by a signal in its fifth step, without the times."""
    rng.seed(1)
    case, directory = case_of("gan/toy"), RunDirectory(folder)
    for needed in (directory.samples, directory.checkpoints):
        needed.mkdir(parents=True)
    meter = SignalMeter(case.data(), "x", seed=0)
    trainer = case.trainer(steps=STEPS, **EVERY)
    saver, interrupt, pictures = Checkpoints(directory.checkpoints), Interrupt(), dict[int, bytes]()

    def draw(run: Any) -> Image.Image:
        with torch.no_grad():
            points = run.game.generate(torch.ones(3, run.game.prior.dim))
        pictures[run.step] = points.numpy().tobytes()
        return Image.new("L", (1, 1))

    log = Log(trainer.training.log_every, trainer.training.checkpoint_every, [JsonLines(directory.metrics)])
    hooks = {
        "monitor": Monitor(meter, directory.health, History(STEPS)),
        "log": log,
        "checkpoints": saver,
        "samples": SamplePictures(directory, None, draw),
        "interrupt": interrupt,
    }

    def stop_in_time(t: Trainer) -> None:
        interrupt.asked = t.step >= STOP - 1  # a signal during the step after this one

    trainer.train([*(hooks[name] for name in order), stop_in_time])
    assert trainer.stopping and trainer.step == STOP
    log.flush(trainer)
    saver.save(trainer)
    saved = {
        path.name: {file.name: file.read_bytes() for file in sorted(path.iterdir())}
        for path in checkpoint.find(saver.folder)
    }
    return [lines(directory.metrics), lines(directory.health), saved, pictures, torch.rand(3).tolist()]


def lines(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]
