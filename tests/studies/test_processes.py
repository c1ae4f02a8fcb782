"""The processes of a study: what stops one of them, or all."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from shell import finish, spawn

from zerosum.errors import ZerosumError
from zerosum.studies import study
from zerosum.studies.study import Measurements, Study

FIRST, LAST = "first", "killed"


def _run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """A part that ends, and one that the system kills."""
    if part == LAST:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"part": part, "seed": seed}


KILLED = Study(
    name="killed", protocol="", published="", target=0.0, relation=">=", seeds=(0,), parts=lambda seed: (FIRST, LAST),
    run=_run, summarise=lambda parts: {"values": [0.0]},
)  # fmt: skip


@pytest.mark.parametrize(("processes", "cure"), [(1, "where there is more of it"), (2, "with fewer --processes")])
def test_a_process_that_is_killed_is_named_and_what_is_finished_is_kept(
    processes: int, cure: str, tmp_path: Path
) -> None:
    finished = list(study.run(replace(KILLED, parts=lambda seed: (FIRST,)), (0,), 1.0, tmp_path, 1))
    with pytest.raises(ZerosumError, match=f"a process was killed.*again, {cure}"):
        list(study.run(KILLED, (0,), 1.0, tmp_path, processes))
    assert len(finished) == 1 and [path.stem for path in tmp_path.rglob("*.json")] == [FIRST]


def test_a_long_part_is_stopped_at_once(tmp_path: Path) -> None:
    """Its part takes more than half an hour; what runs it ends with it."""
    command = ("reproduce", "grid-25", "--seeds", 1, "--fraction", 0.5, "--processes", 2, "--work", tmp_path / "work")
    process = spawn(*command, cwd=tmp_path, start_new_session=True)
    while not list((tmp_path / "work").glob("*/seed-0/*")) and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    code, _ = finish(process)
    assert code == 130 and time.monotonic() - start < 60
    with suppress(ProcessLookupError):
        while time.monotonic() - start < 90:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        pytest.fail("somebody is left of its group")
