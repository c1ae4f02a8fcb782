"""Images of more than 8 bits a value: which values they hold, which become black and white, and these 8 bits.

A camera or a scanner often stores 12 bits in 16, of which the type's own range makes almost black. The range is what
the caller says, else what the file says (sBIT of PNG; BitsPerSample and MaxSampleValue of TIFF), else the type's. It is
never guessed from the pixels, which would make each file as bright as any other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zerosum.data.request import Reading

BAND = 1 << 17  # pixels that are brought to 8 bits at once, unless a row has more
TOP = 65535.0  # the largest value of whole numbers, where nothing says another; 1 of floats
BITS, PHOTOMETRIC, LEAST, MOST, LEAST_FLOAT, MOST_FLOAT = 258, 262, 280, 281, 340, 341  # tags of TIFF 6.0
WHITE_IS_ZERO = 0
HEAD = 1 << 16  # bytes of a PNG before its pixels among which sBIT is looked for

Box = tuple[int, int, int, int]  # left, top, right, bottom
By = Literal["type", "file", "option"]


class Meaning(NamedTuple):
    """What a file says of its own values."""

    black: float
    white: float
    bits: int = 0  # where PNG's sBIT says so: of 16
    inverted: bool = False  # 0 is white


class Values(NamedTuple):
    """The values that a file holds, and those that became black and white."""

    kind: str  # "16 bits", "32 bits", "floats", "16 bits a colour", "8 bits"
    low: float
    high: float
    black: float
    white: float
    by: By  # who said so


def meaning_of(image: Any, file: Path | bytes) -> Meaning | None:
    """What an opened file says of its values, of the frame that it is at; None where it says nothing, or nonsense."""
    if image.format == "PNG":
        bits = _significant_bits(file)
        return Meaning(0, 2**bits - 1, bits) if bits else None
    if image.format != "TIFF":
        return None
    tags = image.tag_v2
    inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    bits = int(_largest(tags.get(BITS)) or 0)
    if image.mode == "F":
        black, white, top = _largest(tags.get(LEAST_FLOAT)), _largest(tags.get(MOST_FLOAT)), 1.0
    else:
        black, white, top = _largest(tags.get(LEAST)), _largest(tags.get(MOST)), TOP
        if white is None and 8 < bits < 16:
            white = 2**bits - 1
    if white is None or not (black or 0) < white or (image.mode == "F" and black is None):
        return Meaning(0, top, inverted=True) if inverted else None
    return Meaning(black or 0, white, inverted=inverted)


def values_of_grey(image: Image.Image, meaning: Meaning | None, reading: Reading) -> Values:
    """Those of an image with one deep value a pixel.

    Raises:
        ValueError: it has values outside what its type is taken for, or that are not finite.
    """
    image.load()
    boxes = list(bands(*image.size))
    ends = [(float(part.min()), float(part.max())) for part in _parts(image, boxes)]
    if not all(math.isfinite(end) for both in ends for end in both):
        raise ValueError(f"{image.mode} pixels that are not finite; mend them, or leave the file out")
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    top = 1.0 if image.mode == "F" else TOP
    if meaning and meaning.bits and high < 2**meaning.bits and _is_scaled(meaning.bits, _parts(image, boxes)):
        meaning = None
    black, white, by = _chosen(meaning, reading, low, high, top)
    if by == "type" and not (low >= 0 and high <= top):
        raise ValueError(
            f"{image.mode} pixels from {low:g} to {high:g}, outside [0, {top:g}]; say which are black and white, as in "
            f"--value-range {min(low, 0):g} {high:g}"
        )
    kind = {"F": "floats", "I": "32 bits"}.get(image.mode, "16 bits")
    return Values(kind, low, high, black, white, by)


def grey(image: Image.Image, meaning: Meaning | None, reading: Reading) -> tuple[Image.Image, Values]:
    """An image with one deep value a pixel in 8 bits, rounded, and not clipped unless a range was asked for.

    Raises:
        ValueError: it has values outside what its type is taken for, or that are not finite.
    """
    found = values_of_grey(image, meaning, reading)
    ends_of_scale = (found.white, found.black) if meaning and meaning.inverted else (found.black, found.white)
    pixels = np.empty((image.height, image.width), np.uint8)
    for box in bands(*image.size):
        pixels[box[1] : box[3]] = to_bytes(np.asarray(image.crop(box)), *ends_of_scale)
    return Image.fromarray(pixels), found


def values_of_colour(
    upper: Image.Image, lower: Image.Image | None, meaning: Meaning | None, reading: Reading
) -> Values:
    """Those of an image of 16 bits a colour, of which `lower` holds the lower 8; without it, of the upper 8 alone."""
    parts = [(k, box) for k in range(3) for box in bands(*upper.size)]  # not of what is transparent
    ends = [(float(part.min()), float(part.max())) for part in (_both(upper, lower, *part) for part in parts)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if lower is None:
        return Values("16 bits a colour", max(0, low - 255), high, 0, TOP, "type")
    of_parts = (_both(upper, lower, *part) for part in parts)
    if meaning and meaning.bits and high < 2**meaning.bits and _is_scaled(meaning.bits, of_parts):
        meaning = None
    return Values("16 bits a colour", low, high, *_chosen(meaning, reading, low, high, TOP))


def colour(
    upper: Image.Image, lower: Image.Image | None, meaning: Meaning | None, reading: Reading
) -> tuple[Image.Image, Values]:
    """An image of 16 bits a colour: its upper 8 as they are, or both bytes scaled, where `lower` holds the others."""
    found = values_of_colour(upper, lower, meaning, reading)
    if found.by == "type" or lower is None:
        return upper, found
    pixels = np.empty((3, upper.height, upper.width), np.uint8)
    for k in range(3):
        for box in bands(*upper.size):
            pixels[k, box[1] : box[3]] = to_bytes(_both(upper, lower, k, box), found.black, found.white)
    channels = [Image.fromarray(channel) for channel in pixels]
    if upper.mode == "RGBA":
        channels.append(upper.getchannel(3))
    return Image.merge(upper.mode, channels), found


def opacity(stored: NDArray[Any], clear: tuple[int, ...]) -> NDArray[np.uint8]:
    """1 for each pixel of an image (C, H, W), and 0 for those of the value `clear`, which are transparent."""
    return (stored != np.reshape(np.array(clear, stored.dtype), (-1, 1, 1))).any(0).astype(np.uint8)


def with_transparent(
    made: Image.Image, stored: Image.Image, lower: Image.Image | None, clear: tuple[int, ...]
) -> Image.Image:
    """An image of 8 bits, L or RGB, with the opacity of what it was made of: of deep grey, or of colour's two bytes."""
    last = np.empty((stored.height, stored.width), np.uint8)
    for box in bands(*stored.size):
        if lower is None:
            part = np.asarray(stored.crop(box))[None]
        else:
            part = np.stack([_both(stored, lower, channel, box) for channel in range(3)])
        last[box[1] : box[3]] = opacity(part, clear) * np.uint8(255)
    clean = made.copy()  # without what Pillow would look for among 8 bits
    clean.info = {key: value for key, value in made.info.items() if key != "transparency"}
    clean.putalpha(Image.fromarray(last))
    return clean


