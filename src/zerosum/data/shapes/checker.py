"""What a picture of shapes shows, read by colour and geometry: nothing is learnt, and soft edges do no harm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.shapes.drawing import BRIGHT, CHUNK, DARK, RADII, RGB, cover
from zerosum.data.shapes.words import COLOURS, Scene, Thing, meaning
from zerosum.modality import to_float

FAINT = 0.15  # of a full colour: what is weaker is none
ALONE = 0.15  # of the nine pixels round one, the mean of its colour: with less it is noise, and no part of a shape
LEAST = 0.4  # of a small shape's area: less is a speck
MOST = 1.35  # of a large shape's radius: what is larger is no such shape
ALIKE = 0.6  # what a shape and its ideal have in common, of what both cover: with less it is none
MIDDLE = 0.11  # of the side: what lies no further from the middle, across and down, is in it


def read(images: Tensor) -> list[Scene | None]:
    """What pictures show; None where it is not one shape, or two of different colours.

    A pixel belongs to the colour that it is nearest to on the colour circle, by as much as it is colourful; each colour
    that covers enough is a shape: the one of its area and centre that overlaps it most.

    Args:
        images: (N, 3, S, S), bytes or floats in [-1, 1], of 16 pixels a side or more.
    """
    return [scene for part in images.split(CHUNK) for scene in _read(to_float(part))]


def shows(images: Tensor, captions: Sequence[str]) -> Tensor:
    """(N,) bool: whether each picture shows what its caption says, all of it and no more; sizes and places that are not
    said may be any.

    Raises:
        ValueError: a caption says something else than of one or two shapes.
    """
    wanted = {caption: meaning(caption) for caption in captions}
    if strange := next((caption for caption, scene in wanted.items() if scene is None), None):
        raise ValueError(f"{strange!r} is no caption of shapes")
    pairs = zip(read(images), captions, strict=True)
    return torch.tensor([seen is not None and agrees(seen, wanted[caption]) for seen, caption in pairs])


def agrees(seen: Scene, said: Scene | None) -> bool:
    """Whether a picture that shows `seen` shows what is said."""
    if said is None or len(seen.things) != len(said.things):
        return False
    turns = [seen] if len(seen.things) == 1 else [seen, seen.turned]
    return any(said.place in (None, turn.place) and all(map(_is, turn.things, said.things)) for turn in turns)


def _is(seen: Thing, said: Thing) -> bool:
    return (seen.colour, seen.shape) == (said.colour, said.shape) and said.size in (None, seen.size)


def _read(x: Tensor) -> list[Scene | None]:
    side = x.shape[-1]
    own = _coverage(x)  # (N, COLOURS, S, S)
    areas = own.sum((2, 3)) / side**2
    present = areas >= LEAST * math.pi * RADII[0] ** 2
    found: list[list[tuple[Thing, float, float] | None]] = [[] for _ in range(len(x))]
    rows, colours = present.nonzero().unbind(1)
    if len(rows):
        masks, area = own[rows, colours], areas[rows, colours]  # (P, S, S), (P,)
        centres = _centres(masks)
        radii = (area / math.pi).sqrt()
        ideal = cover(centres, radii, side)  # (P, SHAPES, S, S)
        masks = masks[:, None]
        alike = torch.minimum(ideal, masks).sum((2, 3)) / torch.maximum(ideal, masks).sum((2, 3))
        best, shapes = alike.max(1)
        good = (best >= ALIKE) & (radii <= MOST * RADII[1])
        large = radii > math.sqrt(RADII[0] * RADII[1])
        values = (rows, colours, large, shapes, centres[:, 0], centres[:, 1], good)
        for row, colour, size, shape, right, down, sound in zip(*(v.tolist() for v in values), strict=True):
            found[row].append((Thing(int(size), colour, shape), right, down) if sound else None)
    return [_scene(things) for things in found]


def _scene(found: list[tuple[Thing, float, float] | None]) -> Scene | None:
    things = [thing for thing in found if thing is not None]
    if len(things) != len(found) or len(things) not in (1, 2):
        return None
    if len(things) == 1:
        thing, right, down = things[0]
        right, down = right - 0.5, down - 0.5
        if max(abs(right), abs(down)) <= MIDDLE:
            return Scene((thing,), 0)
        return Scene((thing,), 1 + _direction(right, down))
    (first, right, down), (second, other_right, other_down) = things
    return Scene((first, second), _direction(right - other_right, down - other_down))


def _direction(right: float, down: float) -> int:
    """Left, right, up or down: 0 to 3."""
    return int(right > 0) if abs(right) >= abs(down) else 2 + int(down > 0)


def _coverage(x: Tensor) -> Tensor:
    """How much of each pixel has which colour, (N, COLOURS, S, S) of 0 to 1: one colour a pixel."""
    pure = torch.tensor(RGB, dtype=torch.float32)
    pure = (pure - pure.mean(1, keepdim=True)) / (pure - pure.mean(1, keepdim=True)).norm(dim=1, keepdim=True)
    full = (BRIGHT - DARK) * math.sqrt(2 / 3)  # how colourful a full colour is, the distance to its grey
    x = (x + 1) / 2
    along = torch.einsum("kc,nchw->nkhw", pure, x - x.mean(1, keepdim=True)) / full
    amount, colours = along.max(1, keepdim=True)
    amount = ((amount - FAINT) / (1 - 2 * FAINT)).clamp(0, 1)  # half an edge stays half
    own = torch.zeros(len(x), COLOURS, *x.shape[2:]).scatter(1, colours, amount)
    return own * (F.avg_pool2d(own, 3, stride=1, padding=1) >= ALONE)


def _centres(masks: Tensor) -> Tensor:
    """(P, 2) x and y of the centres of gravity of masks (P, S, S)."""
    side = masks.shape[-1]
    pixels = (torch.arange(side) + 0.5) / side
    total = masks.sum((1, 2))
    return torch.stack([(masks.sum(1) * pixels).sum(1) / total, (masks.sum(2) * pixels).sum(1) / total], 1)
