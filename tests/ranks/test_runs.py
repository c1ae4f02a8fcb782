"""A run of several processes: resumed exactly, or with its whole batch on another number of them; and its memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import TESTS, run
from safetensors.torch import load_file

import zerosum
from zerosum.data import Stream, load
from zerosum.data.dataset import DataError
from zerosum.errors import ZerosumError
from zerosum.run.directory import RunDirectory
from zerosum.run.record import Record
from zerosum.training import checkpoint
from zerosum.util import distributed
from zerosum.workflows.train import share_of


def played(part: str, folder: Path, world: int = 2) -> list[Any]:
    for code, error in run([TESTS / "support" / "ranks_of_a_run.py", part, folder], world):
        assert code == 0, error
    return [json.loads((folder / f"{world}-{rank}.json").read_text()) for rank in range(world)]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `at-once-2` and `stopped-2`, runs of eight rounds on two processes, and what each says of them."""
    folder = tmp_path_factory.mktemp("two")
    played("whole", folder)
    return folder


def test_each_process_goes_on_with_its_own_noise(two: Path):
    first, second = (json.loads((two / f"2-{rank}.json").read_text()) for rank in (0, 1))
    for at_once, stopped_at, resumed in (first, second):
        assert stopped_at == [4.0], "a hook of one process stops all"
        assert resumed == at_once
    assert first[0][0] != second[0][0] and first[0][1] == second[0][1]  # noise of their own, one game


def test_lines_of_a_stopped_run_are_means_of_every_share(tmp_path: Path):
    """A line after the stop has values from before it: each process goes on with its own, one with those of all."""
    unbroken, between = played("unread", tmp_path)[0]
    assert [line["step"] for line in unbroken] == [5, 8] and between == unbroken
    saved = load_file(tmp_path / "stopped-2/checkpoints/step-00000003/training.safetensors")
    first, second = (
        {k.partition("/")[2]: v for k, v in saved.items() if k.startswith(p)} for p in ("logged/", "logged-1/")
    )
    assert first.keys() == second.keys() and any(not torch.equal(first[name], second[name]) for name in first)
    for (_, key, value), name in zip(checkpoint._logged(saved, torch.device("cpu")), sorted(first), strict=True):
        assert key in name.replace('", "', "/")
        torch.testing.assert_close(value.mean(), (first[name].mean() + second[name].mean()) / 2)


def test_the_whole_batch_stays(two: Path, capsys: pytest.CaptureFixture[str]):
    record = RunDirectory(two / "at-once-2").read()
    assert (record.processes, record.training.batch_size) == (2, 8)
    resumed = zerosum.resume(two / "at-once-2", steps=10)
    note = " ".join(capsys.readouterr().err.split())
    assert "a step still learns from 16 samples: 16 on one process, before 8 on each of 2 processes" in note
    assert resumed.step == 10 and resumed.record.training.batch_size == 8 and resumed.record.processes == 2


def test_what_cannot_be_shared_is_refused(two: Path, monkeypatch: pytest.MonkeyPatch):
    record = RunDirectory(two / "at-once-2").read()
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(ZerosumError, match=r"16 samples, which 3 processes cannot share equally.*: 1, 2, 4, 8, 16$"):
        share_of(record)
    monkeypatch.setattr(distributed, "world_size", lambda: 4)
    assert share_of(record)[0] == 4
    older: Record = replace(record, processes=None)  # of an earlier version
    share, note = share_of(older)
    assert share == 8 and "8 on each of 4 are 32 samples a step" in note
    monkeypatch.setattr(distributed, "world_size", lambda: 1)
    assert share_of(older) == (8, "")


def test_a_stream_keeps_the_whole_batch():
    data = load("ring")
    two = Stream(data, 8, seed=0, rank=1, world=2)
    two()
    one, state = Stream(data, 16, seed=0), two.state()
    one.restore(state)
    assert one.state() == {**state, "batch_size": 16, "world": 1}
    with pytest.raises(DataError, match="its batch_size was 8 on each of 2 processes and is now 8"):
        Stream(data, 8, seed=0).restore(state)
    of_older = {key: value for key, value in state.items() if key != "world"}
    Stream(data, 8, seed=0, world=4).restore(of_older)  # which cannot say
    with pytest.raises(DataError, match="its batch_size was 8 and is now 16"):
        one.restore(of_older)


def test_mirrored_images_are_the_same_on_any_number_of_processes():
    digits = load("digits")
    whole = Stream(digits, 8, seed=0, flip=True)()
    halves = [Stream(digits, 4, seed=0, flip=True, rank=rank, world=2)() for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), whole)


def test_no_process_keeps_what_it_logs(tmp_path: Path):
    """Objects and tensors that are alive after 300 rounds, but for those alive after 100: a few, not some a round."""
    for early, late in played("retained", tmp_path):
        assert late[1] == early[1] and late[0] - early[0] < 50
