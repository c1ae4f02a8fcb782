"""Kinds of data as values: what one field of a data set is. A modality knows numbers, neither files nor pictures.

A further kind is a class here, its name in `AnyModality`, a source in `data/`, and its entry in each table of the upper
floors: `pictures.render.DRAW`, `workflows.sample.WRITE`, `health.features.FEATURES` and
`evaluation.real_data.EXTRACTORS`. One that says `labels` needs none: it is never drawn, written or measured alone.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from pydantic import Discriminator
from torch import Generator, Tensor

from zerosum.util.notes import Note, parse
from zerosum.util.text import abbreviate, composed

Shape = tuple[int, ...]  # of one sample: (C, H, W) for an image, (D,) for a point, () for a class
Positive = Annotated[int, Gt(0)]

# The float below 1/127.5: rounding up would map 255 to just above 1.
SCALE = float(torch.nextafter(torch.tensor(1 / 127.5, device="cpu"), torch.tensor(0.0, device="cpu")))


def to_float(x: Tensor) -> Tensor:
    """Bytes to float32 in [-1, 1], in one pass; all else to float32 as it is."""
    return torch.add(torch.tensor(-1.0), x, alpha=SCALE) if x.dtype == torch.uint8 else x.float()


def to_uint8(x: Tensor) -> Tensor:
    """Floats in [-1, 1] of any shape to uint8 in [0, 255]; values outside are clamped, NaN becomes mid-grey."""
    x = x.detach().float().nan_to_num(nan=0.0, posinf=1.0, neginf=-1.0)
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


class Modality(ABC):
    """What one field of a data set is. Final subclasses are frozen dataclasses."""

    kind: str  # tells the kinds apart in JSON
    singular: ClassVar[str]  # "image"
    plural: ClassVar[str]  # "images"
    stored_as: ClassVar[str]  # "8-bit": the numbers of the store
    labels: ClassVar[bool] = False  # says what a sample is, and is no sample itself
    mirrors: ClassVar[bool] = False  # has a left and a right, along its last dimension

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Of one sample, as networks take it."""

    def load(self, stored: Tensor) -> Tensor:
        """Rows of the store, (B, ...), on whatever device they are, to what players see, (B, *shape)."""
        return stored

    def store(self, x: Tensor) -> Tensor:
        """And back: bytes, token ids, units of the table."""
        return x

    def at(self, size: Sequence[int]) -> Modality:
        """The same of another height and width, where it has these."""
        return self

    @abstractmethod
    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        """`count` samples of who knows nothing but the range of the `real` ones, as stored: (count, *shape)."""

    def difference(self, other: Modality) -> str:
        """What samples of the other differ by, in words, where the names of both do not say it all; else ""."""
        return ""

    def fits(self, other: Modality) -> bool:
        """Whether samples of the other can be compared with these."""
        return self == other

    @property
    def size_in_words(self) -> str:
        """Of one sample: "3x32x32", "2 numbers", "up to 7 tokens"; "" of a class."""
        if len(self.shape) != 1:
            return "x".join(map(str, self.shape))
        return "1 number" if self.shape == (1,) else f"{self.shape[0]} numbers"

    def counted(self, count: int) -> str:
        """`1 image`, `5,000 images`."""
        return f"{count:,} {self.singular if count == 1 else self.plural}"

    def __str__(self) -> str:
        return f"{self.plural} of {size}" if (size := self.size_in_words) else self.plural


@dataclass(frozen=True)
class Image(Modality):
    """Images: bytes (C, H, W) in the store, floats in [-1, 1] for players."""

    channels: Positive
    height: Positive
    width: Positive
    kind: Literal["image"] = "image"
    singular, plural, stored_as = "image", "images", "8-bit"
    mirrors = True

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width

    def at(self, size: Sequence[int]) -> Image:
        if len(size) != 2 or min(size) < 1:
            return self
        return Image(self.channels, size[0], size[1])

    def load(self, stored: Tensor) -> Tensor:
        return to_float(stored)

    def store(self, x: Tensor) -> Tensor:
        return to_uint8(x)

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return (256 * torch.rand(count, *self.shape, generator=generator)).to(torch.uint8)


