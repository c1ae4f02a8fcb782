"""What a game draws: a tensor of samples, or any named tuple of tensors. The stream fills its fields by their names.

Further batches need no place here: a game that says `Game[MyBatch]` gets the fields that `MyBatch` names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from torch import Tensor

B = TypeVar("B")  # a Tensor, the samples x alone; or a NamedTuple of tensors
Draw = Callable[[], B]  # the next batch, already on the device


class Labelled(NamedTuple):
    """Samples whose class is known, or whose vector."""

    x: Tensor  # (B, *shape)
    y: Tensor  # (B,) int64 classes, or (B, K) float32 vectors


class PartlyLabelled(NamedTuple):
    """Of partly labelled data. Where every sample has a class, `unlabelled` is `x`, the same tensor."""

    x: Tensor  # (B, *shape), of samples whose class is known
    y: Tensor  # (B,) int64, their classes
    unlabelled: Tensor  # (B, *shape), of all samples, without their classes


class Paired(NamedTuple):
    """Aligned pairs: row by row, `b` is what `a` is to become."""

    a: Tensor  # (B, *shape_a)
    b: Tensor  # (B, *shape_b)


class Unpaired(NamedTuple):
    """Of two collections, drawn independently."""

    a: Tensor  # (B, *shape_a)
    b: Tensor  # (B, *shape_b)


class Domains(NamedTuple):
    """Of two domains, drawn independently: the classes of the target's samples are not there to be read."""

    x: Tensor  # (B, *shape), of the source
    y: Tensor  # (B,) int64, their classes
    target: Tensor  # (B, *shape), of the target


class Styled(NamedTuple):
    """What a crowd does, and, drawn independently, what one player does whose style is wanted."""

    x: Tensor  # (B, *shape), states of the crowd
    y: Tensor  # (B,) int64, its moves
    state: Tensor  # (B, *shape), states of the player
    move: Tensor  # (B,) int64, the player's moves


class Captioned(NamedTuple):
    """Samples, and what is said of them."""

    x: Tensor  # (B, *shape)
    text: Tensor  # (B, length) int64: of each a caption, of several one at random
    wrong: Tensor  # (B, length) int64: for each a caption of another sample, that is none of its own


class NearCaptioned(NamedTuple):
    """The same, and wrong captions that are nearly right."""

    x: Tensor  # (B, *shape)
    text: Tensor  # (B, length) int64
    wrong: Tensor  # (B, length) int64
    near: Tensor  # (B, length) int64: such a wrong one that differs in a single word from one of its own, if there is


class Sequences(NamedTuple):
    """Texts, of one length or of several."""

    ids: Tensor  # (B, length) int64
    lengths: Tensor  # (B,) int64: tokens before the first <eos>


class Dialogue(NamedTuple):
    """Questions, and an answer to each."""

    question: Tensor  # (B, length) int64
    answer: Tensor  # (B, length) int64


CAPTIONED = (Captioned, NearCaptioned)  # whose samples are those that have a caption


def field_names(batch: type) -> tuple[str, ...]:
    """The fields that a batch is filled with; of a Tensor, "x" alone."""
    return ("x",) if batch is Tensor else tuple(batch._fields)  # type: ignore[attr-defined]


def samples_of(batch: Tensor | tuple[Tensor, ...], field: str = "x") -> Tensor:
    """The samples that D calls real: of partly labelled data all, else those of the field that it makes."""
    if isinstance(batch, PartlyLabelled):
        return batch.unlabelled
    if isinstance(batch, Tensor):
        return batch
    names = field_names(type(batch))
    return batch[names.index(field)] if field in names else batch[0]
