"""Texts as a picture: a line for each, in blocks with names."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw

from zerosum.pictures.fonts import SIZE, font

WIDTH = 72  # letters of a line, about; a longer text goes on below
LINE = 3 * (SIZE * 3 // 2) * WIDTH * SIZE  # bytes of a long one
NARROWEST = 26 * SIZE  # pixels: pages show pictures at one width, and letters of narrower ones would be huge
PAPER, TEXT, FAINT = "white", "#20242a", "#9aa0a8"


def sheet(blocks: Sequence[Sequence[str]], names: Sequence[str] = (), note: str = "") -> Image.Image:
    """Texts below each other, a gap between blocks, each block under its name, and a note at the end.

    What no font here can write is written as its code points; an empty text as a dash.
    """
    lines: list[tuple[str, str]] = []  # (text, colour)
    for i, block in enumerate(blocks):
        lines += [("", FAINT)] if i else []
        lines += [(_writable(names[i]), FAINT)] if names else []
        for text in block:
            first, *others = textwrap.wrap(_writable(text), WIDTH) or ["\u2013"]
            lines += [(first, TEXT), *((f"    {other}", TEXT) for other in others)]
    lines += [("", FAINT), (_writable(note), FAINT)] if note else []
    step = SIZE * 3 // 2
    fonts = [font(text) for text, _ in lines]
    width = max((round(face.getlength(text)) for face, (text, _) in zip(fonts, lines, strict=True) if face), default=0)
    canvas = Image.new("RGB", (max(width, NARROWEST) + 2 * SIZE, step * len(lines) + SIZE), PAPER)
    draw = ImageDraw.Draw(canvas)
    for i, (face, (text, colour)) in enumerate(zip(fonts, lines, strict=True)):
        if face:
            draw.text((SIZE, SIZE // 2 + step * i), text, fill=colour, font=face)
    return canvas


def _writable(text: str) -> str:
    """The text, or where no font here has its letters, their code points."""
    return text if not text.strip() or font(text) else " ".join(f"U+{ord(char):04X}" for char in text if char.strip())
