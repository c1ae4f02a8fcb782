"""What every source returns: fields of samples, each with its modality, and a fingerprint."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import torch
from torch import Tensor

from zerosum.data.several import Several
from zerosum.errors import ZerosumError
from zerosum.modality import Classes, Condition, Modality, Shape, Spec, Vector, kind_of_samples
from zerosum.util.text import SHOWN, composed, legible

Progress = Callable[[str, int, int], None]  # (what is being done, done so far, total; 0 where the total is unknown)
HINT = "put each class in a sub-folder, or name the classes in a labels.csv"
UNKNOWN = -1  # the class of a sample without a label
MOST = 10  # different numbers with fractions that may be classes: ratings by half stars are as many
BYTE = 255  # -1, where it was written into a byte
ALL = "all"  # the deck of fields that belong together
TEXT = "text"  # the field of captions
QUESTION = "question"  # the field of what samples answer
Others = Literal["any", "near"]
T = TypeVar("T")


class DataError(ZerosumError):
    """Data that is missing, unreadable or does not fit what was asked; the message names it and the cure."""


class NoPart(DataError):
    """A part of a set that it does not have."""


class Unreadable(Exception):
    """Why a file cannot be used, in words."""


def with_progress(what: str, items: Iterable[T], total: int, progress: Progress | None) -> Iterator[T]:
    """The items as they are; after each, `progress` is called."""
    for done, item in enumerate(items, 1):
        yield item
        if progress:
            progress(what, done, total)


@dataclass(frozen=True)
class Problem:
    """A file that was left out, and why; in legible letters."""

    path: str  # in a folder or an archive: relative to it
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", legible(self.path))
        object.__setattr__(self, "reason", legible(self.reason))

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Field:
    """One field of all samples: "x", their "y", the "b" that each "a" is to become."""

    modality: Modality
    stored: Tensor  # (N, ...), perhaps memory-mapped: bytes, numbers, ids
    deck: str = ALL  # fields of one deck belong together row by row, and are drawn so
    whole: Tensor | None = None  # (N, C, H, W) images that crops are drawn of; `stored` are then their middles
    unit: int = 1  # pixels: the places of these crops are multiples of it, for smaller partners are cropped there, too
    several: Several | None = None  # of each row several values, of which one is drawn; `stored` are then the first
    others: Others | None = None  # whether values of other rows are drawn, that are none of the row's own: any, or such
    # as differ in one place from one of the row's own

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def source(self) -> Tensor:
        """(N, ...) what a stream draws from: the whole images of crops, all values of rows that have several, else what
        is stored.
        """
        if self.several is not None:
            return self.several.values
        return self.stored if self.whole is None else self.whole

    def at(self, rows: Tensor | slice) -> Field:
        """Some of the rows."""
        if self.several is not None:
            few = self.several.at(rows)
            return replace(self, stored=few.first, several=few)
        if self.whole is None:
            return replace(self, stored=self.stored[rows])
        whole = self.whole[rows]
        return replace(self, stored=middle(whole, self.stored.shape[2:], self.unit), whole=whole)


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Dataset:
    """All samples of one source.

    Most data has samples "x" and perhaps "y", classes (-1 where unknown) or vectors; with classes and vectors both, the
    vectors are called "vectors". `data.x` is what is stored of a field.

    The fingerprint is 16 hex digits of a SHA-256 over the samples, the labels, the class names and the vectors: equal
    content has an equal fingerprint wherever it lies and whatever it is called. That of computed data (drawn points,
    images scaled in memory) is over what it was computed from, because processors differ in the last bit.
    """

    name: str  # what was asked for: "digits", "./photos"
    fields: Mapping[str, Field]
    fingerprint: str
    problems: tuple[Problem, ...] = ()  # files that were left out
    chosen: str = ""  # the field to look at, where it was chosen
    notes: tuple[str, ...] = ()  # how files were taken, where they could be otherwise, and what was passed over
    parts: Mapping[str, str] = field(default_factory=dict)  # what tells the content of a field, where that is known
    formerly: str = ""  # the fingerprint that older versions gave it, where that is another
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of each row of a deck, where rows are of files
    uncaptioned: str = ""  # the fingerprint without the captions, where there are some

    def __len__(self) -> int:
        """Samples; of several decks, those of the longest."""
        return max(map(len, self.fields.values()))

    @property
    def spec(self) -> Spec:
        """The modalities of the fields, by name."""
        return Spec({name: field.modality for name, field in self.fields.items()}, len(self))

    @property
    def samples(self) -> str:
        """The name of the field that is looked at and compared: the chosen one, else "x", "b", "ids" or the first."""
        return next(n for n in (self.chosen, "x", "b", "ids", *self.fields) if n in self.fields)

    @property
    def modality(self) -> Modality:
        """Of the samples."""
        return self.fields[self.samples].modality

    @property
    def x(self) -> Tensor:
        """The samples as stored: images uint8 (N, C, H, W), perhaps memory-mapped; points float32 (N, D)."""
        return self.fields[self.samples].stored

    @property
    def y(self) -> Tensor | None:
        """(N,) int64 classes, -1 where unknown; None without classes."""
        y = self.fields.get("y")
        return y.stored if y is not None and isinstance(y.modality, Classes) else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; () without labels."""
        y = self.fields.get("y")
        return y.modality.names if y is not None and isinstance(y.modality, Classes) else ()

    @property
    def vectors(self) -> Tensor | None:
        """(N, K) float32, a vector for each sample; None without vectors."""
        found = [field for field in self.fields.values() if isinstance(field.modality, Vector)]
        return found[0].stored if found else None

    @property
    def shape(self) -> Shape:
        """One sample's shape: (C, H, W), (D,) ..."""
        return self.modality.shape

    @property
    def whole_size(self) -> tuple[int, int] | None:
        """(H, W) of the images that crops are drawn of, of several sizes the largest; None where none are drawn."""
        sizes = [(x.shape[2], x.shape[3]) for f in self.fields.values() if (x := f.whole) is not None]
        return max(sizes, key=math.prod, default=None)

    @property
    def condition(self) -> Condition | None:
        """What a GAN that learns from the classes, or else from the vectors, can be asked for."""
        return self.spec.y if "y" in self.fields else None

    def of(self, field: str) -> Dataset:
        """The same data, of which this field, where there is one, is looked at and compared: what a game makes."""
        return replace(self, chosen=field) if field in self.fields else self

    def with_samples(self, modality: Modality, x: Tensor, fingerprint: str) -> Dataset:
        """The same labels, with other samples: the same ones resized, say."""
        changed = Field(modality, x, self.fields[self.samples].deck)
        return replace(self, fields={**self.fields, self.samples: changed}, fingerprint=fingerprint, parts={})

    def with_labels(self, count: int, seed: int) -> Dataset:
        """The same samples, of which `count` keep their labels: as many of each class (one more of the first classes
        where that does not go evenly), drawn by `seed` alone. All others have the label -1.

        Raises:
            DataError: there are no classes, or too few labelled samples of one.
        """
        if self.y is None or not self.classes:
            raise DataError(f"{self.name} has no labels of which {count} could be kept; {HINT}")
        if count < len(self.classes):
            raise DataError(f"{count} labels are fewer than the {len(self.classes)} classes of {self.name}; keep more")
        share, more = divmod(count, len(self.classes))
        draw, y = torch.Generator().manual_seed(seed), torch.full_like(self.y, UNKNOWN)
        for k, name in enumerate(self.classes):
            own, wanted = (self.y == k).nonzero()[:, 0], share + (k < more)
            if len(own) < wanted:
                most = min(self.counts) * len(self.classes)
                raise DataError(
                    f"class {name!r} of {self.name} has {len(own)} labelled samples, and {count} labels in all ask for "
                    f"{wanted} of each class; keep at most {most}"
                )
            y[own[torch.randperm(len(own), generator=draw)[:wanted]]] = k
        fields = {**self.fields, "y": replace(self.fields["y"], stored=y)}
        return replace(
            self,
            fields=fields,
            fingerprint=fingerprint_of(f"{self.fingerprint} {count} labels of seed {seed}"),
            parts={name: part for name, part in self.parts.items() if name != "y"},
        )

    def with_classes(self, names: tuple[str, ...]) -> Dataset:
        """The same labels, numbered among `names`, of which some have no sample: as older versions numbered them.

        Where these lack a class of the data, or have them in another order, the data is as it was; an older spelling of
        accents is no other class. So is data of several decks: older versions had none with classes.
        """
        known, ours = tuple(map(composed, names)), tuple(map(composed, self.classes))
        same = tuple(name for name in known if name in ours)
        if self.y is None or self.classes == names or {*same} != {*ours} or (same != ours and known == names):
            return self
        if len({field.deck for field in self.fields.values()}) > 1:
            return self
        place = torch.tensor([known.index(name) for name in ours])
        y = torch.where(self.y < 0, UNKNOWN, place[self.y.clamp(min=0)])
        own = dataset(self.name, self.x, y, names, conditions=self.vectors, problems=self.problems, notes=self.notes)
        return replace(own, files=self.files)

    @property
    def captions(self) -> Field | None:
        """What is said of the samples, in words, or what they answer; None where nothing is."""
        return self.fields.get(TEXT, self.fields.get(QUESTION))

    def without_captions(self) -> Dataset:
        """The same samples, without what is said of them: the data that it is for who does not read."""
        if TEXT not in self.fields:
            return self
        fields = {name: field for name, field in self.fields.items() if name != TEXT}
        parts = {name: part for name, part in self.parts.items() if name != TEXT}
        return replace(self, fields=fields, parts=parts, fingerprint=self.uncaptioned, uncaptioned="")

    def without_labels(self, keep: Collection[str] = ()) -> Dataset:
        """The same samples, without the classes and vectors that `keep` does not name.

        The fingerprint is of what stays alone, where that is known: it is the same whatever the labels are.
        """
        labels = {n for n, f in self.fields.items() if isinstance(f.modality, Classes | Vector)}
        if not (dropped := labels.difference(keep)):
            return self
        fields = {n: f for n, f in self.fields.items() if n not in dropped}
        left_out = "labels" if dropped == labels else ", ".join(sorted(dropped))
        formerly = fingerprint_of(f"{self.fingerprint} without {left_out}")
        if not fields.keys() <= self.parts.keys():
            return replace(self, fields=fields, fingerprint=formerly)
        # Of samples alone, that of data that never had labels.
        parts = [f"{name} {self.parts[name]}" for name in sorted(fields)]
        own = fingerprint_of(self.parts["x"] if fields.keys() == {"x"} else " ".join(parts))
        return replace(self, fields=fields, fingerprint=own, formerly=formerly)

    @property
    def counts(self) -> tuple[int, ...]:
        """Labelled samples of each class."""
        if self.y is None:
            return ()
        return tuple(self.y[self.y >= 0].bincount(minlength=len(self.classes)).tolist())


