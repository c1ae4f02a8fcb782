"""The game: players that take turns. A GAN is written as one `Game`; `trainer.py` plays it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from torch import Tensor, nn

from zerosum.latent import Prior
from zerosum.optim import Optimizer

Shape = tuple[int, ...]  # of one sample: (C, H, W) for an image, (D,) for a point


class Labelled(NamedTuple):
    """A batch with classes."""

    x: Tensor  # (B, *shape)
    y: Tensor  # (B,) int64; -1 where the label is unknown


class Paired(NamedTuple):
    """A batch of aligned pairs, or of two unaligned collections."""

    a: Tensor  # (B, *shape_a)
    b: Tensor  # (B, *shape_b)


B = TypeVar("B", Tensor, Labelled, Paired)
Draw = Callable[[], B]  # the next batch, already on the device


@dataclass(frozen=True)
class Player:
    """The modules that one optimiser moves together. A description: it builds nothing."""

    optimizer: Optimizer
    modules: tuple[nn.Module, ...]
    averaged: bool = False  # keep a moving average of these weights, to sample from


class Move:
    """One player's turn: the named terms it minimises (the loss is their sum) and values worth logging.

    Terms are scalars. Logged values may have any shape; their mean is recorded. Nothing is read from the
    device until a hook asks.
    """

    __slots__ = ("log", "player", "terms")

    def __init__(self, player: str, *, log: Mapping[str, Tensor] | None = None, **terms: Tensor):
        if not terms:
            raise ValueError(f"the move of {player!r} has no term to minimise")
        self.player, self.terms, self.log = player, terms, log or {}

    @property
    def loss(self) -> Tensor:
        first, *others = self.terms.values()
        for term in others:
            first = first + term
        return first


class Game(nn.Module, ABC, Generic[B]):
    """A GAN: who plays, how a round goes, how a sample is made.

    A subclass is final: it is not subclassed again, and overrides nothing but `players`, `round` and `sample`, and
    `phase` where its rounds repeat. It sets `prior`, the distribution of z.
    """

    name: str
    prior: Prior

    @abstractmethod
    def players(self) -> dict[str, Player]:
        """The players by name; every parameter that is not frozen belongs to exactly one."""

    @abstractmethod
    def round(self, draw: Draw[B], step: int) -> Iterator[Move]:
        """Play round number `step` (from 0): draw batches, yield moves; each is made before the next is computed."""

    def phase(self, step: int) -> Hashable | None:
        """Rounds of one phase make the same computation on other numbers: on a GPU one is recorded, the rest replayed.

        Such a round reads `step` for nothing else, draws as many batches each time, and changes buffers in place.
        None, the default: round `step` is like no other.
        """
        return None

    @abstractmethod
    def sample(self, like: B, z: Tensor | None = None) -> Tensor:
        """One sample for each element of `like`, (B, *shape), made from its conditions (never from its x).

        `z` is (B, prior.dim), drawn from `prior` when None.
        """
