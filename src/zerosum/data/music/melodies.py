"""`melodies`: phrases of four bars that a small grammar of rhythm and harmony makes, each in one key."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

import torch

from zerosum.data.dataset import DataError, Dataset, fingerprint_of
from zerosum.data.music import midi
from zerosum.data.request import Request
from zerosum.data.text.lines import fields_of
from zerosum.modality import Notes
from zerosum.util.files import named
from zerosum.util.notes import MAJOR, NAMES, OCTAVE, Note

COUNT = 10_000
LONGEST = 24  # notes and rests
TONICS = range(55, 55 + OCTAVE)  # pitches of MIDI: G3 to F#4
MINOR = (0, 2, 3, 5, 7, 8, 10)  # natural
LOWEST, HIGHEST = -3, 9  # degrees of the scale that are sung, 0 is the tonic, 7 the next one
EIGHTH = Fraction(1, 8)
T = TypeVar("T")
Weighted = Mapping[tuple[int, ...], float]

# Rhythms in eighths, and how often they are chosen.
HALF_BARS: Weighted = {(4,): 2, (2, 2): 4, (2, 1, 1): 2, (1, 1, 2): 1, (1, 1, 1, 1): 1, (3, 1): 2}
THREE_FOUR: Weighted = {(6,): 1, (4, 2): 3, (2, 4): 1, (2, 2, 2): 4, (2, 1, 1, 2): 2, (3, 1, 2): 2, (2, 2, 1, 1): 1}
WHOLE_BAR = 0.05  # of the bars of 4/4 that are one note
LAST_BARS: dict[int, Weighted] = {8: {(2, 2, 4): 3, (4, 4): 2, (3, 1, 4): 1}, 6: {(2, 4): 2, (1, 1, 4): 1, (6,): 1}}
REST = 0.12  # of the last notes of the first three bars, where they are no longer than a quarter

# The degrees that chords stand on, bar by bar, and how often they are chosen.
CHORDS: Sequence[Mapping[int, float]] = ({0: 1}, {0: 2, 3: 2, 4: 2, 5: 1}, {3: 2, 4: 2, 1: 1, 0: 1}, {4: 1})
STEPS: Mapping[int, float] = {-2: 1, -1: 5, 0: 2, 1: 5, 2: 1}  # from a note to one that no chord asks for
LEAP = 2.0  # degrees: a note of a chord is the rarer the farther it is from the one before, by this length
THREE = 0.3  # of the melodies that are in 3/4; the others are in 4/4
IN_MINOR = 1 / 3


def melody(choices: random.Random) -> list[Note]:
    """Four bars that begin on a note of the first chord and end on the tonic, of at most LONGEST notes and rests."""
    while True:
        tonic, steps = choices.choice(TONICS), MINOR if choices.random() < IN_MINOR else MAJOR
        eighths = 6 if choices.random() < THREE else 8
        notes: list[Note] = []
        degree = choices.choice((0, 2, 4))
        for bar, chords in enumerate(CHORDS):
            rhythm, chord = _rhythm(choices, eighths, bar == 3), _chosen(choices, chords)
            at = 0
            for number, length in enumerate(rhythm):
                last = number == len(rhythm) - 1
                if bar == 3 and last:
                    degree = 0 if degree < 4 else 7  # the nearer tonic
                elif at % 4 == 0:
                    degree = _of_chord(choices, chord, degree)
                else:
                    degree = _stepped(choices, degree)
                silent = last and bar < 3 and length <= 2 and choices.random() < REST
                octave, place = divmod(degree, len(steps))
                pitch = tonic + OCTAVE * octave + steps[place]
                notes.append(Note(None if silent else pitch, length * EIGHTH))
                at += length
        if len(notes) <= LONGEST:
            return notes


def _rhythm(choices: random.Random, eighths: int, last: bool) -> tuple[int, ...]:
    """Of a bar: how many eighths its notes last."""
    if last:
        return _chosen(choices, LAST_BARS[eighths])
    if eighths == 6:
        return _chosen(choices, THREE_FOUR)
    if choices.random() < WHOLE_BAR:
        return (8,)
    return _chosen(choices, HALF_BARS) + _chosen(choices, HALF_BARS)


def _of_chord(choices: random.Random, root: int, before: int) -> int:
    """A note of the triad on a degree, rather one that is near."""
    known = [degree for degree in range(LOWEST, HIGHEST + 1) if (degree - root) % 7 in (0, 2, 4)]
    return _chosen(choices, {degree: math.exp(-abs(degree - before) / LEAP) for degree in known})


def _stepped(choices: random.Random, before: int) -> int:
    within = {before + step: weight for step, weight in STEPS.items() if LOWEST <= before + step <= HIGHEST}
    return _chosen(choices, within)


def _chosen(choices: random.Random, weights: Mapping[T, float]) -> T:
    return choices.choices([*weights], [*weights.values()])[0]


def modality() -> Notes:
    """Of all notes that a melody can hold."""
    tonics = [(tonic, steps) for tonic in TONICS for steps in (MAJOR, MINOR)]
    degrees = range(LOWEST, HIGHEST + 1)
    pitches = {tonic + OCTAVE * (d // 7) + steps[d % 7] for tonic, steps in tonics for d in degrees}
    lengths = [Fraction(n, 8) for n in (1, 2, 3, 4, 6, 8)]
    notes = [Note(pitch, length) for pitch in sorted(pitches) for length in lengths]
    rests = [Note(None, length) for length in lengths[:2]]
    return Notes((Notes.UNKNOWN, Notes.END, *map(str, (*rests, *notes))), LONGEST + 1)


def melodies(request: Request) -> Dataset:
    """10,000 melodies of at most 24 notes and rests, in all major and minor keys, drawn from the seed.

    "melodies:FOLDER" are those of the MIDI files of a folder, whatever else lies there.

    Raises:
        DataError: there is no such folder.
    """
    if request.option:
        if not named(request.option).is_dir():
            raise DataError(f"there is no folder '{request.option}'; write melodies, or melodies:FOLDER of MIDI files")
        return midi.folder(request)
    choices, notes = random.Random(request.seed), modality()
    drawn = [[str(note) for note in melody(choices)] for _ in range(COUNT)]
    ids = torch.tensor([notes.ids(one) for one in drawn])
    rules = (NAMES, TONICS, MINOR, LOWEST, HIGHEST, HALF_BARS, THREE_FOUR, WHOLE_BAR, LAST_BARS, REST, CHORDS, STEPS)
    mark = fingerprint_of(f"{rules} {LEAP} {THREE} {IN_MINOR} {COUNT} {LONGEST} {request.seed}")
    return Dataset(request.name, fields_of(notes, ids), mark)