def measured(labels: Collection[str], count: int) -> bool:
    """Whether the different labels of `count` samples are numbers that measure something, and name no classes.

    They are where most occur once, and are more than MOST or have fractions; or have fractions and are more than MOST.
    """
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return False
    if not all(map(math.isfinite, numbers)):
        return False
    fractions = any(not number.is_integer() for number in numbers)
    many, single = len(labels) > MOST, 2 * len(labels) > count
    return (many and single) or (fractions and (many or single))


def numbered(labels: Tensor) -> tuple[Tensor, tuple[str, ...], tuple[str, ...]]:
    """Classes of labels that are whole numbers (N,), below 0 for none: y, (N,) int64, the names, and notes.

    Numbers without a sample are no classes. 255, which is -1 in a byte, is none where it stands apart from two others
    or more.
    """
    notes, none = [], labels < 0
    present = labels[~none].unique()
    if len(present) > 2 and present[-1] == BYTE and present[-2] < BYTE - 1:
        none, present = none | (labels == BYTE), present[:-1]
        notes.append(f"the label {BYTE} of {int((labels == BYTE).sum()):,} samples is read as no label, as -1 is")
    if not len(present):
        notes.append("no sample has a label")
    elif missing := int(present[-1]) + 1 - len(present):
        known = set(present.tolist())
        absent = (str(k) for k in itertools.count() if k not in known)
        first = itertools.islice(absent, min(missing, SHOWN))
        more = f" and {missing - SHOWN:,} more" if missing > SHOWN else ""
        what = "label" if missing == 1 else "labels"
        notes.append(f"no sample has the {what} {', '.join(first)}{more}: there are {len(present):,} classes")
    y = torch.searchsorted(present, labels.clamp(min=0)).masked_fill(none, UNKNOWN)
    return y, tuple(map(str, present.tolist())), tuple(notes)


