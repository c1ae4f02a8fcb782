"""The game: players that take turns. A GAN is written as one `Game`; the trainer plays it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

from torch import Tensor, nn

from zerosum.batches import B, Draw
from zerosum.optim import TRPO, Optimizer
from zerosum.optim.trpo import Again

LATER = 10**9  # a round after all beginnings, such as a pretraining


@dataclass(frozen=True)
class Player:
    """The modules that one optimiser moves together. A description: it builds nothing."""

    optimizer: Optimizer | TRPO
    modules: tuple[nn.Module, ...]
    averaged: bool = False  # keep a moving average of these weights, to sample from


class Logits(NamedTuple):
    """What a discriminator says of real samples and of fakes in a move: the higher, the more real."""

    real: Tensor
    fake: Tensor


class Move:
    """One player's turn: the named terms it minimises (the loss is their sum) and values worth logging.

    Terms are scalars: the first is the player's objective, the others are regularisers. Logged values may have any
    shape; their mean is recorded. A discriminator hands over its `logits`, which the monitor reads. Nothing is read
    from the device until a hook asks.
    """

    __slots__ = ("again", "log", "logits", "player", "terms")

    def __init__(
        self,
        player: str,
        *,
        logits: Logits | None = None,
        log: Mapping[str, Tensor] | None = None,
        **terms: Tensor,
    ):
        if not terms:
            raise ValueError(f"the move of {player!r} has no term to minimise")
        self.player, self.terms, self.logits, self.log = player, terms, logits, log or {}
        self.again: Again | None = None

    def searched(self, again: Again) -> Move:
        """This move, for an optimiser that searches: `again` gives loss and divergence at weights that it tries."""
        self.again = again
        return self

    @property
    def moves(self) -> tuple[Move, ...]:
        """Itself, of one player alone."""
        return (self,)

    @property
    def loss(self) -> Tensor:
        first, *others = self.terms.values()
        for term in others:
            first = first + term
        return first


class Simultaneous:
    """A turn of several players at once: all gradients are taken where the players stand, and then all step.

    So play the codes of Goodfellow et al., 2014, and of Donahue et al., 2017: in a round their players share fakes,
    dropout masks and parameters. The moves may share one forward pass, since nothing changes between them.

    Args:
        moves: one each of two players or more, neither of which `searched`.
    """

    __slots__ = ("moves",)

    def __init__(self, *moves: Move):
        players = [move.player for move in moves]
        if len(moves) < 2 or len(set(players)) < len(moves):
            raise ValueError(f"one move each of two players or more is made at once, not of {players}")
        if searching := [move.player for move in moves if move.again]:
            raise ValueError(f"{searching[0]} searches, and its loss is asked again as it moves: give it its own turn")
        self.moves = moves


Turn = Move | Simultaneous


def all_moves(turns: Iterable[Turn]) -> Iterator[Move]:
    """The moves of these turns in order, each computed as it is asked for."""
    return (move for turn in turns for move in turn.moves)


def others_follow(turn: Turn, move: Move) -> bool:
    """Whether moves of a turn are differentiated after this one, through the same forward pass."""
    return move is not turn.moves[-1]


class Game(nn.Module, ABC, Generic[B]):
    """A GAN: who plays, and how a round goes. What a trained one can do, its roles say (`roles`).

    A subclass is abstract or final: a final one is not subclassed again. It says what it draws: `Game[Tensor]` plays
    with samples alone, `Game[Labelled]` with classes or vectors, `Game[A | B]` with either, as its instance sets
    `batch`; a `TypeError` at once where the class does not say.
    """

    name: str
    batch: type  # what it draws, as `Game[...]` says
    makes: str = "x"  # the field of the data that its samples are of

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        given = [
            get_args(base)[0]
            for base in cls.__dict__.get("__orig_bases__", ())
            if isinstance(get_origin(base), type) and issubclass(get_origin(base), Game)
        ]
        if not given:
            if any(base.__dict__.get("batch") for base in cls.__mro__[1:]):
                return  # a subclass of a game that says it
            raise TypeError(f"{cls.__name__} must say what it draws, as class {cls.__name__}(Game[Tensor])")
        if isinstance(given[0], TypeVar) or given[0] is Any:  # abstract; or a wrapper, which draws what its game draws
            return
        first, *others = get_args(given[0]) or (given[0],)
        for batch in (first, *others):
            if not (isinstance(batch, type) and (batch is Tensor or issubclass(batch, tuple))):
                raise TypeError(f"{cls.__name__} draws {batch}: give Tensor, or a NamedTuple of tensors")
        cls.batch = first

    @abstractmethod
    def players(self) -> dict[str, Player]:
        """The players by name; every parameter that is not frozen belongs to exactly one."""

    @abstractmethod
    def round(self, draw: Draw[B], step: int) -> Iterator[Turn]:
        """Play round number `step` (from 0): draw batches, yield moves; each is made before the next is computed.

        Moves that are to be made at once come as one turn, `Simultaneous`.
        """

    def check(self) -> None:
        """Refuse, with an `ArgumentError`, what cannot be trained as it is now, with all techniques; nothing here.

        The trainer asks as it is made, so that no run is begun. A run that is only sampled is not asked.
        """
        return

    def phase(self, step: int) -> Hashable | None:
        """Rounds of one phase make the same computation on other numbers: on a GPU one is recorded, the rest replayed.

        Such a round reads `step` for nothing else, draws as many batches each time, and changes buffers in place.
        None, the default: round `step` is like no other.
        """
        return None

    def stage(self, step: int) -> Hashable | None:
        """What the game is about in round `step`, of several things in turn, for people: by default the phase."""
        return self.phase(step)

    def scheduled(self, seen: float) -> dict[str, float]:
        """The game's own numbers that change as training goes, once `seen` samples have been learnt from; none here."""
        return {}

    def advance(self, seen: float) -> None:
        """Set those numbers for the next round, in buffers: called before each round, never inside of a recording."""
        return

    @property
    def core(self) -> Game[Any]:
        """The game without what is wrapped around it: the one whose roles count."""
        return self
