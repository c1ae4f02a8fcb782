"""The names under which values are logged: `PLAYER/TERM`, and what kind of value each is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

from zerosum.game import Move

Kind = Literal["term", "log", "real logits", "fake logits", "gradient norm"]

REAL_LOGITS, FAKE_LOGITS = "logits/real", "logits/fake"
GRADIENT_NORM = "gradient_norm"


class Key(str):
    """`discriminator/adversarial`: a string, which knows the player and the kind of the value."""

    player: str
    kind: Kind

    def __new__(cls, player: str, name: str, kind: Kind) -> Key:
        key = super().__new__(cls, f"{player}/{name}")
        key.player, key.kind = player, kind
        return key


def values_of(move: Move) -> Iterator[tuple[Key, Tensor]]:
    """All that a move leaves to log: its terms, its logits, and what it names."""
    for name, value in move.terms.items():
        yield Key(move.player, name, "term"), value
    if move.logits:
        yield Key(move.player, REAL_LOGITS, "real logits"), move.logits.real
        yield Key(move.player, FAKE_LOGITS, "fake logits"), move.logits.fake
    for name, value in move.log.items():
        yield Key(move.player, name, "log"), value


def norm_of(player: str) -> Key:
    """The norm of a player's gradient."""
    return Key(player, GRADIENT_NORM, "gradient norm")
