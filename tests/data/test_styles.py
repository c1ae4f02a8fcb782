"""A crowd and a player as one set: what is drawn of each, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from zerosum.batches import Labelled, Styled
from zerosum.data import DataError, Stream, load
from zerosum.data.dataset import Dataset, dataset
from zerosum.data.held_out import names_to_hold_out, split
from zerosum.data.sources import SOURCES, absolute, reads_files
from zerosum.data.stream import deal
from zerosum.data.styles import joined


def states(count: int, side: int = 4, classes: tuple[str, ...] = ("up", "down")) -> Dataset:
    """The k-th is all of value k, and its move is up where k is even."""
    x = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, side, side).contiguous()
    y = torch.arange(count) % len(classes) if classes else None
    return dataset(f"{count} states", x, y, classes)


def test_each_has_states_and_moves_of_its_own():
    both = joined("both", states(30), states(20))
    assert {name: (f.deck, len(f)) for name, f in both.fields.items()} == {
        "x": ("crowd", 30), "y": ("crowd", 30), "state": ("player", 20), "move": ("player", 20),
    }  # fmt: skip
    drawn = Stream(both, 10, seed=3, batch=Styled)()
    for x, move in ((drawn.x, drawn.y), (drawn.state, drawn.move)):
        assert torch.equal(((x[:, 0, 0, 0] + 1) * 127.5).round().long() % 2, move)
    assert not torch.equal(drawn.x, drawn.state)
    Stream(both, 10, seed=3, batch=Labelled)  # the crowd alone


def test_a_player_may_avoid_moves_of_the_crowd():
    both = joined("both", states(6, classes=("left", "stay", "up")), states(4, classes=("up", "left")))
    assert both.classes == ("left", "stay", "up") and both.fields["move"].stored.tolist() == [2, 0, 2, 0]


def test_a_part_of_both_is_held_out():
    both = joined("both", states(30), states(20))
    parts = split(both, names_to_hold_out(both, 0.3))
    for part in parts:
        assert {*part.fields} == {"x", "y", "state", "move"} and len(part.fields["state"]) < 20


def test_it_is_read_by_both_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SOURCES, "few", lambda request: states(6))
    found = load("styles:few,few")
    assert found.classes == ("up", "down") and torch.equal(found.x, found.fields["state"].stored)
    assert absolute("styles:walks,walks-left") == "styles:walks,walks-left" and not reads_files("styles:few,few")
    assert absolute("styles:walks,own").endswith("/own")


@pytest.mark.parametrize("name", ["styles:", "styles:walks", "styles:a,b,c"])
def test_two_names_are_needed(name: str):
    with pytest.raises(DataError, match=r"name a crowd and a player, as styles:CROWD,PLAYER"):
        load(name)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (states(5, classes=()), "5 states has no classes, which say what was done in each state"),
        (states(5, side=5), "1x4x4 and 5 states images of 1x5x5; give states of one shape"),
        (states(5, classes=("up", "left")), "makes moves that the crowd never makes, left; the crowd's are up, down"),
        (dataset("ring", torch.zeros(5, 2), torch.arange(5) % 2, ("up", "down")), "ring holds points.*give images"),
    ],
)
def test_what_does_not_go_together_is_refused(other: Any, message: str):
    with pytest.raises(DataError, match=message):
        joined("both", states(6), other)


def test_data_of_another_kind_are_refused_with_the_form():
    with pytest.raises(DataError, match=r"stgan draws x, y, state and move.*name a crowd and a player, as styles:"):
        deal(states(6), Styled, "stgan")
