"""Notes in letters."""

from __future__ import annotations

from fractions import Fraction

import pytest

from zerosum.util.notes import SCALES, Note, parse, pitches


@pytest.mark.parametrize(("written", "pitch", "length"), [
    ("C4:1/4", 60, Fraction(1, 4)), ("A4:1", 69, Fraction(1)), ("C-1:3/8", 0, Fraction(3, 8)),
    ("G9:1/12", 127, Fraction(1, 12)), ("F#3:1/2", 54, Fraction(1, 2)), ("R:1/8", None, Fraction(1, 8)),
])  # fmt: skip
def test_a_note_is_read_and_written(written: str, pitch: int | None, length: Fraction):
    note = parse(written)
    assert note == Note(pitch, length) and str(note) == written


@pytest.mark.parametrize(("other", "usual"), [
    ("Bb4:2/8", "A#4:1/4"), ("Cb4:1/4", "B3:1/4"), ("B#3:1/4", "C4:1/4"), ("R:2/2", "R:1"), ("E#4:4/16", "F4:1/4")
])  # fmt: skip
def test_other_spellings_are_the_same_note(other: str, usual: str):
    assert str(parse(other)) == usual


@pytest.mark.parametrize("written", [
    "", "C4", "H4:1/4", "C4:0", "C4:1/0", "C4:-1/4", "Cb-1:1/4", "G#9:1/4", "c4:1/4", "C4:1/4 ", "R4:1/8", "<unk>",
])  # fmt: skip
def test_what_is_no_note_is_none(written: str):
    assert parse(written) is None


def test_scales_have_seven_notes_and_are_twelve():
    assert len(set(SCALES)) == 12 and {len(scale) for scale in SCALES} == {7}
    assert SCALES[7] == {7, 9, 11, 0, 2, 4, 6}, "G major has an F sharp"


def test_rests_have_no_pitch():
    assert pitches([Note(60, Fraction(1)), Note(None, Fraction(1)), Note(62, Fraction(1))]) == [60, 62]
