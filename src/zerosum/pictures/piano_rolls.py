"""Melodies as piano rolls: time to the right, pitch upwards, a bar for each note."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from zerosum.util.notes import HIGHEST, OCTAVE, Note, parse, pitches

SHOWN = Fraction(4)  # whole notes from left to right; what follows is not drawn
WHOLE = 48  # pixels of one
SEMITONES = 24  # a roll is at least so high
PIXELS = 3  # of a semitone
TONE, LINE, PAPER = -0.8, 0.7, 1.0  # grey


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
    x[..., WHOLE // 4 - 1 :: WHOLE // 4] = LINE + 0.15
    for pitch in range(low, high + 1):
        if pitch % OCTAVE == 0:
            x[:, :, PIXELS * (high - pitch + 1) - 1] = LINE
    for roll, melody in zip(x, melodies, strict=True):
        now = Fraction(0)
        for note in melody:
            left, right = (min(width, round(WHOLE * time)) for time in (now, now + note.length))
            if note.pitch is not None and low <= note.pitch <= high:
                top = PIXELS * (high - note.pitch)
                roll[:, top : top + PIXELS, left : max(left + 1, right - 1)] = TONE
            now += note.length
    return x


def scale_of(pitch_span: tuple[int, int]) -> str:
    """What a roll shows, in words."""
    low, high = (str(Note(pitch, Fraction(1))).partition(":")[0] for pitch in pitch_span)
    return f"piano rolls of the first {SHOWN} whole notes, {low} to {high} upwards"
