"""One image file of any kind as one uint8 array."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from zerosum.data.dataset import Problem
from zerosum.util.memory import is_failure, require

# Pillow could open more, some of it (EPS) by running other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA")
BLOCK = 128  # images in memory at once, at most
ROOM = 1 << 28  # bytes that they may take, unless one takes more
ROTATED = 0x0112  # the EXIF tag of the orientation; from 5 on, height and width are exchanged

Pixels = NDArray[np.uint8]
T = TypeVar("T")


class Probe(NamedTuple):
    """What a file's header says."""

    height: int
    width: int
    mode: str  # Pillow's name, such as RGB
    grey: bool  # has no colour by its mode or palette


class Encoded(NamedTuple):
    """An image that is still to be decoded."""

    path: str  # as problems name it
    label: int
    file: Path | bytes


class Row(NamedTuple):
    """A decoded image."""

    path: str
    label: int
    pixels: Pixels  # (C, H, W)


def probe(item: Encoded) -> Probe | Problem:
    """What the header of one file says, upright as EXIF wants it; or why it cannot be used."""
    try:
        with _open(item.file) as image:
            # Pillow would decode a whole PNG in search of EXIF that stands behind the pixels.
            known = image.format != "PNG" or "exif" in image.info
            turned = known and image.getexif().get(ROTATED, 1) >= 5
            width, height = reversed(image.size) if turned else image.size
            return Probe(height, width, image.mode, _is_grey(image))
    except Exception as error:  # a decoder may raise anything on a broken file
        if is_failure(error):  # it may be sound
            raise
        return Problem(item.path, _reason(error))


def decode(item: Encoded, channels: int, size: tuple[int, int], halves: bool = False) -> Row | Problem:
    """One image of `size` (H, W) with 1 or 3 channels; or why it cannot be used.

    It is turned as EXIF says, laid over white where it is transparent, scaled (Lanczos) until it covers the size,
    and cropped in the centre; of `halves`, each half alone. 16-bit values are scaled to 8 bits, not clipped.
    """
    height, width = size
    try:
        with _open(item.file) as image:
            longer = 2 * max(size)
            image.draft(None, (longer, longer))  # a large JPEG is decoded small, still twice what is needed
            ImageOps.exif_transpose(image, in_place=True)
            flat, mode = _opaque(image), "L" if channels == 1 else "RGB"
            if flat.mode != mode:
                flat = flat.convert(mode)
            parts, arrays = _halves(flat) if halves else [flat], []
            part_size = (width // len(parts), height)
            for part in parts:
                fitted = part if part.size == part_size else ImageOps.fit(part, part_size, Image.Resampling.LANCZOS)
                arrays.append(np.asarray(fitted).reshape(*part_size[::-1], channels))
            pixels = np.concatenate(arrays, axis=1).transpose(2, 0, 1)
            return Row(item.path, item.label, np.ascontiguousarray(pixels))
    except Exception as error:  # a decoder may raise anything on a broken file
        if is_failure(error):  # it may be sound
            raise
        return Problem(item.path, _reason(error))


def probe_all(items: Iterable[Encoded]) -> Iterator[Probe | Problem]:
    """`probe` of each, in order, on all processors."""
    yield from _parallel(probe, items, BLOCK)


def decode_all(
    items: Iterable[Encoded], channels: int, size: tuple[int, int], halves: bool = False
) -> Iterator[Row | Problem]:
    """`decode` of each, in order, on all processors; `OutOfMemoryError` where a few at once would not fit."""
    bytes_of_one = channels * math.prod(size)
    block, workers = max(1, min(BLOCK, ROOM // bytes_of_one)), os.cpu_count() or 1
    needed = bytes_of_one * (block + 4 * min(block, workers))  # scaled in two passes, and copied
    require(needed, f"decoding images of {size[0]}x{size[1]} pixels", "choose a smaller --size")
    yield from _parallel(lambda item: decode(item, channels, size, halves), items, block)


def _parallel(function: Callable[[Encoded], T], items: Iterable[Encoded], size: int) -> Iterator[T]:
    # Threads, because Pillow decodes and scales outside the interpreter's lock: no start-up, no pickling, and a
    # caller's script needs no __main__ guard.
    pending = iter(items)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while block := list(islice(pending, size)):
            # Pillow only warns of images of 90 to 180 megapixels; damaged EXIF, which it warns of too, is harmless.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                results = list(pool.map(function, block))
            yield from results


def _open(file: Path | bytes) -> Image.Image:
    if (file.stat().st_size if isinstance(file, Path) else len(file)) == 0:
        raise ValueError("the file is empty")
    return Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def _opaque(image: Image.Image) -> Image.Image:
    """The image in an 8-bit mode without transparency."""
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        top = 1.0 if image.mode == "F" else 65535.0
        if not (values.min() >= 0 and values.max() <= top):
            raise ValueError(f"{image.mode} pixels from {values.min():g} to {values.max():g}, outside [0, {top:g}]")
        return Image.fromarray((values * (255 / top) + 0.5).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image


def _halves(image: Image.Image) -> list[Image.Image]:
    """The left half and the right, without the column between them where the width is odd."""
    width, height = image.size
    if width < 2:
        raise ValueError("it is one pixel wide and has no halves")
    return [image.crop((left, 0, left + width // 2, height)) for left in (0, width - width // 2)]


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or damaged from its first bytes on"
    if isinstance(error, PermissionError):
        return "permission denied"
    return str(error) or type(error).__name__
