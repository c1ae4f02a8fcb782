"""`walks`, `walks-left`, `walks-right`: boards `x`, and the move `y` that a crowd, or one walker, makes on each."""

from __future__ import annotations

import torch

from zerosum.data.dataset import Dataset, dataset, fingerprint_of
from zerosum.data.request import Request, Source, split
from zerosum.data.walks.board import MOVES, SIDE, WALLS, draw
from zerosum.data.walks.players import HANDS, Hand, crowd, move
from zerosum.latent import hashed_seed

COUNTS = {"train": 50_000, "test": 5_000}  # boards, of each part


def source(hand: Hand | None = None) -> Source:
    """The source of the moves of one walker, by default of a crowd, half of whom keep to each side.

    A walker may stand anywhere on a board from where a way leads to the goal. The seed decides the boards, and none of
    a test part is in one to learn from, of whatever source and seed. Walls are red, the walker green, the goal blue, a
    pixel for each square.
    """
    known = "walks" if hand is None else f"walks-{hand}"

    def walks(request: Request) -> Dataset:
        part = split(request, tuple(COUNTS))
        generator = torch.Generator().manual_seed(hashed_seed(f"{known} {part}", request.seed, 0))
        boards = draw(COUNTS[part], generator, test=part == "test")
        y = crowd(boards, generator) if hand is None else move(boards, hand)
        mark = fingerprint_of(f"{known}:{part} {COUNTS[part]} boards, side {SIDE}, walls {WALLS}, seed {request.seed}")
        return dataset(request.name, boards.images(), y, MOVES, fingerprint=mark)

    return walks


walks = source()
walks_left, walks_right = map(source, HANDS)
