"""Endless seeded batches whose position is two integers, and the fields and rows that they are drawn from.

Fields of one deck belong together; decks are independent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zerosum.batches import CAPTIONED, Domains, Paired, PartlyLabelled, Styled, Unpaired, field_names
from zerosum.data import random_crops, several
from zerosum.data.dataset import ALL, HINT, TEXT, DataError, Dataset, Field, Others
from zerosum.data.domains import DOMAINS
from zerosum.data.near import Near
from zerosum.data.styles import STYLES
from zerosum.modality import Classes, Image, Tokens
from zerosum.util import checks

LABELLED = "labelled"  # the deck of the samples whose class is known, where others are drawn beside them
RESIDENT = 1 << 30  # bytes: smaller sets live on the device whole, and a batch needs no copy to it


@dataclass(frozen=True, eq=False)
class Decks:
    """The fields of a batch by name, and the rows of each deck that they are drawn from."""

    fields: Mapping[str, Field]
    rows: Mapping[str, Tensor]  # (N,) int64 of each deck

    @property
    def main(self) -> str:
        """The deck that an epoch is counted by: the longest."""
        return max(self.rows, key=lambda deck: len(self.rows[deck]))


OF_OTHERS: dict[Others, tuple[str, tuple[int, ...]]] = {  # what random numbers are for, and how many
    "any": ("wrong", (several.TRIES, 2)),
    "near": ("near", (2 * several.TRIES, 3)),
}
OF_CAPTIONS = (
    "write a captions.csv with the columns file_name and text into the folder, or look what is wrong with it by "
    "`zerosum data check`"
)
OF_PAIRS = "name pairs, as pairs:A,B or unpaired:A,B, or have them made of it, as by --task denoise"
OF_DOMAINS = f"name both domains, as {DOMAINS.example}"
OF_STYLES = f"name {STYLES.called}, as {STYLES.example}"
# By what is drawn.
CURES: dict[type, str] = {Paired: OF_PAIRS, Unpaired: OF_PAIRS, Domains: OF_DOMAINS, Styled: OF_STYLES}


def deal(data: Dataset, batch: type, drawer: str = "the game") -> Decks:
    """The decks that a game's batch is filled from.

    `Captioned` and `NearCaptioned` batches are of the samples that have a caption alone, and `wrong` and `near` are
    drawn from the captions, too. `Labelled` batches are of the samples whose class is known alone; of `PartlyLabelled`
    ones, `x` and `y` are a deck of these, and `unlabelled` is of all; where every class is known, both are the same
    field.

    Args:
        drawer: what draws, for errors: "pix2pix".

    Raises:
        DataError: a field is missing, or is not as the batch needs it; the message names it.
    """
    fields = dict(data.fields)
    if batch is PartlyLabelled and {"x", "y"} <= fields.keys():
        x, y = fields["x"], fields["y"]
        if len(_known([y])) < len(y):
            fields |= {"x": replace(x, deck=LABELLED), "y": replace(y, deck=LABELLED)}
        fields["unlabelled"] = x
    if batch in CAPTIONED and TEXT in fields:
        fields["wrong"] = replace(fields[TEXT], others="any")
        fields["near"] = replace(fields[TEXT], others="near")
    wanted = field_names(batch)
    if batch in CAPTIONED and TEXT not in fields and "x" in fields:
        raise DataError(f"{data.name} has no captions, but {drawer} learns from them; {OF_CAPTIONS}")
    if missing := [name for name in wanted if name not in fields]:
        if missing == ["y"] or (batch is PartlyLabelled and "y" in missing):
            raise DataError(f"{data.name} has no labels, but {drawer} learns from them; {HINT}")
        *most, last = wanted
        drawn = f"{', '.join(most)} and {last}" if most else last
        cure = CURES.get(batch, "give other data, or another recipe")
        raise DataError(f"{drawer} draws {drawn}; {data.name} has {', '.join(data.fields)}: {cure}")
    if batch is PartlyLabelled and not isinstance(fields["y"].modality, Classes):
        raise DataError(f"{drawer} learns classes, and {data.name} has {fields['y'].modality}; try cgan")
    dealt = {name: fields[name] for name in wanted}
    if batch is Unpaired:
        dealt = {name: replace(field, deck=name) for name, field in dealt.items()}
    if batch is Paired and len({field.deck for field in dealt.values()}) > 1:
        raise DataError(
            f"{drawer} draws pairs, and a and b of {data.name} do not belong together; give both images of a pair one "
            "name, or train a GAN of unpaired data"
        )
    by_deck: dict[str, list[Field]] = {}
    for field in dealt.values():
        by_deck.setdefault(field.deck, []).append(field)
    rows = {deck: _known(own) for deck, own in by_deck.items()}
    if batch in CAPTIONED:
        _require_wrong(data, dealt["wrong"], rows[dealt["wrong"].deck])
    if any(len(known) == 0 for known in rows.values()):
        raise DataError(f"{data.name} has no labels, but {drawer} learns from them; {HINT}")
    return Decks(dealt, rows)


def _known(fields: list[Field]) -> Tensor:
    """The rows that every field of a deck has: those whose classes are known, and that have one of several values."""
    known = torch.ones(len(fields[0]), dtype=torch.bool)
    for field in fields:
        if isinstance(field.modality, Classes):
            known &= field.stored >= 0
        if field.several is not None:
            known &= field.several.counts > 0
    return known.nonzero()[:, 0]


def _require_wrong(data: Dataset, field: Field, rows: Tensor) -> None:
    """`DataError` where a sample has all the captions that there are, so that none is wrong for it."""
    choose = several.Others(field.several or several.single(field.stored), rows, rows.device)
    if bool(choose.without(rows).any()):
        raise DataError(
            f"an image of {data.name} has all the captions that there are, so that none is wrong for it: give images "
            "that something else is said of"
        )


def choice(field: Field, rows: Tensor) -> several.Own | several.Others | Near:
    """What draws one of several values for rows, of `rows` (R,), on the device of these: of their own, or of others, as
    the field says.
    """
    values = field.several or several.single(field.stored)
    if field.others is None:
        return several.Own(values, rows.device)
    if field.others == "any":
        return several.Others(values, rows.cpu(), rows.device)
    return Near(values, rows.cpu(), rows.device, field.modality.end if isinstance(field.modality, Tokens) else None)


class Stream:
    """Endless seeded batches; its position is (epoch, offset), so a resumed stream goes on exactly.

    A batch's fields are filled by their names from the data's, see `deal`. Fields of one deck are drawn by the
    same rows. In each deck, epoch e is a permutation drawn from (seed, e) alone: drawing data disturbs no other random
    numbers. The epochs follow each other without a gap, so a batch may cross their border, nothing is dropped and every
    sample comes exactly once an epoch. Of each `world` successive batches, this stream serves number `rank`.

    Args:
        dataset: what to draw from.
        batch_size: samples a call, of this rank.
        seed: of the order, the flips and the places of crops.
        device: where batches are wanted.
        batch: what to serve: Tensor (x alone), or a NamedTuple of tensors.
        flip: mirror each image left to right with probability 1/2; those of one row alike.
        rank: this process among `world`.

    Raises:
        DataError: more samples a step than there are; a field, or flips, asked of data that has none.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        batch: type = Tensor,
        flip: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        batch_size, seed = checks.integer("batch_size", batch_size), checks.integer("seed", seed)
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} must be at least 1 and rank {rank} in [0, {world})")
        decks = deal(dataset, batch)
        served = len(decks.rows[decks.main])
        if batch_size * world > served:
            asked = f"{batch_size}" if world == 1 else f"{batch_size} on each of {world} processes"
            kind = "captioned" if batch in CAPTIONED else "labelled"
            what = "samples" if served == len(dataset) else f"{kind} samples"
            raise DataError(
                f"a batch of {asked} is more than the {served} {what} of {dataset.name}; "
                f"use a batch size of at most {served // world}, or more data"
            )
        if flip and not any(isinstance(field.modality, Image) for field in decks.fields.values()):
            raise DataError(f"{dataset.name} holds no images, which alone have a left and a right; train without flips")
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.device, self._batch, self._flip = torch.device(device), batch, flip
        self._fields = {
            name: (field, field.source.to(self.device if field.source.nbytes <= RESIDENT else "cpu"))
            for name, field in decks.fields.items()
        }
        self._decks = {
            deck: _Deck(rows.to(self._index_device(deck)), partial(self._generator, f"order{_of(deck)}"))
            for deck, rows in decks.rows.items()
        }
        self._choices = {
            id(field): choice(field, self._decks[field.deck].rows)
            for field in decks.fields.values()
            if field.several is not None or field.others
        }
        self._main = self._decks[decks.main]
        self._identity = {
            "fingerprint": int(dataset.fingerprint[:13], 16),  # 52 bits: exact in every reader of JSON
            "batch_size": batch_size,
            "seed": seed,
            "world": world,
        }
        self._drawn = 0  # samples before this step's, counted over all ranks and epochs

    def __call__(self) -> Any:
        """The next batch, on the device: each field as its modality loads it, images as float32 in [-1, 1], say."""
        start = self._drawn + self.rank * self.batch_size
        self._drawn += self.batch_size * self.world
        rows = {deck: order(start, self.batch_size) for deck, order in self._decks.items()}
        drawn: dict[int, Tensor] = {}  # a field that stands under two names is drawn once
        for field, stored in self._fields.values():
            if id(field) not in drawn:
                drawn[id(field)] = self._loaded(field, stored, rows[field.deck], start)
        values = [drawn[id(field)] for field, _ in self._fields.values()]
        return values[0] if self._batch is Tensor else self._batch(*values)

    def state(self) -> dict[str, int | Tensor]:
        """The position, the same on every rank, and what it is a position in."""
        epoch, offset = divmod(self._drawn, len(self._main))
        return {"epoch": epoch, "offset": offset, **self._identity}

    def restore(self, state: Mapping[str, int | Tensor]) -> None:
        """Go on from a `state()`.

        Raises:
            DataError: it is the position in other data or in another order.
        """
        for key in ("fingerprint", "seed"):
            if (before := state.get(key)) != (now := self._identity[key]):
                change = "the data has changed" if key == "fingerprint" else f"its {key} was {before} and is now {now}"
                raise DataError(f"cannot go on where the run stopped: {change}; undo this, or start a new run")
        if not self._is_same_batch(state):
            was, is_now = (_batch(s.get("batch_size"), s.get("world", 1)) for s in (state, self._identity))
            raise DataError(
                f"cannot go on where the run stopped: its batch_size was {was} and is now {is_now}; "
                "undo this, or start a new run"
            )
        epoch, offset = int(state.get("epoch", -1)), int(state.get("offset", -1))
        if epoch < 0 or not 0 <= offset < len(self._main):
            raise DataError(f"{state} is no position in {len(self._main)} samples; resume from another checkpoint")
        self._drawn = epoch * len(self._main) + offset

    def _is_same_batch(self, state: Mapping[str, int | Tensor]) -> bool:
        """Whether all processes together draw as many samples as when the state was taken."""
        before, world = int(state.get("batch_size", 0)), int(state.get("world", 0))
        if world == 0:  # of an earlier version, which kept no number of processes
            return before == self.batch_size
        return before * world == self.batch_size * self.world

    def _index_device(self, deck: str) -> torch.device:
        """Where the rows of a deck are kept: beside its fields, on the CPU where one of them is too large to move."""
        homes = [stored.device for field, stored in self._fields.values() if field.deck == deck]
        return next((home for home in homes if home != self.device), self.device)

    def _loaded(self, field: Field, stored: Tensor, rows: Tensor, start: int) -> Tensor:
        first, own = start - self.rank * self.batch_size, self.rank * self.batch_size  # of all ranks, and of these
        count, position = self.batch_size * self.world, divmod(first, len(self._main))
        if choose := self._choices.get(id(field)):
            purpose, shape = OF_OTHERS[field.others] if field.others else ("value", ())
            drawn = several.draws(count, self._generator(f"{purpose}{_of(field.deck)}", *position), *shape)
            places = choose(rows, drawn[own : own + self.batch_size].to(rows.device))
            x = stored.index_select(0, places.to(stored.device))
        elif field.whole is None:
            x = stored.index_select(0, rows.to(stored.device))
        else:
            drawn = random_crops.places(field, count, self._generator(f"crop{_of(field.deck)}", *position))
            x = random_crops.crops(field, stored, rows.to(stored.device), drawn[own : own + self.batch_size])
        x = field.modality.load(x.to(self.device))
        if self._flip and isinstance(field.modality, Image):
            generator = self._generator(f"flip{_of(field.deck)}", *position)
            coins = torch.randint(2, (count, 1, 1, 1), generator=generator)[own : own + self.batch_size]
            x = torch.lerp(x, x.flip(-1), coins.to(self.device, torch.float32))  # weights of 0 and 1: exact
        return x

    def _generator(self, purpose: str, *position: int) -> torch.Generator:
        # Hashed, because neighbouring seeds of a generator may give correlated numbers.
        key = hashlib.blake2b(f"{purpose} {self.seed} {position}".encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)


