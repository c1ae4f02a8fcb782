"""Generators that nobody trains: of real samples that the data does not hold, or does, of a part of them, or of none.

What they deserve is known by construction. They cost a few seconds each, and reach what short trainings do not: fakes
as good as photographs, of which one class is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from zerosum import data, latent
from zerosum.batches import Draw
from zerosum.data.dataset import Dataset, dataset
from zerosum.game import Move, Player
from zerosum.latent_game import LatentGame
from zerosum.optim import SGD
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

SIDE = 16  # pixels of the digits
MOST = 8000  # samples of which half are the data, and half are the generator's
MANY = 60_000  # points of the cloud
STEPS = 50
JITTER = 0.01  # in the units of players
HUNDRED = 10  # modes along each side of a square, the ring's and the grid's being few
KINDS = ("disc", "square", "cross", "ring", "bars", "triangle")  # of shapes
Make = Callable[[Tensor, Tensor, Generator], Tensor]  # samples as players see them, and their classes, to fakes


class Stock(LatentGame[Any]):
    """A generator of stored samples: z chooses which."""

    name = "stock"

    def __init__(self, fakes: Tensor, makes: str = "x", batch: type = Tensor):
        super().__init__()
        self.makes, self.batch = makes, batch
        self.register_buffer("fakes", fakes)
        self.fakes: Tensor
        self.weight, self.prior = nn.Linear(1, 1), latent.Normal(2)

    def players(self) -> dict[str, Player]:
        return {"generator": Player(SGD(0.1, 0.0), (self.weight,))}

    def round(self, draw: Draw[Any], step: int) -> Iterator[Move]:
        draw()
        yield Move("generator", nothing=0 * self.weight.weight.sum())

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        uniform = 0.5 * (1 + torch.erf(z[:, 0] / math.sqrt(2)))
        return self.fakes[(uniform * len(self.fakes)).long().clamp_max(len(self.fakes) - 1)]


@dataclass(frozen=True)
class Frozen:
    """A generator that stays as it is, and the verdict that it deserves."""

    name: str
    data: str  # a name of data, or of DRAWN
    make: Make
    truth: str = "healthy"
    labelled: bool = False  # whether the monitor sees classes
    copies: float = 0.0  # share of the fakes that are samples of the data
    most: int = MOST  # samples that are taken of the data

    def trainer(self, seed: int) -> tuple[Trainer, Dataset]:
        """The trainer at step 0, and its data: a random half; fakes are made of the other half."""
        drawn = DRAWN.get(self.data)
        whole = drawn(seed) if drawn else data.load(self.data, size=self._size(), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randperm(len(whole), generator=generator)[: self.most]
        x, y = whole.x[rows], whole.y
        assert y is not None
        half, y = len(rows) // 2, y[rows]
        known = (y[:half], whole.classes) if self.labelled else (None, ())
        loaded = dataset(self.data, x[:half].clone(), *known)
        fakes = self.make(loaded.modality.load(x[half:]), y[half:], generator)
        if self.copies:
            chosen = torch.rand(len(fakes), generator=generator) < self.copies
            fakes[chosen] = loaded.modality.load(x[:half])[: len(fakes)][chosen]
        stream = data.Stream(loaded.without_labels(), 16, seed=seed)
        return Trainer(Stock(fakes), stream, Training(STEPS, 16, seed, average=0.0, log_every=5)), loaded

    def _size(self) -> tuple[int, int] | None:
        return (SIDE, SIDE) if self.data == "digits" else None


def keep(*classes: int) -> Make:
    """Real samples of these classes alone."""
    return lambda x, y, generator: x[torch.isin(y, torch.tensor(classes))]


def everything(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """Real samples of all classes."""
    return x


def jittered(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """Real samples with a little noise: a fifth of a mode's width, and a grey level of images."""
    return x + JITTER * torch.randn(x.shape, generator=generator)