def swap_bytes(image: Any) -> None:
    """Let Pillow read the lower byte of each colour of an opened image: as if its bytes were in the other order."""
    other = {"L": "B", "B": "L", "N": "B" if np.little_endian else "L"}
    tiles = []
    for tile in image.tile:
        raw = _raw(tile)
        swapped = raw[:-1] + other[raw[-1]]
        tiles.append(tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:])))
    image.tile = tiles


def shallow(image: Image.Image, reading: Reading) -> tuple[Image.Image, Values | None]:
    """An image of 8 bits, L, RGB or RGBA: as it is, unless a range of such values was asked for; its opacity always.

    A range that 8 bits cannot hold, such as 0 to 4095, is for other files of the folder.
    """
    if not fits_bytes(reading):
        return image, None
    assert reading.value_range is not None
    ends = _ends(image)[:3]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    table = to_bytes(np.arange(256), *reading.value_range).tolist()
    values = Values("8 bits", low, high, *reading.value_range, "option")
    bands = len(image.getbands())
    return image.point(table * min(bands, 3) + list(range(256)) * (bands == 4)), values


def fits_bytes(reading: Reading) -> bool:
    """Whether a range was asked for that values of 8 bits have."""
    asked = reading.value_range
    return asked is not None and asked[0] >= 0 and asked[1] <= 255 and all(end == int(end) for end in asked)


def bands(width: int, height: int) -> Iterator[Box]:
    """Boxes of whole rows that cover an image, of BAND pixels each."""
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(height, top + rows)


