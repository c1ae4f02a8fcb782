"""The game: players that take turns. A GAN is written as one `Game`; `trainer.py` plays it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin

import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.latent import Prior
from zerosum.modality import Shape as Shape
from zerosum.optim import Optimizer


@dataclass(frozen=True)
class Condition:
    """What a sample can be asked to be: one of `size` classes, or a vector of `size` numbers."""

    size: int
    kind: Literal["classes", "vector"] = "classes"

    def vector(self, y: Tensor) -> Tensor:
        """(B, size) float32: one-hot vectors of classes (B,), or vectors (B, size) as they are."""
        return F.one_hot(y, self.size).float() if self.kind == "classes" else y

    def classes(self) -> int:
        """How many classes; a `ValueError` for vectors."""
        if self.kind != "classes":
            raise ValueError(f"this GAN learns classes, and the data has vectors of {self.size} numbers; try cgan")
        return self.size


class Labelled(NamedTuple):
    """A batch of samples whose class is known, or whose vector."""

    x: Tensor  # (B, *shape)
    y: Tensor  # (B,) int64 classes, or (B, K) float32 vectors


class Semi(NamedTuple):
    """A batch of partly labelled data. Where every sample has a class, `unlabelled` is `x`, the same tensor."""

    x: Tensor  # (B, *shape), of samples whose class is known
    y: Tensor  # (B,) int64, their classes
    unlabelled: Tensor  # (B, *shape), of all samples, without their classes


class Paired(NamedTuple):
    """A batch of aligned pairs, or of two unaligned collections."""

    a: Tensor  # (B, *shape_a)
    b: Tensor  # (B, *shape_b)


B = TypeVar("B", Tensor, Labelled, Semi, Paired)
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

    A subclass is final: it is not subclassed again, and overrides nothing but `players`, `round` and `sample`, `phase`
    where its rounds repeat, `realism` where D judges single samples, and `classifier` where it learns one. It sets
    `prior`, the distribution of z, and `condition` where samples can be asked for. `Game[Tensor]` plays with samples
    alone, `Game[Labelled]` with classes or vectors, `Game[Semi]` with data of which some has classes; a `TypeError` at
    once where the class does not say.
    """

    name: str
    prior: Prior
    condition: Condition | None = None  # None: a sample is made from z alone
    batch: type  # what it draws: Tensor, Labelled, Semi or Paired, as `Game[...]` says

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if Game not in cls.__bases__:
            return
        drawn = [get_args(base)[0] for base in cls.__dict__.get("__orig_bases__", ()) if get_origin(base) is Game]
        if drawn == [Any]:  # a wrapper, which draws what its game draws
            return
        if not drawn or drawn[0] not in (Tensor, Labelled, Semi, Paired):
            raise TypeError(
                f"{cls.__name__} must say what it draws, as class {cls.__name__}(Game[Tensor]): Tensor, Labelled, Semi "
                "or Paired; Any where it sets `batch` itself"
            )
        cls.batch = drawn[0]

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

    def classifier(self) -> nn.Module | None:
        """The network that tells classes apart, samples (B, *shape) to logits (B, K), where the game learns one."""
        return None

    def realism(self, samples: Any) -> Tensor | None:
        """How real D finds each of `samples`, (B,): its logits, or what stands in their place; higher is more real.

        `samples` is what `like` is to `sample`, and its x is judged. None, the default: D judges no single samples.
        """
        return None

    @abstractmethod
    def sample(self, like: Any, z: Tensor | None = None) -> Tensor:
        """One sample for each element of `like`, (B, *shape), made from its conditions (never from its x).

        `like` is a `Labelled` where the game has a `condition`, else a tensor. `z` is (B, prior.dim), drawn from
        `prior` when None.
        """
