"""A crowd and one player as one set of data: what the crowd does is the task, how the player does it is the style."""

from __future__ import annotations

import torch

from zerosum.data.dataset import HINT, DataError, Dataset, Field
from zerosum.data.sides import Two, together
from zerosum.modality import Classes, Image
from zerosum.util.text import abbreviate

CROWD, PLAYER = "crowd", "player"  # the decks


def joined(name: str, crowd: Dataset, player: Dataset) -> Dataset:
    """States `x` with the crowd's moves `y`, and states `state` with the player's moves `move`, drawn independently.

    Raises:
        DataError: one of both has no moves or no images; they are of two shapes, or the player makes a
            move that the crowd never makes.
    """
    for one in (crowd, player):
        if not isinstance(one.modality, Image):
            raise DataError(f"{one.name} holds {one.modality.plural}, and states are images; give images")
        if one.y is None:
            raise DataError(f"{one.name} has no classes, which say what was done in each state; {HINT}")
    if crowd.modality != player.modality:
        raise DataError(
            f"{crowd.name} holds {crowd.modality} and {player.name} {player.modality}; give states of one shape"
        )
    if unknown := [move for move in player.classes if move not in crowd.classes]:
        ours, theirs = (", ".join(abbreviate([*moves])) for moves in (crowd.classes, unknown))
        raise DataError(
            f"the player makes moves that the crowd never makes, {theirs}; the crowd's are {ours}: call both the same, "
            "or leave these states out"
        )
    moves, own = Classes(crowd.classes), torch.tensor([crowd.classes.index(move) for move in player.classes])
    assert crowd.y is not None and player.y is not None
    made = torch.where(player.y < 0, player.y, own[player.y.clamp(min=0)])
    fields = {
        "x": Field(crowd.modality, crowd.x, CROWD),
        "y": Field(moves, crowd.y, CROWD),
        "state": Field(player.modality, player.x, PLAYER),
        "move": Field(moves, made, PLAYER),
    }
    return together(name, fields, {CROWD: crowd, PLAYER: player})


STYLES = Two(
    "styles",
    (CROWD, PLAYER),
    "a crowd and a player",
    "images of what they saw, and what each did there as its class",
    joined,
)
