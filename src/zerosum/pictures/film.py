"""Films of training: GIFs that any browser and chat shows."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

from zerosum.data.images.contents import PICTURE
from zerosum.util.files import open_regular, write_atomic

T = TypeVar("T")

FEWEST, SMALLEST = 40, 64  # frames and pixels of a side that a film keeps, however large its file


def film(
    frames: Sequence[Path | Image.Image],
    path: Path,
    seconds: float = 8.0,
    *,
    hold: float = 2.0,
    most: int = 100,
    side: int = 600,
    megabytes: float = 6.0,
) -> Path:
    """Write frames as a GIF that loops, and return its path.

    Args:
        frames: pictures, or their files; a file that cannot be read is skipped. All take the size of the last one.
        seconds: how long the frames move, at most half a second each.
        hold: seconds that the last frame stays.
        most: frames at most, evenly spaced, the last always among them.
        side: largest width and height in pixels.
        megabytes: about the largest file; a film above it loses frames, down to 40, and then pixels.

    Raises:
        ValueError: there is no frame that can be read.
    """
    images = [image for frame in evenly_spaced(frames, most) if (image := _open(frame)) is not None]
    if not images:
        raise ValueError("a film needs at least one picture that can be read")
    content = _gif(images, seconds, hold, side)
    while (excess := len(content) / (megabytes * 1e6)) > 1 and (len(images) > FEWEST or side > SMALLEST):
        if len(images) > FEWEST:
            images = evenly_spaced(images, max(FEWEST, int(len(images) / excess)))
        else:
            side = max(SMALLEST, int(min(side, max(images[-1].size)) * 0.95 / math.sqrt(excess)))
        content = _gif(images, seconds, hold, side)
    write_atomic(path, content)
    return path


def evenly_spaced(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(most - 1, 1))] for i in range(most - 1)] + [items[-1]]


def opaque(image: Image.Image) -> Image.Image:
    """The image in grey or RGB, on white where it is transparent."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _open(frame: Path | Image.Image) -> Image.Image | None:
    """An opaque frame, or None where its file cannot be read."""
    if not isinstance(frame, Path):
        return opaque(frame)
    try:
        with open_regular(frame) as file, Image.open(file) as image:
            return opaque(image)
    except (OSError, SyntaxError, ValueError):  # Pillow calls some broken files a syntax error
        return None


def _gif(images: list[Image.Image], seconds: float, hold: float, side: int) -> bytes:
    moving = max(20, min(500, round(100 * seconds / len(images)) * 10))  # ms: GIF counts in tens, browsers need 20
    durations = [moving] * (len(images) - 1) + [moving + round(100 * hold) * 10]
    width, height = images[-1].size
    factor = min(1.0, side / max(width, height))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    sized = [image if image.size == size else image.resize(size, Image.Resampling.LANCZOS) for image in images]
    first, *others = _with_one_palette(sized)
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0, comment=PICTURE)
    return buffer.getvalue()


def _with_one_palette(images: list[Image.Image]) -> list[Image.Image]:
    """Colour images in white and 255 colours that suit some of them, the last included: one palette, no flicker."""
    if all(image.mode == "L" for image in images):
        return images
    colour = [image.convert("RGB") for image in images]
    width, height = (min(300, n) for n in colour[-1].size)
    some = evenly_spaced(colour, 6)
    montage = Image.new("RGB", (width, height * len(some)))
    for i, image in enumerate(some):
        montage.paste(image.resize((width, height), Image.Resampling.NEAREST), (0, i * height))
    palette = montage.quantize(255)
    colours = (palette.getpalette() or [])[: 3 * 255]
    palette.putpalette(colours + [255] * (3 * 256 - len(colours)))  # gutters stay white
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in colour]