@dataclass(frozen=True)
class Video(Modality):
    """Films of one length: bytes (T, C, H, W) in the store, floats in [-1, 1] for players."""

    frames: Positive
    channels: Positive
    height: Positive
    width: Positive
    kind: Literal["video"] = "video"
    singular, plural, stored_as = "video", "videos", "8-bit"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.frames, self.channels, self.height, self.width

    @property
    def size_in_words(self) -> str:
        return f"{self.frames} frames of {self.image.size_in_words}"

    @property
    def image(self) -> Image:
        """One frame."""
        return Image(self.channels, self.height, self.width)

    def load(self, stored: Tensor) -> Tensor:
        return to_float(stored)

    def store(self, x: Tensor) -> Tensor:
        return to_uint8(x)

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return (256 * torch.rand(count, *self.shape, generator=generator)).to(torch.uint8)


@dataclass(frozen=True)
class Sound(Modality):
    """Sounds of one length: 16-bit integers (C, T) in the store, floats in [-1, 1] for players."""

    channels: Positive
    samples: Positive  # numbers a channel
    rate: Positive  # of them a second, in Hz
    kind: Literal["sound"] = "sound"
    singular, plural, stored_as = "sound", "sounds", "16-bit"

    FULL: ClassVar[int] = 1 << 15  # what 1 is stored as, and -1 with its sign

    @property
    def shape(self) -> tuple[int, int]:
        return self.channels, self.samples

    @property
    def size_in_words(self) -> str:
        channels = {1: "", 2: " in stereo"}.get(self.channels, f" in {self.channels} channels")
        return f"{self.samples:,} samples at {self.rate:,} Hz{channels}"

    def load(self, stored: Tensor) -> Tensor:
        return stored.float() / self.FULL

    def store(self, x: Tensor) -> Tensor:
        """Values outside [-1, 1] are cut off, NaN becomes silence."""
        scaled = (x.detach().float().nan_to_num(nan=0.0, posinf=1.0, neginf=-1.0) * self.FULL).round()
        return scaled.clamp(-self.FULL, self.FULL - 1).to(torch.int16)

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.randint(-self.FULL, self.FULL, (count, *self.shape), generator=generator).to(torch.int16)


@dataclass(frozen=True)
class Points(Modality):
    """Points of a space of `dim` dimensions, float32."""

    dim: Positive
    kind: Literal["points"] = "points"
    singular, plural, stored_as = "point", "points", "float32"

    @property
    def shape(self) -> tuple[int]:
        return (self.dim,)

    def load(self, stored: Tensor) -> Tensor:
        return stored.float()

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return _in_box(count, generator, real)


@dataclass(frozen=True)
class Binary(Modality):
    """Vectors of `dim` features that are there or not: bools (D,) in the store, floats 0 and 1 for players."""

    dim: Positive
    names: tuple[str, ...] = ()  # of the features; (): they have none but their numbers
    kind: Literal["binary"] = "binary"
    singular, plural, stored_as = "binary vector", "binary vectors", "bool"

    def __post_init__(self) -> None:
        if self.names and len({*self.names}) != self.dim:
            raise ValueError(f"{self.dim} features have {len({*self.names})} different names; give as many, or none")

    @property
    def shape(self) -> tuple[int]:
        return (self.dim,)

    @property
    def size_in_words(self) -> str:
        return "1 feature" if self.dim == 1 else f"{self.dim:,} features"

    def name(self, feature: int) -> str:
        """What a feature is called: by its number, from 0, where it has no name."""
        return self.names[feature] if self.names else str(feature)

    def difference(self, other: Modality) -> str:
        """By the features that one of both lacks, or by their order; not where one of both has no names."""
        if not isinstance(other, Binary) or self.dim != other.dim or not (self.names and other.names):
            return ""
        theirs = {*other.names}
        if lost := [repr(name) for name in self.names if name not in theirs]:
            return f"no features {', '.join(abbreviate(lost))}"
        return "the same features, in another order" if self.names != other.names else ""

    def fits(self, other: Modality) -> bool:
        return self == other or (isinstance(other, Binary) and self.dim == other.dim and not self.difference(other))

    def load(self, stored: Tensor) -> Tensor:
        return stored.float()

    def store(self, x: Tensor) -> Tensor:
        """There from one half on; NaN is not."""
        return x.detach() >= 0.5

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.randint(2, (count, self.dim), generator=generator).bool()


