"""Gauges with a known angle: clean ones of a renderer, and worn ones that stand for photographs of real dials.

The same bytes on every machine: all draws are whole numbers, and every operation on pixels is one addition, product,
quotient or root of doubles, which are rounded alike everywhere. There are no sums over pixels, exponentials or sines
(but of the table of directions, rounded to 20 binary digits), whose last bit differs between processors.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from zerosum.data.dataset import Dataset, Field, dataset, dataset_of
from zerosum.data.request import Request, split
from zerosum.modality import Image

SIDE = 32  # pixels
COUNT, HELD_OUT = 3_000, 1_000  # of each kind to learn from, and of worn ones to test on
TENTHS = 3_600  # angles: tenths of a degree, counter-clockwise from the right
PARTS = ("synthetic", "real", "test")
CHUNK = 100  # images that are drawn at once
GRAIN = 0.05  # deviation of the noise of clean images, of 1: what a refiner, which draws nothing, can make textures of


class Gauges(NamedTuple):
    """Images, and what they show."""

    images: Tensor  # (N, 1, SIDE, SIDE) uint8
    tenths: Tensor  # (N,) int64: the needle's angle in tenths of a degree
    centres: Tensor  # (N, 2) float64: x and y of the dial's centre, in pixels from the middle of the first one
    radii: Tensor  # (N,) float64: of the dial, in pixels

    @property
    def directions(self) -> Tensor:
        """(N, 2) float32: cosine and sine of the angle."""
        return directions()[self.tenths].float()


def gauges(request: Request) -> Dataset:
    """Clean gauges as `a` and worn ones as `b`, 3,000 each, which do not belong together and have no labels.

    With their labels, the cosine and the sine of the needle's angle: "gauges:synthetic" and "gauges:real", the same
    images, and "gauges:test", 1,000 further worn ones.
    """
    if request.option:
        part = split(request, PARTS)
        drawn = draw(part, request.seed)
        return dataset(request.name, drawn.images, conditions=drawn.directions)
    image = Image(1, SIDE, SIDE)
    fields = {
        side: Field(image, draw(part, request.seed).images, side) for side, part in (("a", "synthetic"), ("b", "real"))
    }
    return dataset_of(request.name, fields)


def draw(part: str, seed: int, count: int | None = None) -> Gauges:
    """The first `count` gauges of a part, "synthetic", "real" or "test"; by default all of them."""
    number = count or (HELD_OUT if part == "test" else COUNT)
    chunks = [_chunk(part, seed, start, min(CHUNK, number - start)) for start in range(0, number, CHUNK)]
    return Gauges(*(torch.cat(values) for values in zip(*chunks, strict=True)))


@cache
def directions() -> Tensor:
    """(TENTHS, 2) float64: cosine and sine of every angle, in multiples of 2^-20."""
    steps = 1 << 20
    turns = [2 * math.pi * k / TENTHS for k in range(TENTHS)]
    return torch.tensor(
        [[round(math.cos(turn) * steps) / steps, round(math.sin(turn) * steps) / steps] for turn in turns],
        dtype=torch.float64,
    )


def _chunk(part: str, seed: int, start: int, count: int) -> Gauges:
    key = hashlib.blake2b(f"gauges {part} {seed} {start}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)
    dials = _Dials(CHUNK, generator)  # a whole chunk, so that the first ones are the same however many are asked for
    x = dials.clean() if part == "synthetic" else worn(dials.clean(), dials.inside, generator)
    images = (x.clamp(0, 1) * 255).round().to(torch.uint8)[:, None]
    return Gauges(*(value[:count] for value in (images, dials.tenths, dials.centres, dials.radii)))


class _Dials:
    """`count` dials: a face with a rim and eight ticks on a plain ground, and a needle with a hub."""

    def __init__(self, count: int, generator: Generator):
        self.tenths = torch.randint(TENTHS, (count,), generator=generator)
        middle = (SIDE - 1) / 2
        self.centres = torch.stack([_uniform(count, generator, middle - 1.5, middle + 1.5) for _ in range(2)], 1)
        self.radii = _uniform(count, generator, 11.5, 13.5)
        shades = ((0.25, 0.6), (0.65, 1.0), (0.0, 0.3), (0.0, 0.25))
        self.ground, self.face, self.rim, self.needle = (_rows(_uniform(count, generator, *of)) for of in shades)
        self.width = _rows(_uniform(count, generator, 0.7, 1.1))  # half of the needle's
        self.grain = _noise((count, SIDE, SIDE), generator) * GRAIN
        pixels = torch.arange(SIDE, dtype=torch.float64)
        self.right = pixels[None, None, :] - _rows(self.centres[:, 0])  # (N, 1, SIDE)
        self.up = _rows(self.centres[:, 1]) - pixels[None, :, None]  # (N, SIDE, 1)
        self.distance = (self.right * self.right + self.up * self.up).sqrt()
        self.inside = _cover(_rows(self.radii) - self.distance)

    def clean(self) -> Tensor:
        """(N, SIDE, SIDE) of about 0 to 1."""
        radius = _rows(self.radii)
        x = self.ground + (self.face - self.ground) * self.inside
        ring = _cover(0.8 - (self.distance - radius).abs())
        x = x + (self.rim - x) * torch.maximum(ring, self._ticks(radius))
        x = x + (self.needle - x) * torch.maximum(self._needle(radius), _cover(1.8 - self.distance))
        return x + self.grain

    def _ticks(self, radius: Tensor) -> Tensor:
        """Every eighth of a turn; the others are reflections of those at 0 and 45 degrees."""
        horizontal, vertical = self.right.abs(), self.up.abs()
        more, less = torch.maximum(horizontal, vertical), torch.minimum(horizontal, vertical)
        root = math.sqrt(0.5)
        straight, oblique = (more, less), ((more + less) * root, (more - less) * root)
        return torch.maximum(
            *(
                _cover(0.6 - across) * _cover(along - radius * 0.8) * _cover(radius * 0.92 - along)
                for along, across in (straight, oblique)
            )
        )

    def _needle(self, radius: Tensor) -> Tensor:
        cosine, sine = (_rows(values) for values in directions()[self.tenths].T)
        along = self.right * cosine + self.up * sine
        across = (self.right * sine - self.up * cosine).abs()
        return _cover(self.width - across) * _cover(along + 2.5) * _cover(radius * 0.72 - along)


def worn(x: Tensor, inside: Tensor, generator: Generator) -> Tensor:
    """Clean images (N, SIDE, SIDE) of 0 to 1 as a camera may see old dials, of about 0 to 1.

    A rough ground, stains on the face, a slope of light, blur, less contrast, and noise, each of a strength of its own
    for every image.

    Args:
        inside: (N, SIDE, SIDE), how much of a pixel belongs to the dial.
    """
    count = len(x)
    rough = _rows(_uniform(count, generator, 0.1, 0.3)) * _texture(count, generator, 2)
    stains = _rows(_uniform(count, generator, 0.05, 0.15)) * _texture(count, generator, 2)
    x = x + rough + (stains - rough) * inside
    pixels = (torch.arange(SIDE, dtype=torch.float64) - (SIDE - 1) / 2) / (SIDE / 2)
    light = directions()[torch.randint(TENTHS, (count,), generator=generator)]
    strength = _rows(_uniform(count, generator, 0.0, 0.2))
    slope = pixels[None, None, :] * _rows(light[:, 0]) + pixels[None, :, None] * _rows(light[:, 1])
    x = x * (1 + strength * slope)
    x = x + (_blurred(_blurred(x)) - x) * _rows(_uniform(count, generator, 0.5, 1.0))
    contrast, shift = _rows(_uniform(count, generator, 0.4, 0.6)), _rows(_uniform(count, generator, -0.05, 0.05))
    x = (x - 0.5) * contrast + 0.5 + shift
    return x + _noise((count, SIDE, SIDE), generator) * _rows(_uniform(count, generator, 0.02, 0.05))


def _texture(count: int, generator: Generator, cell: int) -> Tensor:
    """(N, SIDE, SIDE): noise of variance about 1 on squares of `cell` pixels, smoothed."""
    coarse = _noise((count, SIDE // cell, SIDE // cell), generator)
    return _blurred(coarse.repeat_interleave(cell, 1).repeat_interleave(cell, 2))


def _blurred(x: Tensor) -> Tensor:
    """By weights of 1/4, 1/2, 1/4 along both sides; edges repeat."""
    for side in (1, 2):
        first, last = x.narrow(side, 0, 1), x.narrow(side, SIDE - 1, 1)
        before = torch.cat([first, x.narrow(side, 0, SIDE - 1)], side)
        after = torch.cat([x.narrow(side, 1, SIDE - 1), last], side)
        x = (before + after) / 4 + x / 2
    return x


def _noise(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Of mean 0 and variance 1: the sum of four uniform numbers, which is nearly normal."""
    total = torch.zeros(shape, dtype=torch.float64)
    for _ in range(4):
        total = total + torch.randint(1 << 16, shape, generator=generator).double() / (1 << 16)
    return (total - 2) * math.sqrt(3)


def _uniform(count: int, generator: Generator, low: float, high: float) -> Tensor:
    """(N,) float64 of 2^16 levels."""
    return torch.randint(1 << 16, (count,), generator=generator).double() / (1 << 16) * (high - low) + low


def _cover(depth: Tensor) -> Tensor:
    """How much of a pixel lies within an edge whose distance from its middle, inwards, is `depth`."""
    return (depth + 0.5).clamp(0, 1)


def _rows(values: Tensor) -> Tensor:
    """(N,) to (N, 1, 1)."""
    return values[:, None, None]
