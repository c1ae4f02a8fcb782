"""One image file of any kind as one uint8 array."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, _imaging

from zerosum.data.dataset import Problem
from zerosum.data.images import depth
from zerosum.data.images.depth import Values
from zerosum.data.request import AS_STORED, Frames, Reading
from zerosum.util.memory import OutOfMemoryError, available, is_failure, require

# Pillow could open more, some of it (EPS) by running other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA")
BLOCK = 128  # images in memory at once, at most
ROOM = 1 << 28  # bytes that they may take, unless one takes more
BUDGET = 1 << 30  # bytes that decoding takes at once, of all threads, unless one image takes more
SHARE = 0.25  # of the memory that is free, where that is less
# Bytes that a pixel takes while it is decoded and brought to 8 bits: tests/data/images/test_memory.py measures them.
STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # in Pillow, by mode; others: 4
DECODING = {"JPEG2000": 16, "WEBP": 8, "AVIF": 4}  # of the decoder itself, by format; others work line by line
PROGRESSIVE = 6  # of a JPEG whose lines are complete at its end only, for each pixel that is stored
IN_16_BITS = 40  # bytes that a pixel takes while it is brought to 16 bits: of RGBA, which takes most, 37 were measured
ROTATED = 0x0112  # the EXIF tag of the orientation; from 5 on, height and width are exchanged
SEVERAL = ("TIFF", "GIF", "WEBP", "PNG", "AVIF")  # whose pages or frames are pictures; those of MPO are depths, gains
SIDES = 256, 257  # the TIFF tags of the width and the height that are stored
SUBFILE, NO_PAGE = 254, 1 | 4  # the TIFF tag, and its bits of a preview and of a mask

Pixels = NDArray[np.uint8]
Deep = NDArray[np.uint16]
ImageFile = Any  # an opened file, of a class of Pillow's with what its format has beyond others
T = TypeVar("T")


class Probe(NamedTuple):
    """What a file's header says."""

    height: int
    width: int
    mode: str  # Pillow's name, such as RGB
    grey: bool  # has no colour by its mode or palette
    frames: tuple[int, ...] = (0,)  # the numbers of those that are pictures


class Encoded(NamedTuple):
    """An image that is still to be decoded."""

    path: str  # as problems name it
    label: int
    file: Path | bytes
    frame: int = 0
    of: int = 1  # frames in the file

    @property
    def name(self) -> str:
        """Of the image: `stack.tif`, or of a frame beyond the first, `stack[2].tif`."""
        return frame_name(self.path, self.frame)


class Row(NamedTuple):
    """A decoded image."""

    path: str
    label: int
    pixels: Pixels  # (C, H, W)
    frame: int = 0
    of: int = 1  # frames in the file
    values: Values | None = None  # where it had more than 8 bits, or a range was asked for


class Whole(NamedTuple):
    """A decoded image at its own size, upright."""

    path: str
    pixels: Pixels | Deep  # (C, H, W): of 16 bits, where the file has more than 8; laid over white where transparent
    opacity: Pixels | Deep | None  # (H, W) of as many bits, where some of it is transparent
    frame: int = 0
    of: int = 1  # frames in the file
    values: Values | None = None  # where it had more than 8 bits, or a range was asked for


def frame_name(path: str, frame: int) -> str:
    """The name of one of several frames of a file, from 0 on, of which the first has the file's."""
    if frame == 0:
        return path
    stem, ending = os.path.splitext(path)
    return f"{stem}[{frame + 1}]{ending}"


def probe(item: Encoded) -> Probe | Problem:
    """What the header of one file says, upright as EXIF wants it; or why it cannot be used."""
    return _each([item], _probed)[0]


def decode(
    item: Encoded, channels: int, size: tuple[int, int], halves: bool = False, reading: Reading = AS_STORED
) -> Row | Problem:
    """One image of `size` (H, W) with 1 channel, 3, or 4: RGBA; or why it cannot be used.

    It is turned as EXIF says, laid over white where it is transparent, scaled (Lanczos) until it covers the size,
    and cropped in the centre; of `halves`, each half alone. Values of more than 8 bits are scaled to 8, not clipped,
    unless `reading` has a range of values. With 4 channels, what is transparent stays so: colours are as files have
    them, not multiplied by the opacity, and weighted by it where they are scaled.
    """
    return _each([item], _decoder(channels, size, halves, reading, Budget()))[0]


