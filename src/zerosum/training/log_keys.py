"""The names under which values are logged: `PLAYER/TERM`, and what kind of value each is."""

from __future__ import annotations

from functools import cache
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


key_of = cache(Key)  # the same few keys come at every move


def values_of(move: Move) -> list[tuple[Key, Tensor]]:
    """All that a move leaves to log: its terms, its logits, and what it names."""
    player = move.player
    values = [(key_of(player, name, "term"), value) for name, value in move.terms.items()]
    if move.logits:
        values.append((key_of(player, REAL_LOGITS, "real logits"), move.logits.real))
        values.append((key_of(player, FAKE_LOGITS, "fake logits"), move.logits.fake))
    return values + [(key_of(player, name, "log"), value) for name, value in move.log.items()]


def norm_of(player: str) -> Key:
    """The norm of a player's gradient."""
    return key_of(player, GRADIENT_NORM, "gradient norm")
