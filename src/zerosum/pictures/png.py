"""PNG files that carry a caption: a title, and a description for those who cannot see the picture."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zerosum.data.images.contents import HEAD, IMAGE, PICTURE
from zerosum.util.files import atomic_path, open_regular

__all__ = [
    "IMAGE",
    "PICTURE",
    "made_of",
    "mark_of_figure",
    "marked",
    "read_caption",
    "save",
    "save_deep",
    "with_caption",
]

CAPTION = ("Title", "Description")  # keywords of the PNG specification
MADE_OF = "Made of"  # the keyword of what tells apart the sources of images that were made
_MADE_OF = re.compile(rb"tEXt" + MADE_OF.encode() + rb"\0([0-9a-f]{32})")


def save(image: Image.Image, path: Path, mark: str = PICTURE, made_of: str = "") -> None:
    """Write a picture, with its caption, as PNG: the whole file or none.

    Args:
        mark: says that zerosum wrote it, so that it is not taken for data: IMAGE for an image that was made, alone.
        made_of: 32 hex digits that tell what it was made of and how, see `made_of`.
    """
    info = marked(mark)
    if made_of:
        info.add_text(MADE_OF, made_of)
    for keyword in CAPTION:
        if text := image.info.get(keyword):
            info.add_itxt(keyword, text)
    with atomic_path(path) as partial:
        image.save(partial, pnginfo=info)


def save_deep(pixels: NDArray[np.uint16], path: Path, made_of: str = "") -> None:
    """Write an image of 16 bits, (H, W, 1 to 4), grey or RGB, the last of 2 and 4 channels its opacity, as a PNG that
    is marked as made: the whole file or none. Pillow writes none with several channels.

    ISO/IEC 15948:2003, sections 5 and 11.2.
    """
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    rows = np.zeros((height, 1 + 2 * channels * width), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    texts = {"Software": IMAGE, **({MADE_OF: made_of} if made_of else {})}
    chunks = [(b"IHDR", header), *((b"tEXt", f"{keyword}\0{text}".encode()) for keyword, text in texts.items())]
    chunks += [(b"IDAT", zlib.compress(rows.data)), (b"IEND", b"")]
    with atomic_path(path) as partial, partial.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in chunks:
            file.write(struct.pack(">I", len(content)) + kind + content)
            file.write(struct.pack(">I", zlib.crc32(kind + content)))


def made_of(path: Path) -> str:
    """What an image that was made says that it was made of; "" where it says nothing, or cannot be read."""
    try:
        with open_regular(path) as file:
            found = _MADE_OF.search(file.read(HEAD))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def marked(mark: str = PICTURE) -> PngInfo:
    """What makes a PNG known as zerosum's, see `data.images.contents`."""
    info = PngInfo()
    info.add_text("Software", mark)
    return info


def mark_of_figure(path: Path) -> dict[str, str]:
    """The same for Matplotlib: the metadata of a figure that is saved at `path`, as PNG, SVG or PDF."""
    return {"Software" if path.suffix.lower() == ".png" else "Creator": PICTURE}


def with_caption(image: Image.Image, title: str, description: str = "") -> Image.Image:
    """The same picture, which now carries a title and a description (by default the title again)."""
    image.info |= dict(zip(CAPTION, (title, description or title), strict=True))
    return image


def read_caption(path: Path) -> tuple[str, str]:
    """The title and the description of a picture; "" where it has none, or cannot be read."""
    try:
        with open_regular(path) as file, Image.open(file) as opened:
            title, description = (str(opened.info.get(keyword, "")) for keyword in CAPTION)
    except (OSError, SyntaxError, ValueError):  # Pillow calls some broken files a syntax error
        return "", ""
    return title, description
