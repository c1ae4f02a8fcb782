"""Names next to pictures, in any script that a font of this machine can write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from zerosum.util.text import composed

INK = "#646a73"
SIZE = 16  # pixels, of the letters in a small picture
PICTURE = 45  # letters that a picture is wide, or the letters grow: a page shows it smaller
LONGEST = 12  # letters that a margin is wide, about; a longer name is cut off


def label_rows(pictures: Sequence[Image.Image], names: Sequence[str], note: str = "", gutter: int = 2) -> Image.Image:
    """Pictures below each other, each with its name in a margin on the left, and a note below all.

    A name may have several lines; those that no font here can write become numbers (see `displayable`).
    """
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    width = max(p.width for p in pictures)
    size = max(SIZE, min(round(width / PICTURE), min(p.height for p in pictures) // 3))
    labels = [_Text(name, size) for name in displayable(names)]
    margin = max(label.width for label in labels) + size
    below = _Text(note, size, cut=False) if note else None
    heights = [max(p.height, label.height) for p, label in zip(pictures, labels, strict=True)]
    whole = sum(heights) + gutter * (len(pictures) - 1) + (below.height + size if below else 0)
    canvas = Image.new(mode, (max(margin + width, below.width if below else 0), whole), "white")
    top = 0
    for picture, label, row in zip(pictures, labels, heights, strict=True):
        canvas.paste(picture, (margin, top + (row - picture.height) // 2), picture if picture.mode == "RGBA" else None)
        label.write(canvas, margin - size // 2 - label.width, top + (row - label.height) // 2)
        top += row + gutter
    if below:
        below.write(canvas, 0, whole - below.height - size // 4)
    return canvas


def add_key(picture: Image.Image, names: Sequence[str], colors: Sequence[str], note: str = "") -> Image.Image:
    """A picture with its key on the right: a dot of each colour with its name, and a note below."""
    size = max(SIZE, round(picture.width / PICTURE))
    labels = [_Text(name, size) for name in displayable(names)]
    below = _Text(note, size, cut=False) if note else None
    step = size * 4 // 3
    width = max(*(2 * size + label.width for label in labels), below.width if below else 0) + size // 2
    top = size * 5 // 2
    height = max(picture.height, top + step * (len(labels) + 2))
    canvas = Image.new("RGB", (picture.width + width, height), "white")
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    for label, color in zip(labels, colors, strict=True):
        left, middle = picture.width + size // 2, top + step // 2
        draw.ellipse((left, middle - size // 3, left + 2 * (size // 3), middle + size // 3), fill=color)
        label.write(canvas, picture.width + 3 * size // 2, middle - label.height // 2)
        top += step
    if below:
        below.write(canvas, picture.width, top + size // 2)
    return canvas


def displayable(names: Sequence[str]) -> tuple[str, ...]:
    """Names as a picture shows them: those that no font here can write become their numbers."""
    return tuple(name if font(name) else str(i) for i, name in enumerate(names))


def legend(names: Sequence[str]) -> str:
    """The names that `displayable` replaces by numbers, `3: ...; 7: ...`; "" where there are none."""
    return "; ".join(f"{i}: {name}" for i, name in enumerate(names) if not font(name))


def font(text: str, size: int = SIZE) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """A font with a glyph for every character of `text`; None where this machine has none, or nothing would show."""
    needed = {char for char in _plain(text) if not char.isspace()}
    if not needed:
        return None
    if all(char.isascii() for char in needed):
        return ImageFont.load_default(size)
    path = _file("".join(sorted(needed)))
    return ImageFont.truetype(path, size) if path else None


def _plain(text: str) -> str:
    """In composed characters; what cannot be printed becomes a space."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in composed(text))


@cache
def _file(characters: str) -> Path | None:
    from matplotlib.ft2font import FT2Font  # a third of a second, for names beyond ASCII

    shaped = any(
        unicodedata.bidirectional(c) in ("R", "AL") or unicodedata.category(c) in ("Mn", "Mc") for c in characters
    )
    if shaped and not features.check("raqm"):
        return None  # Pillow alone would write the letters apart, or from the wrong side
    for path in _files():
        try:
            face = FT2Font(str(path))
        except (OSError, RuntimeError):
            continue  # no font after all
        if face.scalable and all(face.get_char_index(ord(char)) for char in characters):
            return path
    return None


@cache
def _files() -> tuple[Path, ...]:
    """matplotlib's own font, which has many alphabets, then those of the machine, upright and of usual weight first."""
    from matplotlib import font_manager, get_data_path

    own = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    unusual = re.compile("bold|black|heavy|light|thin|italic|oblique|mono|serif|display|condensed", re.IGNORECASE)
    installed = {Path(path) for path in font_manager.findSystemFonts()}
    return own, *sorted(installed, key=lambda path: (len(unusual.findall(path.stem)), path.name))


class _Text:
    """Text in one line or several, measured; a line is cut off where it is too long."""

    def __init__(self, text: str, size: int, cut: bool = True):
        face = font(text, size)
        assert face, f"no font for {text!r}"
        self.font, lines = face, _plain(text).split("\n")
        self.text = "\n".join(self._cut(line, LONGEST * size) if cut else line for line in lines)
        measure = ImageDraw.Draw(Image.new("L", (1, 1)))
        box = measure.multiline_textbbox((0, 0), self.text, self.font)
        self.left, self.top, right, bottom = map(round, box)
        self.width, self.height = right - self.left, bottom - self.top

    def _cut(self, line: str, most: int) -> str:
        kept = line
        while kept and self.font.getlength(kept if kept == line else f"{kept}...") > most:
            kept = kept[:-1]
        return kept if kept == line else f"{kept}..."

    def write(self, picture: Image.Image, x: float, y: float) -> None:
        draw = ImageDraw.Draw(picture)
        draw.multiline_text((x - self.left, y - self.top), self.text, fill=INK, font=self.font, align="right")
