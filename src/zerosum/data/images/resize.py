"""Bring images that are in memory already to another size."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from zerosum.data.dataset import DataError, Dataset, Field, fingerprint_of, marked
from zerosum.modality import Image
from zerosum.util import memory

CHUNK, ROOM = 4096, 1 << 26  # images, and pixels, that are scaled at once, unless one has more


def resized(data: Dataset, size: tuple[int, int]) -> Dataset:
    """The images at `size` (H, W): scaled (bicubic, antialiased) until they cover it, cropped in the centre.

    Of images that crops are drawn of, their middles are, and no more crops are drawn.

    Raises:
        DataError: the data holds no images.
    """
    images = {name: (field, field.modality) for name, field in data.fields.items() if isinstance(field.modality, Image)}
    if not images:
        raise DataError(
            f"{data.name} holds {data.modality.plural}, which have no size of {size[0]}x{size[1]} pixels; give images, "
            "or leave --size out"
        )
    channels = sum(len(field) * image.channels for field, image in images.values() if image.size != size)
    # All of them twice, in parts and put together, and one in floats.
    needed = math.prod(size) * (2 * channels + 16 * max(image.channels for _, image in images.values()))
    if channels:
        memory.require(needed, f"{data.name} at {size[0]}x{size[1]} pixels", "choose a smaller --size")
    largest = max(math.prod(size), *(math.prod(image.size) for _, image in images.values()))
    chunk = max(1, min(CHUNK, ROOM // largest))
    changed = {
        name: Field(
            Image(image.channels, *size),
            torch.cat([_cover(part, size) for part in field.stored.split(chunk)]),
            field.deck,
        )
        for name, (field, image) in images.items()
        if image.size != size
    }
    if not changed:
        return data
    parts = {name: f"{fingerprint_of(part)} {size}" for name, part in data.parts.items()}
    return replace(marked(data, f"{size}"), fields={**data.fields, **changed}, parts=parts)


def _cover(x: Tensor, size: tuple[int, int]) -> Tensor:
    (height, width), (h, w) = size, x.shape[2:]
    scale = max(height / h, width / w)
    covered = (max(height, round(h * scale)), max(width, round(w * scale)))
    x = interpolate(x, covered, mode="bicubic", antialias=True)
    top, left = (covered[0] - height) // 2, (covered[1] - width) // 2
    return x[:, :, top : top + height, left : left + width].contiguous()
