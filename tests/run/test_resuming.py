"""Runs that stop and go on: after signals, beside each other, with moved or changed data, for longer than planned."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import finish, spawn

import zerosum
from zerosum.cli import main
from zerosum.data.dataset import DataError
from zerosum.errors import ZerosumError
from zerosum.optim import Adam, Decay
from zerosum.training.hooks.interrupt import Interrupt
from zerosum.training.trainer import Trainer
from zerosum.workflows import session

SHORT = {"batch_size": 4, "quiet": True, "device": "cpu", "health": False}


@pytest.fixture(autouse=True)
def unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures at the end, which take most of the time."""
    monkeypatch.setattr(session, "finish", lambda *given: None)


def stop_at(step: int):
    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == step

    return stop


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) | {"seconds": 0} for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("step", [1, 7, 10, 13, 19])
def test_a_stopped_run_logs_what_an_unbroken_one_logs(step: int, tmp_path: Path) -> None:
    settings = {"steps": 20, "checkpoint_every": 10, "log_every": 6, "keep": 2, **SHORT}
    zerosum.train("gan/toy", out=tmp_path / "whole", **settings)
    zerosum.train("gan/toy", out=tmp_path / "stopped", hooks=[stop_at(step)], **settings)
    assert lines(tmp_path / "stopped")[-1]["step"] == step  # whoever looks at it now sees all that there is
    zerosum.resume(tmp_path / "stopped", quiet=True)
    assert lines(tmp_path / "stopped") == lines(tmp_path / "whole")
    names = [[path.name for path in sorted((tmp_path / run / "checkpoints").iterdir())] for run in ("whole", "stopped")]
    assert names[0] == names[1]


