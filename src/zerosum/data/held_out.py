"""Samples that are held out of a training, file by file, to measure and to look at what was not learnt from.

Whether a file is held out is a function of its name alone: no order, no seed and no other file changes it, so that
models are compared on the same files, and a folder that grows keeps its split. Both images of a pair, all frames of a
file and all crops of a photograph have one name, and go together; samples without files go by their number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, marked
from zerosum.util import memory
from zerosum.util.text import without_ending

WHOLE = 1 << 64  # what a hash is below


class Split(NamedTuple):
    """Both parts of some data."""

    kept: Dataset  # to learn from
    held_out: Dataset


def names_to_hold_out(data: Dataset, share: float) -> tuple[str, ...]:
    """The files to hold out, or the numbers of samples that are none, in their order: about this share of them.

    A name is held out where a hash of it, without its ending, is below the share; of each deck, where none is, the name
    with the smallest hash.

    Args:
        share: above 0, below 1.

    Raises:
        DataError: the share is none, or leaves nothing to learn from.
    """
    if not 0 < share < 1:
        raise DataError(f"--held-out is a share of the files, above 0 and below 1, not {share:g}; 0.1 is a tenth")
    found: dict[str, None] = {}
    for deck in _decks(data):
        names = dict.fromkeys(_names(data, deck))
        below = [name for name in names if _hash(name) < share * WHOLE] or [min(names, key=_hash)]
        found |= dict.fromkeys(below)
    chosen = {without_ending(name) for name in found}
    for deck in _decks(data):
        keys = {without_ending(name) for name in _names(data, deck)}
        if keys <= chosen:
            side = "" if len(_decks(data)) == 1 else f" as {deck}"
            what = "file" if deck in data.files else "sample"
            count = f"the one {what}" if len(keys) == 1 else f"all {len(keys):,} {what}s"
            raise DataError(
                f"--held-out {share:g} would hold out {count} of {data.name}{side} and leave none to learn from; "
                "give a smaller share, or more data"
            )
    return tuple(found)


def split(data: Dataset, names: Collection[str]) -> Split:
    """The data without what is called so, and that alone; whatever the endings of the names.

    Raises:
        DataError: one of the parts would be empty.
    """
    keys = {without_ending(name) for name in names}
    rows = {}
    for deck in _decks(data):
        of = torch.tensor([without_ending(name) in keys for name in _names(data, deck)], dtype=torch.bool)
        rows[deck] = ((~of).nonzero()[:, 0], of.nonzero()[:, 0])
        if 0 in map(len, rows[deck]):
            raise DataError(
                f"the samples that were held out are {'all there are of' if len(rows[deck][1]) else 'gone from'} "
                f"{data.name}; put them back, or name other data"
            )
    needed = sum(field.source.nbytes for field in data.fields.values())
    memory.require(needed, f"{data.name} in two parts", "put what is held out into a folder of its own")
    return Split(*(_part(data, {deck: both[k] for deck, both in rows.items()}, k) for k in (0, 1)))


def _part(data: Dataset, rows: dict[str, Tensor], number: int) -> Dataset:
    fields = {name: field.at(rows[field.deck]) for name, field in data.fields.items()}
    mark = " ".join(f"{deck} {hashlib.sha256(own.numpy().data).hexdigest()}" for deck, own in rows.items())
    return replace(
        marked(data, f"rows {mark}"),
        fields=fields,
        parts={name: f"{part} rows {mark}" for name, part in data.parts.items()},
        formerly="",
        files={deck: tuple(data.files[deck][k] for k in rows[deck].tolist()) for deck in data.files},
        problems=data.problems if number == 0 else (),
        notes=data.notes if number == 0 else (),
    )


def _decks(data: Dataset) -> tuple[str, ...]:
    return tuple(dict.fromkeys(field.deck for field in data.fields.values()))


def _names(data: Dataset, deck: str) -> tuple[str, ...]:
    """Of each row of a deck: its file, or its number."""
    if deck in data.files:
        return data.files[deck]
    count = next(len(field) for field in data.fields.values() if field.deck == deck)
    return tuple(map(str, range(count)))


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(without_ending(name).encode()).digest()[:8], "big")
