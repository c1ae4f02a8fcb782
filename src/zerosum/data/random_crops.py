"""Images of which training sees a crop at a random place each time, and all else the one in the middle.

The authors of pix2pix and CycleGAN scale images to 286 pixels and learn from crops of 256. `Field.whole` has the images
that `data.stream` draws crops of; `Field.stored`, what pictures, the monitor and evaluations look at, is their middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor

from zerosum.data.dataset import DataError, Dataset, Field, marked, middle
from zerosum.modality import Image

AUTHORS = 286 / 256  # a side of the images, by one of the crops; Isola et al., 2017, section 6.2

Size = tuple[int, int]  # (H, W)


def with_crops(data: Dataset, size: Size) -> Dataset:
    """The same images, of which crops of `size` (H, W) are drawn: at one place in all that belong together.

    Where these have several sizes, as the pairs of super-resolution have, `size` is of the crops of the largest.

    Raises:
        DataError: the data holds no images, or none that are larger, or two collections of several sizes; or a smaller
            partner has no such crops.
    """
    images = {name: field for name, field in data.fields.items() if isinstance(field.modality, Image)}
    if not images:
        raise DataError(f"{data.name} holds {data.modality.plural}, of which there are no crops; leave --crop out")
    if min(size) < 1:
        raise DataError(f"a crop of {_text(size)} pixels is empty; give a height and a width of at least 1")
    sizes: dict[str, list[Size]] = {}
    for field in images.values():
        sizes.setdefault(field.deck, []).append(_size_of(field.stored))
    if len(largest := sorted({max(of_deck) for of_deck in sizes.values()})) > 1:
        raise DataError(
            f"the images of {data.name} are of {' and of '.join(map(_text, largest))} pixels, and crops are of images "
            "of one size: bring them to one by --size"
        )
    cropped = {name: _cropped(data.name, field, sizes[field.deck], size) for name, field in images.items()}
    if all(_spare(field) == (0, 0) for field in cropped.values()):
        raise DataError(f"crops of {_text(size)} pixels are the whole images of {data.name}: {_cure(size)}")
    mark = f"crops {_text(size)}"
    parts = {name: f"{part} {mark}" if name in cropped else part for name, part in data.parts.items()}
    return replace(marked(data, mark), fields={**data.fields, **cropped}, parts=parts, formerly="")


def places(field: Field, count: int, generator: Generator) -> Tensor:
    """Where crops are taken: (count, 2) int64, top and left, in units of the field.

    Fields that belong together have as many units, and so the same places by generators of one seed.
    """
    return torch.stack([torch.randint(n // field.unit + 1, (count,), generator=generator) for n in _spare(field)], 1)


def crops(field: Field, whole: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """Those of `rows` (B,) of a field's `whole` images, on whatever device these are: (B, C, H, W) as stored."""
    height, width = _size_of(field.stored)
    top, left = (field.unit * places).to(whole.device)[..., None].unbind(1)  # (B, 1)
    down, across = (start + torch.arange(side, device=whole.device) for start, side in ((top, height), (left, width)))
    return whole[rows[:, None, None], :, down[:, :, None], across[:, None, :]].movedim(3, 1)


def _cropped(name: str, field: Field, of_deck: Sequence[Size], size: Size) -> Field:
    """A field with crops, those of the largest images of its deck being of `size`."""
    whole, largest, smallest = _size_of(field.stored), max(of_deck), min(of_deck)
    if size[0] > largest[0] or size[1] > largest[1]:
        raise DataError(
            f"a crop of {_text(size)} pixels does not fit into images of {_text(largest)}, as those of {name} are: "
            f"{_cure(size)}"
        )
    factor, unit = largest[0] // whole[0], whole[0] // smallest[0]
    for one, other, k in ((largest, whole, factor), (whole, smallest, unit)):
        if (k * other[0], k * other[1]) != one:
            raise DataError(
                f"images of {_text(one)} and {_text(other)} pixels belong together in {name}: neither is a multiple of "
                "the other, so they have no crops in common; bring them to one size by --size"
            )
    if size[0] % factor or size[1] % factor:
        near = " ".join(str(max(1, side // factor) * factor) for side in size)
        raise DataError(
            f"a crop of {_text(size)} pixels has no counterpart in the images of {name} that are {factor} times "
            f"smaller: say --crop {near}"
        )
    own = size[0] // factor, size[1] // factor
    modality = Image(field.stored.shape[1], *own)
    return replace(field, modality=modality, stored=middle(field.stored, own, unit), whole=field.stored, unit=unit)


def _spare(field: Field) -> Size:
    """By how many pixels the whole images are larger than the crops."""
    (height, width), (own_height, own_width) = _size_of(field.source), _size_of(field.stored)
    return height - own_height, width - own_width


def _size_of(stored: Tensor) -> Size:
    return stored.shape[2], stored.shape[3]


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _cure(crop: Size) -> str:
    larger = dict.fromkeys(math.ceil(side * AUTHORS) for side in crop)
    sides = crop if len(larger) > 1 else crop[:1]
    return f"choose a smaller --crop, or larger images: --size {' '.join(str(math.ceil(s * AUTHORS)) for s in sides)}"
