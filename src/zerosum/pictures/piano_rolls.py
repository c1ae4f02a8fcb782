"""Melodies as piano rolls: time to the right, pitch upwards, a bar for each note."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zerosum.pictures.fonts import INK
from zerosum.pictures.grids import GUTTER, grid
from zerosum.util.notes import HIGHEST, OCTAVE, Note, parse, pitches

SHOWN = Fraction(4)  # whole notes from left to right; what follows is not drawn
WHOLE = 48  # pixels of one
SEMITONES = 24  # a roll is at least so high
PIXELS = 3  # of a semitone
TONE, OCTAVES, QUARTERS, PAPER = -0.8, 0.5, 0.75, 0.87  # grey
MARGIN, BELOW = 28, 18  # pixels left of the rows and below the columns, for the scales


def span(vocabulary: Sequence[str]) -> tuple[int, int]:
    """The lowest and the highest pitch of a picture, both included: those of the notes of a vocabulary, or more."""
    known = pitches([note for token in vocabulary if (note := parse(token)) is not None]) or [60]
    low, high = min(known), max(known)
    more = max(0, SEMITONES - 1 - (high - low))
    low = max(0, low - more // 2)
    return low, min(HIGHEST, max(high, low + SEMITONES - 1))


def size_of(pitch_span: tuple[int, int]) -> tuple[int, int]:
    """(H, W) of a roll, in pixels."""
    return PIXELS * (pitch_span[1] - pitch_span[0] + 1), int(WHOLE * SHOWN)


def rolls(melodies: Sequence[Sequence[Note]], pitch_span: tuple[int, int]) -> Tensor:
    """(N, 1, H, W) in [-1, 1] of melodies: a line below each C, and behind each quarter note one upwards."""
    low, high = pitch_span
    height, width = size_of(pitch_span)
    x = torch.full((len(melodies), 1, height, width), PAPER)
    x[..., WHOLE // 4 - 1 :: WHOLE // 4] = QUARTERS
    for pitch in range(low, high + 1):
        if pitch % OCTAVE == 0:
            x[:, :, PIXELS * (high - pitch + 1) - 1] = OCTAVES
    for roll, melody in zip(x, melodies, strict=True):
        now = Fraction(0)
        for note in melody:
            left, right = (min(width, round(WHOLE * time)) for time in (now, now + note.length))
            if note.pitch is not None and low <= note.pitch <= high:
                top = PIXELS * (high - note.pitch)
                roll[:, top : top + PIXELS, left : max(left + 1, right - 1)] = TONE
            now += note.length
    return x


def with_scales(melodies: Sequence[Sequence[Note]], pitch_span: tuple[int, int]) -> Image.Image:
    """Rolls in a grid, beside each row its octaves, below each column its whole notes."""
    picture, (height, width) = grid(rolls(melodies, pitch_span)), size_of(pitch_span)
    canvas = Image.new("L", (MARGIN + picture.width, picture.height + BELOW), 255)
    canvas.paste(picture, (MARGIN, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    low, high = pitch_span
    for top in range(0, picture.height, height + GUTTER):
        for pitch in range(low, high + 1):
            y = top + PIXELS * (high - pitch + 1) - 1
            if pitch % OCTAVE == 0 and y + 4 <= picture.height:
                draw.text((MARGIN - 4, y), _name(pitch), fill=INK, font=font, anchor="rm")
    for left in range(MARGIN, MARGIN + picture.width, width + GUTTER):
        draw.text((left, picture.height + 4), "0", fill=INK, font=font)
        draw.text((left + width, picture.height + 4), f"{SHOWN} whole notes", fill=INK, font=font, anchor="ra")
    return canvas


def scale_of(pitch_span: tuple[int, int]) -> str:
    """What a roll shows, in words."""
    low, high = map(_name, pitch_span)
    return f"piano rolls of the first {SHOWN} whole notes, {low} to {high} upwards"


def _name(pitch: int) -> str:
    return str(Note(pitch, Fraction(1))).partition(":")[0]