def decode_whole(item: Encoded, channels: int, reading: Reading = AS_STORED) -> Whole | Problem:
    """One image at its own size, and what is transparent in it; or why it cannot be used.

    Of 8 bits as `decode` gives it, with `channels`. Of more bits in 16, with 1 or 3 channels, as the file has them, or
    4 where so many are wanted, which have the opacity as their last.
    """

    def read(image: ImageFile, item: Encoded, several: bool) -> Whole:
        if _is_deep(image) or _has_deep_colour(image) or _has_deep_alpha(image):
            return _whole_in_16_bits(image, item, channels, reading)
        what = f"decoding {item.name} of {image.width:,}x{image.height:,} pixels"
        require(_memory_of(image), what, "make the image smaller")
        upright, values = _upright(image, item, reading, several)
        opacity = None
        if upright.has_transparency_data and channels < 4:
            opacity = np.asarray(upright.convert("RGBA").getchannel("A"))
            upright = _over_white(upright)
        size = upright.height, upright.width
        pixels, values = _shaped(upright, values, channels, size, False, reading)
        faint = opacity is not None and bool((opacity < 255).any())
        return Whole(item.path, pixels, opacity if faint else None, item.frame, item.of, values)

    return _each([item], read)[0]


def _whole_in_16_bits(image: ImageFile, item: Encoded, channels: int, reading: Reading) -> Whole:
    """An opened image of more than 8 bits: each of its files' bytes is decoded once."""
    size = image.width * image.height
    require(size * IN_16_BITS, f"{item.name} of {image.width:,}x{image.height:,} pixels", "make the image smaller")
    meaning, values, opacity = depth.meaning_of(image, item.file), None, None
    clear = _transparent_value(image)
    if _has_deep_colour(image):
        lower, upper = _lower_bytes(item), ImageOps.exif_transpose(image)
        values = depth.values_of_colour(upper, lower, meaning, reading)
        stored = (np.asarray(upper).astype(np.uint16) * 256 + np.asarray(lower)).transpose(2, 0, 1)
        pixels, opacity = depth.to_16_bits(stored[:3], values), stored[3] if len(stored) > 3 else None
    else:
        grey, opacity = _grey_and_opacity(item) if _has_deep_alpha(image) else (ImageOps.exif_transpose(image), None)
        values, stored = depth.values_of_grey(grey, meaning, reading), np.asarray(grey)[None]
        pixels = depth.to_16_bits(stored, values, meaning is not None and meaning.inverted)
    if clear is not None:
        opacity = depth.opacity(stored, clear) * np.uint16(depth.TOP)
    if channels == 4:
        last = np.full(pixels.shape[1:], depth.TOP, np.uint16) if opacity is None else opacity
        pixels, opacity = np.stack([*np.broadcast_to(pixels, (3, *last.shape)), last]), None
    if opacity is not None and (opacity == depth.TOP).all():
        opacity = None
    if opacity is not None:
        _lay_over_white(pixels, opacity)
    return Whole(item.path, pixels, opacity, item.frame, item.of, values)


def probe_all(items: Iterable[Encoded]) -> Iterator[Probe | Problem]:
    """`probe` of each, in order, on all processors."""
    yield from _parallel(_probed, items, BLOCK)