def to_bytes(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """Values to 0 for `black` and 255 for `white`, rounded; those beyond are cut off."""
    scaled = (values.astype(np.float64) - black) * (255 / (white - black))
    return (scaled.clip(0, 255) + 0.5).astype(np.uint8)


def to_16_bits(values: NDArray[Any], found: Values, inverted: bool = False) -> NDArray[np.uint16]:
    """Values to 0 for black and 65535 for white, rounded; those beyond are cut off. 16 bits stay what they are."""
    black, white = (found.white, found.black) if inverted else (found.black, found.white)
    made = np.empty(values.shape, np.uint16)
    for _, top, _, bottom in bands(values.shape[-1], values.shape[-2]):
        scaled = (values[..., top:bottom, :].astype(np.float64) - black) * (TOP / (white - black))
        made[..., top:bottom, :] = scaled.clip(0, TOP) + 0.5
    return made


def value_notes(found: Iterable[Values]) -> list[str]:
    """What was found in files of more than 8 bits, or of a range that was asked for, in sentences."""
    groups: dict[tuple[str, float, float, By], list[Values]] = defaultdict(list)
    for values in found:
        groups[values.kind, values.black, values.white, values.by].append(values)
    lines = []
    for (kind, black, white, by), own in sorted(groups.items(), key=lambda item: -len(item[1])):
        low, high = min(v.low for v in own), max(v.high for v in own)
        line = f"{_images(len(own))} of {kind} {'holds' if len(own) == 1 else 'hold'} values from {low:g} to {high:g}"
        scale = f"{black:g} became black and {white:g} white"
        if by == "option":
            beyond = sum(v.low < black or v.high > white for v in own)
            line += f"; {scale}" + (f", and values beyond were cut off in {beyond:,}" if beyond else "")
        elif by == "file":
            line += f"; {scale}, as {'the file says' if len(own) == 1 else 'the files say'}"
        elif 0 < high < white / 2:
            top = f"{high:g}" if kind == "floats" else str(2 ** max(1, math.ceil(math.log2(high + 1))) - 1)
            line += f" of {white:g}, and so {'is' if len(own) == 1 else 'are'} dark: --value-range 0 {top} makes the "
            line += f"largest white, if {top} is meant by it"
        else:
            line += f"; {scale}"
        lines.append(line)
    return lines


def _both(upper: Image.Image, lower: Image.Image | None, channel: int, box: Box) -> NDArray[np.uint16]:
    """Values of 16 bits from both bytes; without the lower one, the largest that they can be."""
    high_byte = np.asarray(upper.getchannel(channel).crop(box)).astype(np.uint16) * 256
    return high_byte + (255 if lower is None else np.asarray(lower.getchannel(channel).crop(box)))


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _chosen(meaning: Meaning | None, reading: Reading, low: float, high: float, top: float) -> tuple[float, float, By]:
    if reading.value_range is not None:
        return *reading.value_range, "option"
    if (
        meaning is not None
        and low >= meaning.black
        and high <= meaning.white
        and (meaning.black, meaning.white) != (0, top)
    ):
        return meaning.black, meaning.white, "file"  # where its values are others, it errs
    return 0.0, top, "type"


def _is_scaled(bits: int, parts: Iterable[NDArray[Any]]) -> bool:
    """Whether values below 2^bits are dark ones of 16 bits, as PNG wants them, of which the lower bits say nothing.

    Other programs write the values of `bits` bits as they are.
    """
    return all(not (part & (2 ** (16 - bits) - 1)).any() for part in parts)


def _parts(image: Image.Image, boxes: Iterable[Box]) -> Iterator[NDArray[Any]]:
    return (np.asarray(image.crop(box)) for box in boxes)


def _significant_bits(file: Path | bytes) -> int:
    """What the sBIT chunk of a PNG says, of its most exact colour; 0 where there is none below 16."""
    with BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
        head = stream.read(HEAD)
    deep, place = head[24:25] == b"\x10", 8
    while deep and place + 8 <= len(head):
        length, kind = int.from_bytes(head[place : place + 4], "big"), head[place + 4 : place + 8]
        if kind == b"sBIT":
            found = head[place + 8 : place + 8 + min(length, 3)]  # of grey and alpha, or red, green and blue
            bits = found[0] if length == 2 else max(found, default=0)
            return bits if 1 <= bits < 16 else 0
        if kind == b"IDAT":
            break
        place += 12 + length
    return 0


def _largest(tag: Any) -> float | None:
    """The largest number of a tag, which has one for each colour."""
    numbers = tag if isinstance(tag, tuple) else (tag,)
    known = [float(n) for n in numbers if isinstance(n, int | float) and math.isfinite(n)]
    return max(known, default=None)


def _raw(tile: Any) -> str:
    """The order of bytes that a decoder is told, such as RGB;16B."""
    raw: str = tile.args if isinstance(tile.args, str) else tile.args[0]
    return raw


def _ends(image: Image.Image) -> list[tuple[float, float]]:
    """The least and the largest value of each channel."""
    ends: Any = image.getextrema()
    return list(ends) if isinstance(ends[0], tuple) else [ends]
