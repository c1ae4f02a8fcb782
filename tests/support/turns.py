"""The moves of a round, whether they are made one after the other or at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zerosum.game import Move, Turn


def all_moves(turns: Iterable[Turn]) -> Iterator[Move]:
    """The moves of these turns, in order, each computed as it is asked for."""
    return (move for turn in turns for move in turn.moves)
