"""Messages of runs that stop, end or are to be made again: each command in them works as it is."""

from __future__ import annotations

import re
import shlex
import signal
import time
from pathlib import Path

import pytest
from shell import EXAMPLE, Call, finish, spawn

from zerosum.cli import main
from zerosum.report.commands import elsewhere

SHORT = ("--batch-size", 8, "--log-every", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_at_once_and_leaves_pictures_and_a_command_that_works(
    number: signal.Signals, call: Call
) -> None:
    out = Path("my runs") / "one"
    process = spawn("train", f"{EXAMPLE}:digits", "--steps", 3_000, *SHORT, "--out", out)
    while not (out / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    code, err = finish(process)
    assert code == 130
    assert "stopping after this step" in err.split("stopped and saved")[0]
    for name in ("samples.png", "film.gif", "report.html"):
        assert (out / name).stat().st_size > 100, name
    command = re.search(r"go on with: zerosum (.*)", err)[1]
    assert "--recipe" in command and "'my runs/one'" in command
    assert call(*shlex.split(command), "--steps", 3_000, "--help")[0] == 0
    step = int(re.search(r"saved at step (\d+)", err)[1])
    code, _, err = call(*shlex.split(command), "--steps", step + 1)
    assert code == 0 and f"resuming at step {step:,} of {step + 1:,} steps" in err


def test_a_finished_run_that_is_resumed_says_so_and_how_to_go_on(call: Call) -> None:
    assert call("train", "gan/toy", "--steps", 2, *SHORT, "--out", "run")[0] == 0
    code, _, err = call("resume", "run")
    assert code == 0 and "run is finished: all 2 steps are played" in err and "resuming" not in err
    command = re.search(r"to go on: zerosum (.*)", err)[1]
    code, _, err = call(*shlex.split(command))
    assert code == 0 and "resuming at step 2 of 4 steps" in err
    code, _, err = call("resume", "run", "--steps", 3)
    assert code == 2 and "has played 4 steps already, more than --steps 3" in err
    assert '"steps": 4' in Path("run/run.json").read_text()


def test_the_command_to_train_again_works_where_the_run_still_is(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["train", "gan/toy", "--steps", "1", "--batch-size", "8", "--out", "my runs/a"]
    monkeypatch.setattr("sys.argv", ["zerosum", *arguments])
    assert main(arguments) == 0
    text = Path("my runs/a/report.html").read_text()
    again = re.search(r"zerosum train gan/toy[^<]*", text)[0].replace("&#x27;", "'")
    assert again.endswith("--out 'my runs/a-2'")
    assert call(*shlex.split(again)[1:])[0] == 0 and Path("my runs/a-2/report.html").exists()


@pytest.mark.parametrize(
    ("command", "fresh"),
    [
        ("zerosum train dcgan", "zerosum train dcgan"),
        ("zerosum train dcgan --out runs/a", "zerosum train dcgan --out runs/a-2"),
        ("zerosum train --out=runs/a-7/ dcgan", "zerosum train --out=runs/a-8 dcgan"),
        ("zerosum train --out 'my a' --seed 3", "zerosum train --out 'my a-2' --seed 3"),
    ],
)
def test_a_fresh_out_is_the_next_free_one(command: str, fresh: str) -> None:
    assert elsewhere(command) == fresh
    for word in shlex.split(fresh):
        if "-8" in word or "a-2" in word:
            Path(word.removeprefix("--out=")).mkdir(parents=True)
            assert elsewhere(command) != fresh
