"""Pictures of shapes: scenes drawn by chance, and how they look. Lengths are shares of a picture's side."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from zerosum.data.shapes.words import COLOURS, RELATIONS, SHAPES, UNSEEN, Scene, Thing

RADII = (0.1, 0.16)  # of small and large circles; squares and triangles have their areas
BRIGHT, DARK = 0.95, 0.1  # levels of colours, 0 to 1
GROUND = (0.05, 0.35)  # grey levels of the ground
RGB = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1))  # a sixth of the colour circle apart at least
SHIFT = 0.2  # of a shape alone, from the middle
NEXT = 0.24  # of each of two, from the middle
CHUNK = 500  # pictures that are drawn at once


class Drawn(NamedTuple):
    """Pictures and what they show."""

    images: Tensor  # (N, 3, S, S) uint8
    scenes: list[Scene]


class Layout(NamedTuple):
    """Where and how the shapes of N pictures are drawn, two each, of which the second may be none."""

    centres: Tensor  # (N, 2, 2): x and y
    radii: Tensor  # (N, 2): 0 for none
    colours: Tensor  # (N, 2) int64
    shapes: Tensor  # (N, 2) int64
    grounds: Tensor  # (N,) grey levels


def draw(count: int, side: int, generator: Generator, unseen: bool = False) -> Drawn:
    """Pictures of `side` pixels a side, half of them of two shapes, which differ in colour.

    Args:
        unseen: whether each has a shape in a colour of `UNSEEN`, or none has.
    """
    scenes = [_scene(generator, unseen) for _ in range(count)]
    laid = layout(scenes, generator)
    parts = [
        render(Layout(*(values[start : start + CHUNK] for values in laid)), side) for start in range(0, count, CHUNK)
    ]
    return Drawn(torch.cat(parts), scenes)


def _scene(generator: Generator, unseen: bool) -> Scene:
    def chance(below: int) -> int:
        return int(torch.randint(below, (), generator=generator))

    single = chance(2) == 0
    while True:
        things = tuple(Thing(chance(2), chance(COLOURS), chance(SHAPES)) for _ in range(1 if single else 2))
        if unseen and all(thing.seen for thing in things):
            colour, shape = UNSEEN[chance(len(UNSEEN))]
            place = chance(len(things))
            things = tuple(Thing(t.size, colour, shape) if k == place else t for k, t in enumerate(things))
        differ = single or things[0].colour != things[1].colour
        if differ and (unseen or all(thing.seen for thing in things)):
            return Scene(things, chance(5 if single else RELATIONS))


def layout(scenes: list[Scene], generator: Generator) -> Layout:
    """Where the shapes of scenes stand, with some freedom; sizes and places that are not said are drawn by chance."""
    count = len(scenes)

    def around(spread: float, *shape: int) -> Tensor:
        return spread * (2 * torch.rand(count, *shape, generator=generator) - 1)

    size = torch.tensor([[_size(scene, k) for k in (0, 1)] for scene in scenes])
    guess = torch.randint(2, (count, 2), generator=generator)
    guessed = torch.randint(5, (count,), generator=generator)
    place = torch.tensor([-1 if scene.place is None else scene.place for scene in scenes])
    pair = torch.tensor([len(scene.things) == 2 for scene in scenes])
    place = place.where(place >= 0, guessed.where(~pair, guessed % RELATIONS))
    # Of one: (0, 0), and a shift to each side; along it less freedom than across.
    sides = torch.tensor([[0.0, 0.0], [-1, 0], [1, 0], [0, -1], [0, 1]])
    alone = SHIFT * sides[place] + around(0.04, 2) + around(0.04, 2) * (sides[place] == 0) * (place > 0)[:, None]
    # Of two: one to each side.
    towards = sides[1:][place.clamp(max=RELATIONS - 1)]
    both = torch.stack([NEXT * towards, -NEXT * towards], 1)
    both = both + torch.stack([around(0.015, 2), around(0.015, 2)], 1) + around(0.08, 2, 2) * (towards == 0)[:, None]
    centres = 0.5 + torch.where(pair[:, None, None], both, torch.stack([alone, torch.zeros(count, 2)], 1))
    radii = torch.tensor(RADII)[size.where(size >= 0, guess)] * (1 + around(0.04, 2))
    radii[~pair, 1] = 0
    colours, shapes = (
        torch.tensor([[getattr(scene.things[min(k, len(scene.things) - 1)], name) for k in (0, 1)] for scene in scenes])
        for name in ("colour", "shape")
    )
    low, high = GROUND
    return Layout(centres, radii, colours, shapes, low + (high - low) * torch.rand(count, generator=generator))


def _size(scene: Scene, number: int) -> int:
    size = scene.things[min(number, len(scene.things) - 1)].size
    return -1 if size is None else size


def render(laid: Layout, side: int) -> Tensor:
    """Pictures (N, 3, side, side) uint8."""
    x = laid.grounds[:, None, None, None].expand(-1, 3, side, side)
    rgb = DARK + (BRIGHT - DARK) * torch.tensor(RGB, dtype=torch.float32)
    for k in (0, 1):
        every = cover(laid.centres[:, k], laid.radii[:, k], side)  # (N, SHAPES, side, side)
        own = every[torch.arange(len(every)), laid.shapes[:, k]] * (laid.radii[:, k] > 0)[:, None, None]
        x = torch.lerp(x, rgb[laid.colours[:, k]][:, :, None, None].expand_as(x), own[:, None])
    return (255 * x).round().to(torch.uint8)


def cover(centres: Tensor, radii: Tensor, side: int) -> Tensor:
    """How much of each pixel a circle, a square and a triangle cover, (N, SHAPES, side, side) of 0 to 1.

    Args:
        centres: (N, 2), of gravity.
        radii: (N,) of circles; the others have their areas.
    """
    pixels = (torch.arange(side) + 0.5) / side
    right = (pixels[None, None, :] - centres[:, 0, None, None]) * side  # (N, 1, side), in pixels
    down = (pixels[None, :, None] - centres[:, 1, None, None]) * side
    r = radii[:, None, None] * side
    circle = _inside(r - (right.square() + down.square()).sqrt())
    half = math.sqrt(math.pi) / 2 * r
    square = _inside(half - right.abs()) * _inside(half - down.abs())
    edge = math.sqrt(math.pi / (3 * math.sqrt(3))) * r  # from the triangle's centre to each side
    slope = math.sqrt(3) / 2 * right.abs() - down / 2
    triangle = _inside(edge - down) * _inside(edge - slope)
    return torch.stack([circle, square, triangle], 1)


def _inside(depth: Tensor) -> Tensor:
    """How much of a pixel lies within an edge whose distance from its middle, inwards, is `depth`."""
    return (depth + 0.5).clamp(0, 1)