@dataclass(frozen=True)
class Behaviour(Modality):
    """What was done where: states of an environment, each with the action that was taken there, float32 (S + A,).

    An action is `actions` numbers; of so many choices, where it is one of these, that of the choice is 1.
    """

    environment: str  # as Gymnasium calls it: "CartPole-v1"
    states: Positive  # numbers of a state
    actions: Positive
    discrete: bool  # whether an action is a choice
    limit: Positive  # steps after which the environment cuts an episode off
    mean: tuple[float, ...] = ()  # (S + A,), as was shown, of choices 0; (): nothing is known
    scale: tuple[float, ...] = ()  # (S + A,) and the standard deviations, of choices 1
    episodes: int = 0  # that were shown
    terminated: float | None = None  # share of these that the environment ended, not its limit; None: nobody said
    absorbed: float | None = None  # share of the steps up to the limit that come after such an end; None: nobody said
    returned: float | None = None  # mean return of an episode; None: nobody said
    kind: Literal["behaviour"] = "behaviour"
    singular, plural, stored_as = "state with its action", "states with their actions", "float32"

    @property
    def shape(self) -> tuple[int]:
        return (self.states + self.actions,)

    @property
    def dim(self) -> int:
        """Numbers of a state and its action."""
        return self.states + self.actions

    @property
    def size_in_words(self) -> str:
        what = "choices" if self.discrete else "numbers" if self.actions > 1 else "number"
        return f"{self.environment} ({self.states} numbers, {self.actions} {what})"

    def difference(self, other: Modality) -> str:
        """By the environment."""
        if not isinstance(other, Behaviour) or self.environment == other.environment:
            return ""
        return f"{self.environment}, and {other.environment}"

    def fits(self, other: Modality) -> bool:
        same = isinstance(other, Behaviour) and self.environment == other.environment
        return same and self.shape == other.shape

    def load(self, stored: Tensor) -> Tensor:
        return stored.float()

    def store(self, x: Tensor) -> Tensor:
        return x.detach().float()

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        """States anywhere in the box of real ones, and actions that have nothing to do with them."""
        anywhere = _in_box(count, generator, real)
        if self.discrete:
            chosen = torch.randint(self.actions, (count,), generator=generator)
            anywhere[:, self.states :] = F.one_hot(chosen, self.actions)
        return anywhere