def thinned(rare: int, share: float) -> Make:
    """All classes, of which one has only `share` of its share."""

    def make(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
        return x[(y != rare) | (torch.rand(len(y), generator=generator) < share)]

    return make


def joined(share: float) -> Make:
    """Points of which a share lies on the lines between neighbouring modes."""

    def make(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
        centres = torch.stack([x[y == k].mean(0) for k in range(int(y.max()) + 1)])
        between = torch.rand(len(x), 1, generator=generator)
        line = between * centres[y] + (1 - between) * centres.roll(1, 0)[y]
        return torch.where(torch.rand(len(x), 1, generator=generator) < share, line, x)

    return make


def repeated(share: float, images: int) -> Make:
    """All samples, of which a share are so many of them, again and again."""

    def make(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
        again = x[torch.randint(images, (len(x),), generator=generator)]
        chosen = torch.rand(len(x), generator=generator) < share
        return torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), again, x)

    return make


def every_other(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """The modes of a square of them that have the colour of a chessboard's first field."""
    return x[(y // HUNDRED + y % HUNDRED) % 2 == 0]


def swapped(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """With red for blue."""
    return x.flip(1)


def half_grey(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    grey = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(grey, x.mean(1, keepdim=True), x)


def noise(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """Noise of the reals' brightness and contrast."""
    return (x.mean() + x.std() * torch.randn(x.shape, generator=generator)).clamp(-1, 1)


def stripes(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    places = torch.arange(x.shape[3]).float()
    waves = (2 * torch.rand(len(x), 1, generator=generator) * places).sin()[:, None, None]
    return (waves * torch.rand(len(x), x.shape[1], 1, 1, generator=generator)).expand(x.shape)


def blobs(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    """Smooth patches of colour."""
    few = x.mean() + x.std() * torch.randn(len(x), x.shape[1], 4, 4, generator=generator)
    return F.interpolate(few, x.shape[2:], mode="bilinear").clamp(-1, 1)


def blurred(x: Tensor, y: Tensor, generator: Generator) -> Tensor:
    return F.interpolate(F.avg_pool2d(x, 4), x.shape[2:], mode="bilinear")


def salted(x: Tensor, y: Tensor, generator: Generator, share: float = 0.02) -> Tensor:
    """A share of the pixels is white or black."""
    hit, white = torch.rand(2, len(x), 1, *x.shape[2:], generator=generator)
    return torch.where(hit < share, 2 * white.round() - 1, x)


def shapes(seed: int, count: int = MOST) -> Dataset:
    """Images of 32x32 pixels: one of six shapes of any colour, place and size on a ground of another colour."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(len(KINDS), (count,), generator=generator)
    axis = torch.linspace(-1, 1, 32)
    centre = 0.8 * torch.rand(count, 2, 1, 1, generator=generator) - 0.4
    size = 0.35 + 0.25 * torch.rand(count, 1, 1, generator=generator)
    across, down = (axis[None, None, :] - centre[:, 0]) / size, (axis[None, :, None] - centre[:, 1]) / size
    radius = (across.square() + down.square()).sqrt()
    square = torch.maximum(across.abs().expand_as(radius), down.abs().expand_as(radius))
    drawn = torch.stack(
        [
            radius < 1,
            square < 0.85,
            (torch.minimum(across.abs().expand_as(radius), down.abs().expand_as(radius)) < 0.25) & (square < 1),
            (radius < 1) & (radius > 0.6),
            ((4 * down).sin().expand_as(radius) > 0) & (square < 1),
            (down < 0.8) & (across.abs() < (down + 1) / 2),
        ],
        1,
    )  # (N, KINDS, 32, 32)
    shape = drawn[torch.arange(count), y][:, None].float()
    inside, ground = torch.rand(2, count, 3, 1, 1, generator=generator)
    x = shape * inside + (1 - shape) * ground + 0.02 * torch.randn(count, 3, 32, 32, generator=generator)
    return dataset("shapes", (255 * x.clamp(0, 1)).round().to(torch.uint8), y, KINDS)


def hundred(seed: int, count: int = MOST) -> Dataset:
    """Points around 100 places, a square of them, whose deviation is a twelfth of the distance between two."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(HUNDRED**2, (count,), generator=generator)
    places = torch.stack([y // HUNDRED, y % HUNDRED], 1).float()
    x = places + torch.randn(count, 2, generator=generator) / 12
    return dataset("hundred", x, y, tuple(map(str, range(HUNDRED**2))))


def cloud(seed: int, count: int = MANY) -> Dataset:
    """Normal points in eight dimensions: far more than are searched for copies."""
    return dataset(
        "cloud",
        torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)),
        torch.zeros(count).long(),
        ("all",),
    )


DRAWN: Mapping[str, Callable[[int], Dataset]] = {"shapes": shapes, "hundred": hundred, "cloud": cloud}


def _of(names: str, of: str, cases: Sequence[tuple[str, Make]], truth: str, labelled: bool = False) -> Iterator[Frozen]:
    for name, make in cases:
        yield Frozen(f"{names}: {name}", of, make, truth, labelled)


def _copied(names: str, of: str, least: float = 0.33, most: int = MOST) -> Iterator[Frozen]:
    for name, share in (("all are copies", 1.0), (f"{least:.0%} are copies", least)):
        yield Frozen(f"{names}: {name}", of, everything, "memorising", copies=share, most=most)


_GOOD = (("all", everything), ("all, with noise", jittered))
_REPEATED = (("a fifth are one of them", repeated(0.2, 1)), ("half are fifty of them", repeated(0.45, 50)))
_COLOURS = (("red for blue", swapped), ("half of them grey", half_grey))
_NO_IMAGES = (("noise", noise), ("stripes", stripes), ("blobs", blobs), ("blurred", blurred), ("salted", salted))
_DIGITS = (
    ("0 to 2 of ten", keep(0, 1, 2)),
    ("3, 5, 7 of ten", keep(3, 5, 7)),
    ("five of ten", keep(0, 2, 4, 6, 8)),
    ("seven of ten", keep(0, 1, 2, 3, 5, 7, 8)),
)
_NINE = (("all but 9", keep(*range(9))), ("all but 0", keep(*range(1, 10))), ("a tenth of the 4s", thinned(4, 0.1)))
_RING = (
    ("four of eight", keep(0, 1, 2, 3)),
    ("every other mode", keep(0, 2, 4, 6)),
    ("six of eight", keep(0, 1, 2, 4, 5, 6)),
    ("seven of eight", keep(*range(7))),
    ("a tenth of one mode", thinned(3, 0.1)),
)
_JOINED = (("joined", joined(0.6)), ("half joined", joined(0.4)))
_SHAPES = (("two of six", keep(2, 5)), ("three of six", keep(0, 1, 3)), ("four of six", keep(0, 1, 3, 5)))
_PHOTOGRAPHS = (
    ("cat, dog, horse", keep(3, 5, 7)),
    ("sky and road", keep(0, 1, 8, 9)),
    ("bird, deer, frog", keep(2, 4, 6)),
)

FROZEN = (
    *_of("digits", "digits", _GOOD, "healthy"),
    *_of("labelled digits", "digits", _GOOD, "healthy", True),
    *_of("ring", "ring", _GOOD, "healthy"),
    *_of("grid", "grid", _GOOD, "healthy"),
    *_of("moons", "moons", _GOOD, "healthy"),
    *_of("shapes", "shapes", _GOOD, "healthy"),
    *_of("digits", "digits", _DIGITS, "modes missing"),
    *_of("labelled digits", "digits", (*_DIGITS, *_NINE), "modes missing", True),
    *_of("ring", "ring", _RING, "modes missing"),
    *_of("grid", "grid", (("twenty of 25", keep(*range(20))), ("24 of 25", keep(*range(24)))), "modes missing"),
    *_of("labelled shapes", "shapes", _SHAPES, "modes missing", True),
    *_of("ring", "ring", _JOINED, "under-trained"),
    *_of("hundred modes", "hundred", _GOOD[:1], "healthy"),
    *_of("hundred modes", "hundred", (("half of them", every_other),), "under-trained"),
    *_of("digits", "digits", _NO_IMAGES, "under-trained"),
    *_of("digits", "digits", _REPEATED, "under-trained"),
    *_of("shapes", "shapes", _NO_IMAGES, "under-trained"),
    *_copied("digits", "digits"),
    *_copied("ring", "ring"),
    *_copied("shapes", "shapes"),
    Frozen("cloud: all", "cloud", everything, most=MANY),
    *_copied("cloud", "cloud", 0.5, MANY),
)
OF_PHOTOGRAPHS = (
    *_of("photographs", "cifar10", _GOOD, "healthy"),
    *_of("labelled photographs", "cifar10", _GOOD, "healthy", True),
    *_of("photographs", "cifar10", _PHOTOGRAPHS[:2], "modes missing"),
    *_of("labelled photographs", "cifar10", _PHOTOGRAPHS, "modes missing", True),
    *_of("photographs", "cifar10", _NO_IMAGES, "under-trained"),
    *_of("photographs", "cifar10", (*_REPEATED, *_COLOURS), "under-trained"),
    *_copied("photographs", "cifar10"),
)
