"""Melodies as sounds: each note a few harmonics that fade away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from zerosum.data.sounds.tones import A4, RATE
from zerosum.util.notes import OCTAVE, Note

A4_PITCH = 69  # of MIDI
WHOLE = 2.0  # seconds of a whole note: 120 quarters a minute
PAUSE = Fraction(1, 2)  # between two melodies
HARMONICS = (1.0, 0.4, 0.2, 0.1)  # how strong they are
LOUD = 0.5  # of full scale
RISE, FALL, END = 0.01, 0.6, 0.03  # seconds: to the full strength, to 1/e of it, and to silence at the end


def played(melodies: Sequence[Sequence[Note]]) -> Tensor:
    """(1, T) in [-1, 1] at `tones.RATE`: melodies one after the other."""
    row: list[Note] = []
    for number, melody in enumerate(melodies):
        row += [Note(None, PAUSE)] * bool(number) + [*melody]
    parts, now, samples = [torch.zeros(0)], Fraction(0), 0
    for note in row:
        now += note.length
        length = round(RATE * WHOLE * now) - samples
        samples += length
        parts.append(torch.zeros(length) if note.pitch is None else _tone(note.pitch, length))
    return torch.cat(parts)[None]


def _tone(pitch: int, length: int) -> Tensor:
    """(length,): harmonics above half of the rate are left out."""
    hertz = A4 * 2 ** ((pitch - A4_PITCH) / OCTAVE)
    time = torch.arange(length, dtype=torch.float64) / RATE
    wave = torch.zeros(length, dtype=torch.float64)
    for k, strength in enumerate(HARMONICS, 1):
        if k * hertz < RATE / 2:
            wave += strength * torch.sin(2 * math.pi * k * hertz * time)
    up, down = (time / RISE).clamp(max=1), ((length / RATE - time) / END).clamp(max=1)
    return (LOUD / sum(HARMONICS) * wave * up * down * torch.exp(-time / FALL)).float()
