"""The study of style players in small: what each row learns from, how it plays, and what is made of the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from zerosum.data.walks import source
from zerosum.data.walks.board import SIDE, draw
from zerosum.data.walks.games import play
from zerosum.data.walks.players import HANDS
from zerosum.pictures.board_games import SHOWN, SQUARE, walked
from zerosum.studies import STUDIES, style_players
from zerosum.studies.style_players import ALONE, CLONE, OWN, ROWS, STYLE_PLAYERS, WALKERS, policy, run, summarise
from zerosum.training.trainer import Trainer

SMALL = 0.0008  # of the steps: four


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "COUNTS", {"train": 200, "test": 200})
    monkeypatch.setattr(style_players, "GAMES", 40)


def test_it_is_known():
    assert STUDIES["style-players"] is STYLE_PLAYERS and STYLE_PLAYERS.seeds == (0, 1, 2)
    assert STYLE_PLAYERS.parts(0) == (OWN, ALONE, CLONE, WALKERS) and STYLE_PLAYERS.target == 0.9


def test_each_row_learns_from_what_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    seen: dict[str, Trainer] = {}
    own = style_players.training.play

    def watched(trainer: Trainer, folder: Path) -> None:
        seen[folder.name] = trainer
        own(trainer, folder)

    monkeypatch.setattr(style_players.training, "play", watched)
    names: list[str] = []
    load = style_players.data.load
    monkeypatch.setattr(style_players.data, "load", lambda name, seed: (names.append(name), load(name, seed=seed))[1])
    for name in ROWS:
        found = run(name, 5, SMALL, tmp_path / name)
        assert found["steps"] == 4 and 0 <= found["style"] <= 1 and 0 <= found["task_score"] <= found["arrived"] <= 1
        assert (tmp_path / name / "games.png").exists()
    assert names == ["styles:walks,walks-left"] * 2 + ["styles:walks-left,walks-left"]
    weights = {name: trainer.game.core.config.weight for name, trainer in seen.items()}
    assert weights[OWN] > 0 and weights[ALONE] == weights[CLONE] == 0
    assert run(OWN, 5, SMALL, tmp_path / OWN) == run(OWN, 5, SMALL, tmp_path / "again")  # from its checkpoint, or anew


def test_a_crowd_has_half_of_a_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(style_players, "GAMES", 400)
    found = run(WALKERS, 5, SMALL, tmp_path)
    assert (found["left"], found["right"]) == (1.0, 0.0) and 0.4 < found["crowd"] < 0.6


def test_new_boards_are_in_nothing_that_was_learnt_from():
    assert style_players.new_boards(3).kept_for_testing().all()


def test_moves_are_the_likeliest_or_drawn(monkeypatch: pytest.MonkeyPatch):
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Parameter(torch.tensor([0.0, 3.0, 0.0, 0.0]))

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[1:] == (3, SIDE, SIDE) and float(x.min()) == -1 and float(x.max()) == pytest.approx(1)
            return self.logits.expand(len(x), -1)

    network = Constant()
    role = type("Role", (), {"classifier": lambda self: network})()
    monkeypatch.setattr(style_players, "in_role", lambda game, role_: role)
    boards = draw(500, torch.Generator().manual_seed(0))
    assert policy(nn.Identity())(boards).tolist() == [1] * 500  # type: ignore[arg-type]
    counts = policy(nn.Identity(), torch.Generator().manual_seed(0))(boards).bincount(minlength=4)  # type: ignore[arg-type]
    assert 400 < counts[1] < 460 and counts.min() > 5  # e^3 / (e^3 + 3) are 435


def part(name: str, seed: int, style: float, score: float) -> dict[str, object]:
    rest = {"arrived": 0.99, "drawn_style": style, "drawn_score": score}
    return {"part": name, "seed": seed, "style": style, "task_score": score, **rest}


def test_the_value_is_the_style_and_the_task_is_compared_with_the_row_without_d():
    parts: list[dict[str, object]] = []
    for seed in (0, 1):
        parts += [part(OWN, seed, 0.94 + 0.02 * seed, 0.97), part(ALONE, seed, 0.5, 0.98), part(CLONE, seed, 0.99, 0.9)]
        parts.append({"part": WALKERS, "seed": seed, "left": 1.0, "right": 0.0, "crowd": 0.5})
    found = summarise(parts)
    assert (
        found["values"] == [0.94, 0.96]
        and found["task"] == pytest.approx(0.9898)
        and found["scripted"]["crowd"] == [0.5, 0.5]
    )
    assert STYLE_PLAYERS.reached(found) and {*found["rows"]} == {*ROWS}
    assert not STYLE_PLAYERS.reached({**found, "task": 0.97})
    assert not STYLE_PLAYERS.reached({**found, "values": [0.8, 0.9]})
    said = STYLE_PLAYERS.ours(found)
    assert "task alone 50.0 % and 0.980" in said and "supervised on the style 99.0 % and 0.900" in said


def test_a_picture_has_the_ways_of_each_policy():
    boards = draw(20, torch.Generator().manual_seed(0), 4)
    both = style_players.walkers(boards)
    picture = walked(both)
    assert picture.width * picture.height >= 2 * SHOWN * (SIDE * SQUARE) ** 2
    assert "Each policy" in str(picture.info)
    single = play(boards.at(slice(1)), lambda now: torch.zeros(1, dtype=torch.int64))
    assert walked({"up": single}).width >= SIDE * SQUARE and {*both} == {*HANDS}