def middle(whole: Tensor, size: Sequence[int], unit: int = 1) -> Tensor:
    """The middle (N, C, *size) of images (N, C, H, W), as a view, from a place on that is a multiple of `unit`."""
    top, left = ((side - own) // 2 // unit * unit for side, own in zip(whole.shape[2:], size, strict=True))
    return whole[:, :, top : top + size[0], left : left + size[1]]


def marked(data: Dataset, mark: str) -> Dataset:
    """The same with the fingerprints of data that a change was made of, which `mark` describes."""
    uncaptioned = fingerprint_of(f"{data.uncaptioned} {mark}") if data.uncaptioned else ""
    return replace(data, fingerprint=fingerprint_of(f"{data.fingerprint} {mark}"), uncaptioned=uncaptioned)


def fingerprint_of(text: str) -> str:
    """The fingerprint of data that `text` describes completely."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_of(x: Tensor) -> str:
    """SHA-256 (64 hex digits) of the samples' bytes."""
    return hashlib.sha256(x.contiguous().numpy().data).hexdigest()


def dataset(
    name: str,
    x: Tensor,
    y: Tensor | None = None,
    classes: tuple[str, ...] = (),
    *,
    conditions: Tensor | None = None,
    problems: tuple[Problem, ...] = (),
    digest: str | None = None,
    fingerprint: str | None = None,
    notes: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
) -> Dataset:
    """Images uint8 (N, C, H, W), binary vectors bool (N, D) or points float32 (N, D), with classes and vectors.

    Args:
        y: (N,) int64, -1 = unlabelled.
        conditions: float32 (N, K), a vector for each sample.
        digest: `digest_of(x)` where it is known already.
        fingerprint: of computed data; by default that of the content.
        files: of each sample, where they are of files.
    """
    fields = {"x": Field(kind_of_samples(x), x)}
    if y is not None:
        fields["y"] = Field(Classes(classes), y)
    if conditions is not None:
        fields["y" if y is None else "vectors"] = Field(Vector(conditions.shape[1]), conditions)
    parts: dict[str, str] = {}
    if fingerprint is None:
        parts["x"] = f"{x.dtype} {tuple(x.shape)} {digest or digest_of(x)}"
        content = hashlib.sha256(parts["x"].encode())
        if y is not None:
            content.update("\0".join(classes).encode())
            content.update(y.contiguous().numpy().data)
        if conditions is not None:
            content.update(f"{tuple(conditions.shape)}".encode())
            content.update(conditions.contiguous().numpy().data)
        fingerprint = content.hexdigest()[:16]
        parts |= {key: digest_of(own.stored) for key, own in fields.items() if key not in parts}
        if y is not None:
            parts["y"] += " ".join(classes)
    of = {ALL: files} if files else {}
    return Dataset(name, fields, fingerprint, problems, notes=notes, parts=parts, files=of)


def dataset_of(
    name: str,
    fields: Mapping[str, Field],
    problems: tuple[Problem, ...] = (),
    notes: tuple[str, ...] = (),
    files: Mapping[str, tuple[str, ...]] | None = None,
) -> Dataset:
    """Data of any fields, with the fingerprint of their content, modalities and decks; `files` by deck."""
    content, parts = hashlib.sha256(), dict[str, str]()
    for key, own in fields.items():
        what, digest = f"{own.modality!r} {own.deck} {tuple(own.stored.shape)}", digest_of(own.stored)
        content.update(f"{key} {what}{digest}".encode())
        parts[key] = f"{what} {digest}"
    return Dataset(name, fields, content.hexdigest()[:16], problems, notes=notes, parts=parts, files=files or {})