def decode_all(
    items: Iterable[Encoded],
    channels: int,
    size: tuple[int, int],
    halves: bool = False,
    reading: Reading = AS_STORED,
) -> Iterator[Row | Problem]:
    """`decode` of each, in order, on all processors; `OutOfMemoryError` where a few at once would not fit.

    Images that are large as they are stored wait for one another, so that decoding takes BUDGET at most.
    """
    bytes_of_one = channels * math.prod(size)
    block, workers = max(1, min(BLOCK, ROOM // bytes_of_one)), os.cpu_count() or 1
    needed = bytes_of_one * (block + 4 * min(block, workers))  # scaled in two passes, and copied
    require(needed, f"decoding images of {size[0]}x{size[1]} pixels", "choose a smaller --size")
    yield from _parallel(_decoder(channels, size, halves, reading, Budget()), items, block)


def with_frames(
    items: Sequence[Encoded], probes: Sequence[Probe | Problem], frames: Frames
) -> tuple[list[Encoded], list[Probe | Problem]]:
    """Files with their headers, as the images that are taken of them: of several frames the first, or each."""
    taken, found = [], []
    for item, header in zip(items, probes, strict=True):
        numbers = header.frames if isinstance(header, Probe) else (0,)
        own = [item._replace(frame=n, of=len(numbers)) for n in (numbers[:1] if frames == "first" else numbers)]
        taken += own
        found += [header, *probe_all(own[1:])]
    return taken, found


class Budget:
    """Bytes that threads share: each waits until its own are free; more than there are at all are taken alone."""

    def __init__(self) -> None:
        left = available()
        self.total = self.free = BUDGET if left is None else min(BUDGET, max(1, int(SHARE * left)))
        self.changed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        share = min(count, self.total)
        with self.changed:
            self.changed.wait_for(lambda: self.free >= share)
            self.free -= share
        try:
            yield
        finally:
            with self.changed:
                self.free += share
                self.changed.notify_all()


def _probed(image: ImageFile, item: Encoded, several: bool) -> Probe:
    # Pillow 13 gives a TIFF's size as it is seen, older ones as it is stored; that of other files is the stored one.
    width, height = (int(image.tag_v2[side]) for side in SIDES) if image.format == "TIFF" else image.size
    width, height = (height, width) if _turn(image) >= 5 else (width, height)
    own = (
        height,
        width,
        image.mode,
        _is_grey(image) or (image.format == "GIF" and item.frame > 0 and _is_equal(image)),
    )
    return Probe(*own, _frames(image) if item.frame == 0 else (item.frame,))


def _turn(image: ImageFile) -> int:
    """How it is turned: the number that EXIF has for it, 1 for not at all."""
    # Pillow would decode a whole PNG in search of EXIF that stands behind the pixels.
    known = image.format != "PNG" or "exif" in image.info
    return int(image.getexif().get(ROTATED, 1)) if known else 1


def _frames(image: ImageFile) -> tuple[int, ...]:
    """The numbers of the frames of a file that are pictures; the first alone where it is damaged further on."""
    if image.format not in SEVERAL:
        return (0,)
    try:
        count = int(getattr(image, "n_frames", 1))
        if image.format != "TIFF":
            return tuple(range(count))
        return (0, *(n for n in range(1, count) if _is_page(image, n)))
    except Exception as error:
        if is_failure(error):
            raise
        return (0,)


def _is_page(image: ImageFile, number: int) -> bool:
    image.seek(number)
    return not int(image.tag_v2.get(SUBFILE, 0)) & NO_PAGE


def _decoder(
    channels: int, size: tuple[int, int], halves: bool, reading: Reading, budget: Budget
) -> Callable[[ImageFile, Encoded, bool], Row]:
    def decoded(image: ImageFile, item: Encoded, several: bool) -> Row:
        longer = 2 * max(size)
        image.draft(None, (longer, longer))  # a large JPEG is decoded small, still twice what is needed
        needed = _memory_of(image)
        require(needed, f"decoding {item.name} of {image.width:,}x{image.height:,} pixels", "make the image smaller")
        with budget.taken(needed):
            flat, values = _upright(image, item, reading, several)
            flat = _over_white(flat) if flat.has_transparency_data and channels < 4 else flat
            pixels, values = _shaped(flat, values, channels, size, halves, reading)
            del flat
            if not several:
                image.close()  # gives its pixels back before others take as many
        return Row(item.path, item.label, pixels, item.frame, item.of, values)

    return decoded


def _shaped(
    flat: Image.Image, values: Values | None, channels: int, size: tuple[int, int], halves: bool, reading: Reading
) -> tuple[Pixels, Values | None]:
    """An image of 8 bits as (C, H, W), and what its values were; it is opaque, unless C is 4."""
    (height, width), mode = size, {1: "L", 4: "RGBA"}.get(channels, "RGB")
    if (
        flat.mode not in ("L", mode) or flat.has_transparency_data
    ):  # grey is scaled as grey: three equal channels would be scaled alike
        flat = flat.convert(mode)
    if values is None and reading.value_range is not None:
        flat, values = depth.shallow(flat, reading)
    parts, arrays = _halves(flat) if halves else [flat], []
    part_size = (width // len(parts), height)
    for part in parts:
        fitted = part if part.size == part_size else ImageOps.fit(part, part_size, Image.Resampling.LANCZOS)
        fitted = fitted if fitted.mode == mode else fitted.convert(mode)
        arrays.append(np.asarray(fitted).reshape(*part_size[::-1], channels))
    return np.ascontiguousarray(np.concatenate(arrays, axis=1).transpose(2, 0, 1)), values


def _memory_of(image: ImageFile) -> int:
    """Bytes that decoding an opened image takes, those of a progressive JPEG's lines, too."""
    return _bytes(image) + (PROGRESSIVE * image.width * image.height if "progressive" in image.info else 0)


def _bytes(image: ImageFile) -> int:
    """Of memory, that decoding an opened image takes, and bringing it to 8 bits without transparency."""
    width, height = image.size
    stored = STORED.get(image.mode, 4)
    changed = 1 if _is_deep(image) else 4
    turned = 0 if _turn(image) == 1 else stored
    deep = 8 if _has_deep_colour(image) else 0
    return width * height * (stored + changed + turned + deep + DECODING.get(image.format or "", 0))


def _parallel(
    function: Callable[[ImageFile, Encoded, bool], T], items: Iterable[Encoded], size: int
) -> Iterator[T | Problem]:
    # Threads, because Pillow decodes and scales outside the interpreter's lock: no start-up, no pickling, and a
    # caller's script needs no __main__ guard.
    pending = iter(items)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while block := list(islice(pending, size)):
            # Frames of one file go through one thread in their order: each builds on those before.
            files = [list(own) for _, own in groupby(block, key=lambda item: id(item.file))]
            # Pillow only warns of images of 90 to 180 megapixels; damaged EXIF, which it warns of too, is harmless.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                results = list(pool.map(lambda own: _each(own, function), files))
            yield from chain.from_iterable(results)


def _each(items: Sequence[Encoded], function: Callable[[ImageFile, Encoded, bool], T]) -> list[T | Problem]:
    """The function of each of some frames of one file, in their order."""
    results: list[T | Problem] = []
    try:
        with _open(items[0].file) as image:
            for item in items:
                try:
                    _go_to(image, item.frame)
                    results.append(function(image, item, len(items) > 1))
                except Exception as error:  # a decoder may raise anything on a broken file
                    if _lacks_memory(error) and not _had_room(image, error):  # it may be sound
                        raise
                    results.append(Problem(item.name, _reason(error)))
    except Exception as error:
        if _lacks_memory(error):
            raise
        results += [Problem(item.name, _reason(error)) for item in items[len(results) :]]
    return results


def _lacks_memory(error: Exception) -> bool:
    return isinstance(error, OutOfMemoryError) or is_failure(error)


def _had_room(image: ImageFile, error: Exception) -> bool:
    """Whether all that its pixels take was free, and more: a damaged file asks for what nobody has."""
    left = available()
    return isinstance(error, MemoryError) and left is not None and left > 1.5 * _bytes(image)


def _go_to(image: ImageFile, frame: int) -> None:
    if frame == 0 and image.format not in SEVERAL:
        return
    image.seek(frame)
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and math.prod(image.size) > most:  # Pillow looks at the first frame alone
        raise ValueError(f"frame {frame + 1} of {math.prod(image.size):,} pixels exceeds limit of {most:,} pixels")


@cache
def _hush() -> None:
    """Let Pillow, and libtiff that it reads TIFFs with, not print what they think of damaged files: it is raised, too.

    By libtiff's own switches, once: to turn standard error away for a while would take what other threads write there.
    Where they are out of reach, as in a Pillow that holds the library within itself, it goes on printing.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            switch = getattr(library, name)
            switch.argtypes, switch.restype = [ctypes.c_void_p], ctypes.c_void_p
            switch(None)


def _open(file: Path | bytes) -> ImageFile:
    _hush()
    if (file.stat().st_size if isinstance(file, Path) else len(file)) == 0:
        raise ValueError("the file is empty")
    try:
        image = Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)
    except MemoryError as error:  # to read a header takes none: it promises gigabytes that are not there
        raise ValueError("its header promises more than any memory holds") from error
    if image.format == "TIFF":
        image.filename = (
            ""  # Pillow maps one that is not compressed into memory, and mixes up its sides if it is turned
        )
    return image


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def _is_deep(image: Image.Image) -> bool:
    """Whether it has one value of more than 8 bits for each pixel."""
    return image.mode == "F" or image.mode.startswith("I")


def _has_deep_colour(image: ImageFile) -> bool:
    """Whether the file of an opened image has 16 bits for each colour, of which Pillow reads the upper 8."""
    orders = [f"{tile.args}" for tile in image.tile]  # of bytes: RGB;16B
    return image.mode in ("RGB", "RGBA") and any(";16" in order and "LA" not in order for order in orders)


def _has_deep_alpha(image: ImageFile) -> bool:
    """Whether the file of an opened image is grey and transparent in 16 bits, of which Pillow reads the upper 8."""
    return any("LA;16" in f"{tile.args}" for tile in image.tile)


def _transparent_value(image: ImageFile) -> tuple[int, ...] | None:
    """The pixel, of one value or three of 16 bits, that the chunk tRNS of an opened PNG makes transparent.

    Of 8 bits Pillow makes it so itself.
    """
    found = image.info.get("transparency")
    if found is None or image.format != "PNG" or not (_is_deep(image) or _has_deep_colour(image)):
        return None
    return found if isinstance(found, tuple) else (int(found),)


def _is_equal(image: ImageFile) -> bool:
    """Whether all channels have the same pixels: what Pillow makes of later frames of a grey GIF."""
    pixels = np.asarray(image.convert("RGB"))
    return bool((pixels == pixels[..., :1]).all())


def _upright(image: ImageFile, item: Encoded, reading: Reading, several: bool) -> tuple[Image.Image, Values | None]:
    """The image upright, in an 8-bit mode, and what its values were if they had more bits."""
    deep, deep_colour, deep_alpha = _is_deep(image), _has_deep_colour(image), _has_deep_alpha(image)
    meaning = depth.meaning_of(image, item.file) if deep or deep_colour or deep_alpha else None
    clear, lower = _transparent_value(image), None
    by_both = bool(meaning) or (reading.value_range is not None and not depth.fits_bytes(reading))
    if deep_colour and (by_both or clear):
        lower = _lower_bytes(item)
    if deep_alpha and by_both:
        grey, opacity = _grey_and_opacity(item)
        made, values = depth.grey(grey, meaning, reading)
        return Image.merge("LA", [made, Image.fromarray((opacity >> 8).astype(np.uint8))]), values
    if several:  # the opened file goes on to another frame
        upright: Image.Image = ImageOps.exif_transpose(image)
    else:
        ImageOps.exif_transpose(image, in_place=True)
        upright = image
    if not deep and not deep_colour:
        return upright, None
    if deep:
        made, values = depth.grey(upright, meaning, reading)
    else:
        made, values = depth.colour(upright, lower if by_both else None, meaning, reading)
    return (made if clear is None else depth.with_transparent(made, upright, lower, clear)), values


def _lower_bytes(item: Encoded) -> Image.Image:
    """What Pillow leaves out of 16 bits a colour: the lower 8."""
    with _open(item.file) as image:
        _go_to(image, item.frame)
        depth.swap_bytes(image)
        return ImageOps.exif_transpose(image)


def _grey_and_opacity(item: Encoded) -> tuple[Image.Image, Deep]:
    """Of an image of 16 bits grey and 16 transparent: the grey one, and how opaque each pixel is, (H, W)."""
    with _open(item.file) as image:  # the four bytes of a pixel, as if they were colours
        image._mode = "RGBA"
        image.tile = [tile._replace(args="RGBA" if isinstance(tile.args, str) else ("RGBA",)) for tile in image.tile]
        image.load()
        both = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
    return Image.fromarray(both[..., 0] * 256 + both[..., 1]), both[..., 2] * 256 + both[..., 3]


def _lay_over_white(pixels: Deep, opacity: Deep) -> None:
    """Lay (C, H, W) over white by (H, W), both of 0 to 65535, in place."""
    for _, top, _, bottom in depth.bands(*opacity.shape[::-1]):
        share = opacity[top:bottom] / depth.TOP
        pixels[:, top:bottom] = depth.TOP - (depth.TOP - pixels[:, top:bottom]) * share + 0.5


def _over_white(image: Image.Image) -> Image.Image:
    """A transparent image laid over white, band by band, so that few of its pixels are there several times."""
    flat = Image.new("RGB", image.size)
    for box in depth.bands(*image.size):
        rgba = image.crop(box).convert("RGBA")
        flat.paste(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"), box)
    return flat


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