@dataclass(frozen=True)
class Tokens(Modality):
    """Texts as ids of a vocabulary, int64 (length,). What follows the first `<eos>` of a row is `<eos>`, too.

    A vocabulary without `<eos>` is of texts of one length.
    """

    vocabulary: tuple[str, ...]
    length: Positive  # of the longest text, its `<eos>` included
    separator: str = " "  # between two tokens, when they are written
    kind: Literal["tokens"] = "tokens"
    singular, plural, stored_as = "text", "texts", "int64"

    UNKNOWN: ClassVar[str] = "<unk>"
    END: ClassVar[str] = "<eos>"

    @property
    def shape(self) -> tuple[int]:
        return (self.length,)

    @property
    def size_in_words(self) -> str:
        length = "1 token" if self.length == 1 else f"{self.length:,} tokens"
        return f"{'up to ' if self.end is not None else ''}{length}"

    @property
    def unit(self) -> str:
        """What a token is, in a word."""
        return "word" if self.separator else "character"

    @property
    def size(self) -> int:
        """Tokens of the vocabulary."""
        return len(self.vocabulary)

    @cached_property
    def end(self) -> int | None:
        """The id of `<eos>`; None where all texts have one length."""
        return self.vocabulary.index(self.END) if self.END in self.vocabulary else None

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The vocabulary but for `<unk>` and `<eos>`, in its order."""
        return tuple(token for token in self.vocabulary if token not in (self.UNKNOWN, self.END))

    def difference(self, other: Modality) -> str:
        """By tokens, by lengths, or by what a token is."""
        if not isinstance(other, Tokens) or self.kind != other.kind:
            return ""
        if self.separator != other.separator:
            return f"{self.unit}s, and {other.unit}s"
        ours, theirs = dict.fromkeys(self.vocabulary), dict.fromkeys(other.vocabulary)
        new, gone = ([repr(t) for t in a if t not in b] for a, b in ((theirs, ours), (ours, theirs)))
        said = [f"new {self.unit}s: {', '.join(abbreviate(new))}"] if new else []
        said += [f"{self.unit}s that are gone: {', '.join(abbreviate(gone))}"] if gone else []
        if not said and self.vocabulary != other.vocabulary:
            said = [f"the same {self.unit}s, in another order of frequency"]
        if self.length != other.length:
            said.append(f"{self.size_in_words}, and {other.size_in_words}")
        return "; ".join(said)

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.randint(self.size, (count, self.length), generator=generator)

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """Of one text, of `length` tokens at most: unknown ones are `<unk>`, and `<eos>` fills the row."""
        numbers = map(self._numbers.get, tokens)
        known = [self._unknown if number is None else number for number in numbers]
        return known + [self.end or 0] * (self.length - len(known))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.vocabulary)}

    @cached_property
    def _unknown(self) -> int:
        return self.vocabulary.index(self.UNKNOWN)

    def split(self, text: str) -> list[str]:
        """The tokens of a text: words, or characters; their accents as in the vocabulary, else in one character."""
        text = composed(text)
        return [token for part in (text.split() if self.separator else text) for token in self._spelt(part)]

    def _spelt(self, token: str) -> list[str]:
        """A token as the vocabulary spells it, which may be older than one spelling of accents."""
        if token in self._numbers:
            return [token]
        apart = unicodedata.normalize("NFD", token)
        parts = [apart] if self.separator else list(apart)
        return parts if all(part in self._numbers for part in parts) else [token]

    def lengths(self, ids: Tensor) -> Tensor:
        """(B,) how many tokens come before the first `<eos>`, of ids (B, length)."""
        if self.end is None:
            return torch.full((len(ids),), ids.shape[1], device=ids.device)
        return ((ids == self.end).int().cumsum(1) == 0).sum(1)

    def within(self, ids: Tensor) -> Tensor:
        """(B, L) bool: which ids (B, L) are tokens of a text, before its first `<eos>`."""
        return torch.arange(ids.shape[1], device=ids.device) < self.lengths(ids)[:, None]

    def chosen(self, ids: Tensor) -> Tensor:
        """(B, L), 1 where a token of ids (B, L) is a choice, `<eos>` included, else 0: behind it there is none.

        Where texts end, the last place of a row is always `<eos>`.
        """
        if self.end is None:
            return torch.ones(ids.shape, device=ids.device)
        places = torch.arange(ids.shape[1], device=ids.device)
        within = places <= self.lengths(ids)[:, None]
        return (within & (places < self.length - 1)).float()

    def write(self, ids: Tensor) -> list[str]:
        """Each row of ids, (B, length), as text."""
        words = ([self.vocabulary[i] for i in row] for row in ids.tolist())
        return [self.separator.join(row[:n]) for row, n in zip(words, self.lengths(ids).tolist(), strict=True)]


@dataclass(frozen=True)
class Notes(Tokens):
    """Melodies: texts whose tokens are notes and rests, `C4:1/4` and `R:1/8` (`util.notes`)."""

    kind: Literal["notes"] = "notes"  # type: ignore[assignment]  # it is told apart from texts in JSON alone
    singular, plural, stored_as = "melody", "melodies", "int64"

    @property
    def unit(self) -> str:
        return "note"

    def split(self, text: str) -> list[str]:
        """The notes of a melody, as the vocabulary writes them: `Bb4:2/8` is `A#4:1/4`."""
        return [str(parse(token) or token) for token in super().split(text)]

    def melodies(self, ids: Tensor) -> list[list[Note]]:
        """Each row of ids, (B, length), as notes and rests; what is neither is left out."""
        known = [parse(token) for token in self.vocabulary]
        rows = zip(ids.tolist(), self.lengths(ids).tolist(), strict=True)
        return [[note for i in row[:length] if (note := known[i]) is not None] for row, length in rows]


@dataclass(frozen=True)
class Classes(Modality):
    """One of several classes, int64 (); -1 where it is not known."""

    names: tuple[str, ...]
    kind: Literal["classes"] = "classes"
    singular, plural, stored_as, labels = "class", "classes", "int64", True

    @classmethod
    def numbered(cls, count: int) -> Classes:
        """Classes called 0, 1, 2 ..."""
        return cls(tuple(map(str, range(count))))

    @property
    def shape(self) -> Shape:
        return ()

    @property
    def size(self) -> int:
        """Numbers that a network takes of it: one for each class."""
        return len(self.names)

    def vector(self, y: Tensor) -> Tensor:
        """One-hot vectors, (B, size) float32, of classes (B,)."""
        return F.one_hot(y, self.size).float()

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.randint(self.size, (count,), generator=generator)


@dataclass(frozen=True)
class Vector(Modality):
    """A vector of numbers that says what a sample is, float32 (size,)."""

    size: Positive
    kind: Literal["vector"] = "vector"
    singular, plural, stored_as, labels = "vector", "vectors", "float32", True

    @property
    def shape(self) -> tuple[int]:
        return (self.size,)

    def vector(self, y: Tensor) -> Tensor:
        """The vectors (B, size) as they are."""
        return y

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return _in_box(count, generator, real)


@dataclass(frozen=True)
class Actions(Modality):
    """What is done in each frame of a video, float32 (T, size): action t leads from frame t to frame t + 1."""

    frames: Positive
    size: Positive
    kind: Literal["actions"] = "actions"
    singular, plural, stored_as, labels = "action", "actions", "float32", True

    @property
    def shape(self) -> tuple[int, int]:
        return self.frames, self.size

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return _in_box(count, generator, real)


@dataclass(frozen=True)
class Lengths(Modality):
    """How many tokens a text has, int64 (), at most `longest`."""

    longest: Annotated[int, Ge(0)]
    kind: Literal["lengths"] = "lengths"
    singular, plural, stored_as, labels = "length", "lengths", "int64", True

    @property
    def shape(self) -> Shape:
        return ()

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.randint(self.longest + 1, (count,), generator=generator)


def kind_of_samples(stored: Tensor) -> Image | Binary | Points:
    """Of bytes (N, C, H, W) images, of bools (N, D) binary vectors, of floats (N, D) points."""
    if stored.dtype == torch.uint8:
        return Image(*stored.shape[1:])
    return (Binary if stored.dtype == torch.bool else Points)(stored.shape[1])


Condition = Classes | Vector  # what a sample can be asked to be
Prompt = Condition | Tokens  # or to show, in words
AnyModality = Annotated[
    Image | Video | Sound | Points | Binary | Behaviour | Tokens | Notes | Classes | Vector | Actions | Lengths,
    Discriminator("kind"),
]


@dataclass(frozen=True)
class Spec:
    """The modalities of data by the names of its fields: what a recipe builds its networks for."""

    fields: Mapping[str, Modality]
    count: int | None = None  # samples; None: of no data in particular

    def __getattr__(self, name: str) -> Modality:
        """`data.x`, `data.b`; a `ValueError` that names the field where there is none."""
        if name.startswith("__"):
            raise AttributeError(name)  # what copying and pickling look for
        if name not in self.fields:
            raise ValueError(f"there is no field {name}, only {', '.join(self.fields) or 'none'}")
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    @property
    def y(self) -> Condition:
        """Classes or vectors."""
        y = self.__getattr__("y")
        if not isinstance(y, Classes | Vector):
            raise ValueError(f"y holds {y}, neither classes nor vectors")
        return y

    @property
    def texts(self) -> Tokens:
        """What `ids` are of; a `ValueError` where they are of no texts."""
        tokens = self.__getattr__("ids")
        if not isinstance(tokens, Tokens):
            raise ValueError(f"ids holds {tokens}, and no texts")
        return tokens

    @property
    def classes(self) -> int:
        """How many classes; a `ValueError` for vectors."""
        if not isinstance(self.y, Classes):
            raise ValueError(f"this GAN learns classes, and the data has {self.y}; try cgan")
        return self.y.size


def _in_box(count: int, generator: Generator, real: Tensor) -> Tensor:
    """Uniform in the box that holds all of `real`, (N, ...)."""
    low, high = real.amin(0), real.amax(0)
    return low + (high - low) * torch.rand(count, *low.shape, generator=generator)