def test_signals_and_who_ignores_them() -> None:
    """SIGHUP stops after the step; `nohup` ignores it, and so do we then. Only a second Ctrl-C does not wait."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with Interrupt() as interrupt:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
                os.kill(os.getpid(), number)
            assert interrupt.asked
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.asked
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_closed_saves_the_run(tmp_path: Path) -> None:
    arguments = ["train", "gan/toy", "--steps", "100000", "--batch-size", "8", "--no-health", "--log-every", "5"]
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
        os.chdir(tmp_path)
        os._exit(main([*arguments, "--out", "run", "--device", "cpu"]))
    log = tmp_path / "run/metrics.jsonl"
    while not log.exists() or not log.stat().st_size:
        time.sleep(0.05)
        os.set_blocking(terminal, False)
        with suppress(OSError):  # what it printed, or nothing yet
            os.read(terminal, 65536)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    saved = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert saved[-1] != "step-00000000"
    assert f"step-{lines(tmp_path / 'run')[-1]['step']:08d}" == saved[-1]


def test_several_at_once_have_a_directory_each(tmp_path: Path) -> None:
    arguments = ("train", "gan/toy", "--steps", 2, "--batch-size", 8, "--no-health", "--device", "cpu")
    processes = [spawn(*arguments, cwd=tmp_path) for _ in range(3)]
    assert [finish(process)[0] for process in processes] == [0, 0, 0]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [f"gan-toy-ring-{k}" for k in (1, 2, 3)]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    draw, folder = np.random.default_rng(0), tmp_path / "photos"
    folder.mkdir()
    for k in range(8):
        Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(folder / f"{k}.png")
    write_labels(folder, "ab")
    return folder


def write_labels(folder: Path, names: str) -> None:
    rows = [f"{k}.png,{names[k % len(names)]}" for k in range(8)]
    (folder / "labels.csv").write_text("file_name,label\n" + "\n".join(rows) + "\n")


@pytest.fixture
def run(photos: Path, tmp_path: Path) -> Path:
    small = {"network": {"width": 4}, "steps": 4, "checkpoint_every": 2, **SHORT}
    return zerosum.train("dcgan", str(photos), tmp_path / "run", **small).path


def test_data_that_moved_is_found_where_it_is_said_to_lie(photos: Path, run: Path, tmp_path: Path) -> None:
    photos.rename(tmp_path / "moved")
    with pytest.raises(
        ZerosumError, match=r"no longer at .*photos: say where it lies now by `zerosum resume .* --data"
    ):
        zerosum.resume(run, steps=5, quiet=True)
    assert zerosum.resume(run, steps=5, data=str(tmp_path / "moved"), quiet=True).step == 5
    assert zerosum.resume(run, steps=6, quiet=True).step == 6  # it is known from then on
    shutil.copytree(tmp_path / "moved", tmp_path / "other")
    Image.new("L", (8, 8)).save(tmp_path / "other/0.png")
    with pytest.raises(DataError, match="the data has changed"):
        zerosum.resume(run, steps=7, data=str(tmp_path / "other"), quiet=True)


def test_what_has_changed_is_said(photos: Path, run: Path) -> None:
    os.utime(run / "run.json")
    later = time.time() + 60
    Image.new("L", (8, 8)).save(photos / "new.png")
    os.utime(photos / "new.png", (later, later))
    with pytest.raises(DataError, match=r"\(8 samples then, 9 now; newer than the run: new\.png\)"):
        zerosum.resume(run, steps=5, quiet=True)
    (photos / "new.png").write_text("no picture")
    (photos / "0.png").unlink()
    with pytest.raises(DataError, match=r"8 samples then, 7 now; left out now: labels\.csv: .*new\.png: not an image"):
        zerosum.resume(run, steps=5, quiet=True)


def test_what_a_run_writes_into_its_data_is_not_called_newer(photos: Path) -> None:
    small = {"network": {"width": 4}, "steps": 2, **SHORT}
    run = zerosum.train("cgan/images", str(photos), photos / "a run", **small).path
    later = time.time() + 60
    for path in photos.rglob("*"):
        os.utime(path, (later, later))
    write_labels(photos, "ac")
    os.utime(photos / "0.png", (0, 0))
    os.utime(photos / "labels.csv", (later, later))
    with pytest.raises(DataError, match=r"newer than the run: 1\.png, 2\.png, 3\.png, \.\.\."):
        zerosum.resume(run, steps=3, quiet=True)
    for k in range(8):
        os.utime(photos / f"{k}.png", (0, 0))
    with pytest.raises(DataError, match=r"newer than the run: labels\.csv\)"):
        zerosum.resume(run, steps=3, quiet=True)


def test_data_is_looked_for_where_it_is_said_and_nowhere_else(
    photos: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    with pytest.raises(DataError, match="no data called ''"):
        zerosum.resume(run, steps=5, data="", quiet=True)


@pytest.mark.parametrize("labels", ["abc", "", None])
def test_labels_that_a_recipe_does_not_use_may_change(labels: str | None, photos: Path, run: Path) -> None:
    (photos / "labels.csv").unlink() if labels is None else write_labels(photos, labels or "b")
    assert zerosum.resume(run, steps=5, quiet=True).step == 5


def test_labels_that_it_uses_may_not(photos: Path, tmp_path: Path) -> None:
    small = {"network": {"width": 4}, "steps": 2, **SHORT}
    run = zerosum.train("cgan/images", str(photos), tmp_path / "run", **small).path
    write_labels(photos, "abbb")
    with pytest.raises(DataError, match=r"labelled samples of a \(4 then, 2 now\), b \(4 then, 6 now\)"):
        zerosum.resume(run, steps=3, quiet=True)
    write_labels(photos, "ac")
    with pytest.raises(DataError, match=r"classes that are gone: b; new classes: c"):
        zerosum.resume(run, steps=3, quiet=True)


@pytest.mark.parametrize(("decay", "said"), [
    (Decay("linear"), True), (Decay("cosine", start=2), True), (Decay("linear", start=4), False),
    (Decay("linear", steps=10), False), (Decay(), False),
])  # fmt: skip
def test_longer_training_says_where_it_is_another(
    decay: Decay, said: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"g_optimizer": Adam(decay=decay), "d_optimizer": Adam()}
    zerosum.train("gan/toy", out=tmp_path / "run", steps=4, **SHORT, **own)
    capsys.readouterr()
    zerosum.resume(tmp_path / "run", steps=8)
    told = capsys.readouterr().err
    assert ("so far as in 4 steps, from here on by the schedule of 8" in told) == said
    assert ("learning rates of generator fall" in told) == said


def test_rates_that_never_fall_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    falling = {
        f"{player}_optimizer": Adam(decay=Decay("linear", start=start)) for player, start in (("g", 100), ("d", 70))
    }
    zerosum.train("gan/toy", out=tmp_path / "run", steps=2, **SHORT | falling | {"quiet": False})
    told = capsys.readouterr().err
    for player, start in (("generator", 100), ("discriminator", 70)):
        assert f"rates of {player} fall from step {start} on (decay.start), which 2 steps do not reach" in told
