"""What a trained game can do. A command asks for a role, never for a kind of GAN.

A game has a role by inheriting it: `class CGAN(LatentGame[Labelled], Discriminates)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.latent import Prior
from zerosum.modality import Behaviour, Prompt, Tokens

R = TypeVar("R")


class Generates(ABC):
    """Makes samples from z, and from y where samples can be asked for."""

    prior: Prior  # the distribution of z
    condition: Prompt | None = None  # what y is; None: a sample is made from z alone

    @abstractmethod
    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, *shape) from z, (B, prior.dim), and y: classes (B,), vectors (B, K) or ids of texts (B, length), where
        there is a condition.
        """


class Illustrates(Generates):
    """Makes samples of texts, by way of numbers that stand for what these say."""

    condition: Tokens

    @abstractmethod
    def embed(self, text: Tensor) -> Tensor:
        """(B, E) what texts, ids (B, length), mean."""

    @abstractmethod
    def illustrate(self, z: Tensor, meaning: Tensor) -> Tensor:
        """(B, *shape) from z, (B, prior.dim), and meanings (B, E), those between two texts among them."""


class Drafts(Generates):
    """Makes each sample of a smaller one that it has made first."""

    @abstractmethod
    def draft(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, *smaller) what the samples `generate(z, y)` are made of."""


class Answers(Generates):
    """Makes an answer, a text, of a question, which is its condition."""

    condition: Tokens


class Translates(ABC):
    """Makes of each sample of one field, `a`, one of another, the field that `Game.makes` names."""

    takes = "a"  # the field that is translated
    any_size = False  # whether images of any height and width will do, which stay what they are
    smallest = 1  # pixels of the sides of these
    factor = 1  # by how much larger they become
    near_input = False  # whether what is made is held near what it is made of

    @abstractmethod
    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        """(B, *shape_a) to (B, *shape_b), each on its own.

        Args:
            seeds: (B,) int64, of the noise of each, where the game has any; by default 0.
        """

    def network(self, back: bool = False) -> nn.Module | None:
        """What translates, or translates back, where that is one network of the images alone."""
        return None


class TranslatesBack(Translates):
    """And the other way."""

    @abstractmethod
    def translate_back(self, b: Tensor, seeds: Tensor | None = None) -> Tensor:
        """(B, *shape_b) to (B, *shape_a); see `translate`."""


class Predicts(ABC):
    """Foresees how a film goes on from its first frames, under given actions."""

    start: int  # frames that it is shown

    @abstractmethod
    def predict(self, frames: Tensor, actions: Tensor) -> Tensor:
        """The N frames (B, N, C, H, W) that follow `frames`, (B, start, C, H, W).

        Args:
            actions: (B, start + N - 1, K); action t leads from frame t to frame t + 1.
        """


class Acts(ABC):
    """Acts in an environment, as it was shown: a policy, and beside it one that clones what was shown."""

    behaviour: Behaviour

    @abstractmethod
    def policies(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """What was learnt by name, the game's own first: states (B, S) to actions (B, A), of choices that of the one
        is 1.
        """

    @abstractmethod
    def behave(self, count: int, seed: int, policy: str = "policy") -> Tensor:
        """(count, S + A) states with the actions taken there, on the CPU, of new episodes that the seed decides."""

    @abstractmethod
    def remark(self) -> str:
        """By which rewards it learns, and why, in a line."""


class Completes(Generates):
    """A distribution over texts, which go on from a beginning."""

    @abstractmethod
    def complete(self, start: Tensor, z: Tensor) -> Tensor:
        """(B, length) ids of texts that begin with `start`, (S,) ids, from z, (B, prior.dim)."""

    @abstractmethod
    def log_likelihood(self, ids: Tensor) -> Tensor:
        """(B, length): the log probability, in nats, of each token of ids (B, length) after those before it.

        0 at places where there is no choice, such as those behind `<eos>`; `choices` counts the others.
        """

    @abstractmethod
    def choices(self, ids: Tensor) -> Tensor:
        """(B, length), 1 where a token of ids, (B, length), is chosen among several, else 0."""


class Classifies(ABC):
    """Learns a classifier on the way."""

    @abstractmethod
    def classifier(self) -> nn.Module:
        """The network that tells classes apart: samples (B, *shape) to logits (B, K)."""


class Attacks(Translates, Classifies):
    """Makes of each sample one that lies near it, and that the classifier takes for another class."""

    takes = "x"
    epsilon: float  # the largest change of a number
    target: int | None  # the class that samples are to be taken for; None: any but their own


class Discriminates(ABC):
    """Its discriminator scores single samples."""

    @abstractmethod
    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """(B,) how real D finds x, (B, *shape), given y where there is a condition: the higher, the more real.

        Raises:
            ValueError: this instance does not score single samples, such as a discriminator of packs.
        """


class Encodes(ABC):
    """Maps samples to the z that they would be made from."""

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) to (B, prior.dim)."""


CANNOT: dict[type, str] = {
    Generates: "cannot generate from z",
    Illustrates: "draws nothing between texts",
    Drafts: "makes no smaller samples first",
    Answers: "answers no questions",
    Translates: "is not an image-to-image model",
    TranslatesBack: "does not translate in both directions",
    Predicts: "makes no films",
    Acts: "does not act in an environment",
    Completes: "completes no texts",
    Classifies: "learns no classifier",
    Attacks: "attacks no classifier",
    Discriminates: "has no discriminator that scores single samples",
    Encodes: "has no encoder",
}


def has_role(game: Game[Any], role: type) -> bool:
    """Whether a game, whatever is wrapped around it, can do this."""
    return isinstance(game.core, role)


def makes_samples(game: Game[Any]) -> bool:
    """Whether a game makes samples of its data, in one way or another; one that does not may classify alone."""
    return any(has_role(game, role) for role in (Generates, Translates, Predicts, Acts))


def in_role(game: Game[Any], role: type[R]) -> R:
    """The game as the role that it has.

    Raises:
        ZerosumError: it does not have it.
    """
    core: Any = game.core
    if not isinstance(core, role):
        cure = "let it act: zerosum play RUN" if isinstance(core, Acts) else "choose another recipe for that"
        raise ZerosumError(f"{game.name} {CANNOT.get(role, 'is no ' + role.__name__)}; {cure}")
    return core
