"""Games on boards as pictures: for each policy the ways that it takes on the same boards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from zerosum import modality
from zerosum.data.walks.board import SIDE
from zerosum.data.walks.games import Games
from zerosum.modality import to_float
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer

SQUARE = 14  # pixels of a side
FREE, WALL, START, GOAL, WAY = (245, 245, 245), (70, 70, 70), (40, 150, 60), (40, 80, 220), (210, 40, 40)
SHOWN = 8


def walked(games: Mapping[str, Games]) -> Image.Image:
    """The first `SHOWN` games of each policy, by its name: its way from the start, green, to the goal, blue."""
    tiles = [torch.stack([_tile(own, k) for k in range(min(SHOWN, len(own.boards)))]) for own in games.values()]
    side = SIDE * SQUARE
    picture = renderer(modality.Image(3, side, side)).rows([to_float(row) for row in tiles], [*games], "", None)
    return with_caption(picture, "Each policy, with its ways on the same boards, from green to blue")


def _tile(games: Games, k: int) -> Tensor:
    """(3, H, W) uint8: game number k."""
    board, side = games.boards, SIDE * SQUARE
    tile = Image.new("RGB", (side, side), FREE)
    draw = ImageDraw.Draw(tile)

    def square(place: int, colour: tuple[int, int, int]) -> None:
        left, top = place % SIDE * SQUARE, place // SIDE * SQUARE
        draw.rectangle((left, top, left + SQUARE - 1, top + SQUARE - 1), colour)

    for place in board.walls[k].flatten().nonzero()[:, 0].tolist():
        square(place, WALL)
    square(int(board.walkers[k]), START)
    square(int(board.goals[k]), GOAL)
    middles = [((p % SIDE + 0.5) * SQUARE, (p // SIDE + 0.5) * SQUARE) for p in games.places[:, k].tolist()]
    draw.line(middles, WAY, 3)
    return torch.from_numpy(np.asarray(tile).copy()).movedim(2, 0)
