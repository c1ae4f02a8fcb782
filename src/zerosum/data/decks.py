"""Which rows of which fields a batch is drawn from: fields of one deck belong together, decks are independent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zerosum.batches import Labelled, Paired, PartlyLabelled, Unpaired, field_names
from zerosum.data.dataset import HINT, DataError, Dataset, Field
from zerosum.modality import Classes

LABELLED = "labelled"  # the deck of the samples whose class is known, where others are drawn beside them


@dataclass(frozen=True, eq=False)
class Decks:
    """The fields of a batch by name, and the rows of each deck that they are drawn from."""

    fields: Mapping[str, Field]
    rows: Mapping[str, Tensor]  # (N,) int64 of each deck

    @property
    def main(self) -> str:
        """The deck that an epoch is counted by: the longest."""
        return max(self.rows, key=lambda deck: len(self.rows[deck]))


def deal(data: Dataset, batch: type, drawer: str = "the game") -> Decks:
    """The decks that a game's batch is filled from.

    `Labelled` batches are of the samples whose class is known alone; of `PartlyLabelled` ones, `x` and `y` are a deck
    of these, and `unlabelled` is of all; where every class is known, both are the same field.

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
    wanted = field_names(batch)
    if missing := [name for name in wanted if name not in fields]:
        if missing == ["y"] or (batch is PartlyLabelled and "y" in missing):
            raise DataError(f"{data.name} has no labels, but {drawer} learns from them; {HINT}")
        *most, last = wanted
        drawn = f"{', '.join(most)} and {last}" if most else last
        raise DataError(f"{drawer} draws {drawn}; {data.name} has {', '.join(data.fields)}")
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
    if any(len(known) == 0 for known in rows.values()):
        raise DataError(f"{data.name} has no labels, but {drawer} learns from them; {HINT}")
    return Decks(dealt, rows)


def is_partly_labelled(data: Dataset, batch: type) -> bool:
    """Whether some of the data is without the label that this batch wants."""
    return batch in (Labelled, PartlyLabelled) and data.y is not None and bool((data.y < 0).any())


def _known(fields: list[Field]) -> Tensor:
    """The rows that every field of a deck has: those whose classes are known."""
    known = torch.ones(len(fields[0]), dtype=torch.bool)
    for field in fields:
        if isinstance(field.modality, Classes):
            known &= field.stored >= 0
    return known.nonzero()[:, 0]
