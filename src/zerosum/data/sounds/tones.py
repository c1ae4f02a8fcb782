"""Tones of known pitch: a fundamental and its harmonics under an envelope, at a random phase and loudness."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from zerosum.modality import Sound

RATE, LENGTH = 8_000, 4_096  # Hz, and samples: half a second
# The notes of a pentatonic scale on C over two octaves: its nearest pitches are two semitones apart.
NAMES = ("C4", "D4", "E4", "G4", "A4", "C5", "D5", "E5", "G5", "A5")
SEMITONES = (-9, -7, -5, -2, 0, 3, 5, 7, 10, 12)  # from A4
A4 = 440.0  # Hz
PITCHES = tuple(A4 * 2 ** (semitones / 12) for semitones in SEMITONES)  # Hz
HARMONICS = 4  # of a tone, its fundamental included: that of the highest pitch is below half of the rate
SOUND = Sound(1, LENGTH, RATE)


class Tones(NamedTuple):
    """Tones, and which of PITCHES they have."""

    x: Tensor  # (N, 1, LENGTH) float32 in [-1, 1]
    pitch: Tensor  # (N,) int64


def draw(count: int, generator: Generator) -> Tones:
    """`count` tones, each of a pitch, a timbre, an envelope, a phase and a loudness of its own.

    Harmonic k of a tone has 1 / b of the strength of the one before, b a number from 1.7 to 5 of the tone's own. They
    begin together: another phase is the same wave, moved.
    """
    pitch = torch.randint(len(PITCHES), (count,), generator=generator)
    frequency = torch.tensor(PITCHES, dtype=torch.float64)[pitch][:, None]  # (N, 1)
    time = torch.arange(LENGTH, dtype=torch.float64) / RATE  # seconds
    turns = frequency * time + uniform(count, generator, 0, 1)  # (N, T)
    falling = uniform(count, generator, 0.2, 0.6)  # of each harmonic's strength, from the one before
    wave = torch.zeros_like(turns)
    for k in range(HARMONICS):
        wave += falling**k * torch.sin(2 * math.pi * (k + 1) * turns)
    x = wave * envelope(time, count, generator)
    peak = x.abs().amax(1, keepdim=True)
    return Tones((x / peak * uniform(count, generator, 0.3, 0.9)).float()[:, None], pitch)


def envelope(time: Tensor, count: int, generator: Generator) -> Tensor:
    """(N, T) from 0 to 1 over times (T,) in seconds: a rise of 5 to 30 ms, a slow fall, and 20 ms to silence."""
    rise, fall = uniform(count, generator, 0.005, 0.03), uniform(count, generator, 0.25, 1.0)
    up = (time / rise).clamp(max=1)
    down = ((time[-1] - time) / 0.02).clamp(max=1)
    return up * up * (3 - 2 * up) * torch.exp(-time / fall) * down


def uniform(count: int, generator: Generator, low: float, high: float) -> Tensor:
    """(N, 1) float64."""
    return low + (high - low) * torch.rand(count, 1, generator=generator, dtype=torch.float64)