def _batch(size: object, world: object) -> str:
    return f"{size}" if world == 1 else f"{size} on each of {world} processes"


def _of(deck: str) -> str:
    """What tells the random numbers of a deck apart from those of others."""
    return "" if deck == ALL else f" of {deck} samples"


class _Deck:
    """Rows in an endless order, in which every epoch is a permutation of all of them.

    Args:
        rows: (N,) int64.
        generator: of the order of an epoch.
    """

    def __init__(self, rows: Tensor, generator: Callable[[int], torch.Generator]):
        self.rows, self.generator = rows, generator
        self.orders: dict[int, Tensor] = {}  # the epochs in use: (N,) rows

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, start: int, count: int) -> Tensor:
        """(count,) rows from place `start` on."""
        epoch, offset = divmod(start, len(self.rows))
        parts = [self._order(epoch)[offset : offset + count]]
        while (missing := count - sum(map(len, parts))) > 0:
            epoch += 1
            parts.append(self._order(epoch)[:missing])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self.orders:
            # Drawn on the CPU, so that the order is the same on every device.
            order = self.rows[torch.randperm(len(self.rows), generator=self.generator(epoch)).to(self.rows.device)]
            self.orders = {known: self.orders[known] for known in self.orders if known == epoch - 1} | {epoch: order}
        return self.orders[epoch]
