"""`melodies`: in one key, whole bars, ending on the tonic."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.music.melodies import COUNT, LONGEST, TONICS, melody, modality
from zerosum.modality import Lengths, Notes
from zerosum.util.notes import OCTAVE, SCALES, pitches


def test_each_is_of_one_key_and_of_four_whole_bars():
    choices = random.Random(5)
    metres = Counter[int]()
    for _ in range(300):
        notes = melody(choices)
        classes = {pitch % OCTAVE for pitch in pitches(notes)}
        assert any(classes <= scale for scale in SCALES)
        length = sum(note.length for note in notes)
        assert length in (3, 4) and len(notes) <= LONGEST
        at, bar = Fraction(0), length / 4
        for note in notes:
            assert at // bar == (at + note.length - Fraction(1, 64)) // bar, "no note crosses a bar line"
            at += note.length
        metres[int(length)] += 1
        assert notes[0].pitch is not None or notes[0].length <= Fraction(1, 4)
    assert 0.2 < metres[3] / 300 < 0.4


def test_each_ends_on_its_tonic():
    """The last note is the tonic of a major or a minor scale that has all notes; of all twelve they are as many."""
    choices = random.Random(6)
    ends = Counter[int]()
    for _ in range(600):
        notes = melody(choices)
        last, classes = pitches(notes)[-1], {pitch % OCTAVE for pitch in pitches(notes)}
        major, minor = SCALES[last % OCTAVE], SCALES[(last + 3) % OCTAVE]
        assert classes <= major or classes <= minor
        ends[last % OCTAVE] += 1
    assert len(ends) == len(TONICS) and max(ends.values()) < 2.2 * min(ends.values())


def test_the_source_is_of_the_seed():
    one, same, other = (data.load("melodies", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.x, same.x) and one.fingerprint == same.fingerprint != other.fingerprint
    assert len(one) == COUNT and one.spec.fields == {"ids": modality(), "lengths": Lengths(LONGEST)}
    notes = one.modality
    assert isinstance(notes, Notes) and notes.melodies(one.x[:1])[0] and notes.split("Bb4:2/8 x") == ["A#4:1/4", "x"]
    assert not torch.equal(one.x, other.x) and int((one.x == notes.vocabulary.index("<unk>")).sum()) == 0


def test_what_is_no_folder_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="there is no folder 'nowhere'; write melodies, or melodies:FOLDER"):
        data.load("melodies:nowhere")
