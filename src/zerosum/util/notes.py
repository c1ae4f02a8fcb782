"""Notes in letters: `C4:1/4`, a middle C of a quarter, and `R:1/8`, a rest of an eighth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
OCTAVE = 12  # semitones
LETTERS = {name: place for place, name in enumerate(NAMES) if len(name) == 1}
SHIFTS = {"": 0, "#": 1, "b": -1}
HIGHEST = 127  # of MIDI
REST = "R"
MAJOR = (0, 2, 4, 5, 7, 9, 11)  # semitones above the tonic; a natural minor scale has the notes of a major one
WRITTEN = re.compile(r"(?:(R)|([A-G])([#b]?)(-?\d))[:](\d{1,4})(?:/(\d{1,4}))?")


class Note(NamedTuple):
    """A note or a rest."""

    pitch: int | None  # of MIDI, from 0 to 127, middle C is 60; None: a rest
    length: Fraction  # of a whole note: 1/4 is a quarter

    def __str__(self) -> str:
        if self.pitch is None:
            return f"{REST}:{self.length}"
        octave, place = divmod(self.pitch, OCTAVE)
        return f"{NAMES[place]}{octave - 1}:{self.length}"


@cache
def parse(written: str) -> Note | None:
    """The note that is written so, sharps or flats; None where none is."""
    found = WRITTEN.fullmatch(written)
    if found is None:
        return None
    rest, letter, shift, octave, over, under = found.groups()
    if int(over) == 0 or int(under or 1) == 0:
        return None
    length = Fraction(int(over), int(under or 1))
    if rest:
        return Note(None, length)
    pitch = LETTERS[letter] + SHIFTS[shift] + OCTAVE * (int(octave) + 1)
    return Note(pitch, length) if 0 <= pitch <= HIGHEST else None


def pitches(melody: Sequence[Note]) -> list[int]:
    """Of its notes, without rests."""
    return [note.pitch for note in melody if note.pitch is not None]


def scale(tonic: int) -> frozenset[int]:
    """The pitch classes, 0 to 11, of the major scale on a pitch class."""
    return frozenset((tonic + step) % OCTAVE for step in MAJOR)


SCALES = tuple(map(scale, range(OCTAVE)))
