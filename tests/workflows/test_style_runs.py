"""Runs that choose moves: what they can do, what is measured of them on which boards, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as Picture

import zerosum
from zerosum import data
from zerosum.data.dataset import DataError, Dataset
from zerosum.data.walks import source
from zerosum.data.walks.board import MOVES
from zerosum.errors import ZerosumError
from zerosum.run.loaded import Run

QUICK: dict[str, Any] = {
    "steps": 6,
    "batch_size": 8,
    "quiet": True,
    "precision": "fp32",
    "log_every": 1,
    "network": {"width": 4, "hidden": 6},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "COUNTS", {"train": 200, "test": 90})
        yield zerosum.train("stgan/boards", out=tmp_path_factory.mktemp("styles") / "run", **QUICK)


def right(run: Run, test: Dataset) -> float:
    return float((run.classify(test.x).argmax(1) == test.y).float().mean())


def test_the_run_chooses_moves_and_shows_boards_by_these(run: Run):
    assert run.record.roles == ("Classifies",) and run.record.data.classes == MOVES
    assert run.record.data.name == "styles:walks,walks-left"
    title = Picture.open(run.path / "samples.png").text["Title"]  # type: ignore[attr-defined]
    assert title == "A row for each class, with samples that are taken for it"
    assert "zerosum classify" in (run.path / "report.html").read_text()


def test_moves_of_the_crowd_and_of_the_player_are_measured_on_other_boards(run: Run):
    found = zerosum.evaluate(run)
    measured = {r.protocol.metric: (r.protocol.settings["data"], r.protocol.settings["part"]) for r in found.results}
    assert measured == {"crowd-accuracy": ("walks:test", "test"), "player-accuracy": ("walks-left:test", "test")}
    for name, test in (("crowd-accuracy", "walks:test"), ("player-accuracy", "walks-left:test")):
        assert found[name].value == pytest.approx(right(run, data.load(test)))
    other = zerosum.evaluate(run, "walks-right:test")["accuracy"]
    assert other.value == pytest.approx(right(run, data.load("walks-right:test")))


def test_what_was_held_out_is_measured(run: Run, tmp_path: Path):
    held = zerosum.train("stgan/boards", out=tmp_path / "run", held_out=0.3, **QUICK)
    found = zerosum.evaluate(held)
    assert {r.protocol.metric: r.protocol.settings["part"] for r in found.results} == {
        "crowd-accuracy": "held out", "player-accuracy": "held out",
    }  # fmt: skip


def test_without_a_weight_the_player_changes_nothing(run: Run, tmp_path: Path):
    left, other = (
        zerosum.train("stgan/boards", f"styles:walks,{player}", tmp_path / player, weight=0.0, **QUICK)
        for player in ("walks-left", "walks-right")
    )
    for name, value in left.game.core.generator.state_dict().items():
        assert torch.equal(value, other.game.core.generator.state_dict()[name])


def test_what_is_of_samples_is_refused(run: Run, tmp_path: Path):
    with pytest.raises(ZerosumError, match=r"stgan/boards makes no samples.*leave out --metrics"):
        zerosum.evaluate(run, metrics=["frechet"])
    with pytest.raises(ZerosumError, match="stgan cannot generate from z"):
        run.sample(4)
    with pytest.raises(DataError, match=r"name a crowd and a player, as styles:CROWD,PLAYER"):
        zerosum.train("stgan/boards", "walks", tmp_path / "other", **QUICK)
