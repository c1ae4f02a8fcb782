"""Melodies as sounds: each note has its pitch for as long as it lasts, and rests are silent."""

from __future__ import annotations

from fractions import Fraction

import torch

from zerosum.data.music.played import PAUSE, WHOLE, played
from zerosum.data.sounds.tones import RATE
from zerosum.metrics.pitch import fundamental
from zerosum.util.notes import Note

HALF = Fraction(1, 2)


def test_notes_have_their_pitch_and_rests_are_silent():
    second = round(RATE * WHOLE * HALF)
    x = played([[Note(69, HALF), Note(None, HALF), Note(72, HALF)]])
    assert x.shape == (1, 3 * second) and float(x.abs().max()) <= 0.5
    a, rest, c = x.split(second, 1)
    assert not rest.any() and a.abs().max() > 0.2
    hertz, periodicity = fundamental(torch.stack([a, c]), RATE)
    assert periodicity.min() > 0.95
    torch.testing.assert_close(hertz, torch.tensor([440.0, 440 * 2**0.25]).double(), rtol=2e-3, atol=0)


def test_melodies_follow_each_other_after_a_pause_and_high_notes_do_not_fold_back():
    x = played([[Note(69, HALF)], [Note(127, HALF)]])
    second, pause = round(RATE * WHOLE * HALF), round(RATE * WHOLE * PAUSE)
    assert x.shape == (1, 2 * second + pause) and not x[0, second : second + pause].any()
    assert not x[0, second + pause :].any(), "12.5 kHz is above half of the rate"
    assert played([[], []]).shape == (1, pause)


def test_lengths_that_are_no_whole_samples_add_up():
    melody = [Note(60, Fraction(1, 12))] * 1200
    assert played([melody]).shape == (1, round(RATE * WHOLE * 100))
