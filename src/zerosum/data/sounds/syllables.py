"""Syllables by rule: a train of glottal pulses through the resonances of a vowel, after a consonant's noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter
from torch import Generator, Tensor

from zerosum.data.sounds.tones import LENGTH, RATE, uniform

VOWELS = {  # the first three formants in Hz, of men's vowels in Peterson and Barney, 1952, table II
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
BANDWIDTHS = (80, 100, 150)  # of the formants, in Hz
CONSONANTS = {  # how long a noise lasts in seconds, and the middle and the width of its band in Hz
    "": (0.0, 0.0, 0.0),
    "k": (0.025, 1800.0, 700.0),
    "t": (0.015, 3200.0, 1200.0),
    "s": (0.110, 3500.0, 900.0),
}
HIGHEST = 3_700.0  # Hz of a resonance: some way below half of the rate
LONG = 0.05  # seconds from which on a consonant is no burst, but runs into the vowel
GAP = 0.015  # seconds of silence between a burst and the voice
NAMES = tuple(consonant + vowel for consonant in CONSONANTS for vowel in VOWELS)

Wave = NDArray[np.float64]


class Syllables(NamedTuple):
    """Syllables, and which of NAMES they are."""

    x: Tensor  # (N, 1, LENGTH) float32 in [-1, 1]
    name: Tensor  # (N,) int64


def draw(count: int, generator: Generator) -> Syllables:
    """`count` syllables, each of a voice between 90 and 220 Hz that falls, a size of the throat and a loudness."""
    name = torch.randint(len(NAMES), (count,), generator=generator)
    pitch, size = uniform(count, generator, 90, 220), uniform(count, generator, 0.95, 1.15)
    length, loudness = uniform(count, generator, 0.22, 0.32), uniform(count, generator, 0.4, 0.9)
    hiss, begin = uniform(count, generator, 0.15, 0.35), uniform(count, generator, 0.0, 0.04)
    noise = torch.randn(count, LENGTH, generator=generator, dtype=torch.float64)
    voices = torch.cat([pitch, size, length, hiss, begin], 1).tolist()
    made = [
        _syllable(NAMES[k], own, *voice) for k, own, voice in zip(name.tolist(), noise.numpy(), voices, strict=True)
    ]
    x = torch.from_numpy(np.stack(made))
    return Syllables((x / x.abs().amax(1, keepdim=True) * loudness).float()[:, None], name)


def _syllable(name: str, noise: Wave, pitch: float, size: float, length: float, hiss: float, begin: float) -> Wave:
    """(LENGTH,): the consonant's noise of strength `hiss` of the voice's, from second `begin` on, then the voice."""
    consonant, vowel = name[:-1], name[-1]
    seconds, middle, width = CONSONANTS[consonant]
    x = np.zeros(LENGTH)
    start, burst = round(begin * RATE), round(seconds * RATE)
    if burst:
        band = _resonance(noise[: burst + 200], min(middle * size, HIGHEST), width)[200:]
        x[start : start + burst] += hiss * band / np.abs(band).max() * _window(burst, 0.02 if seconds > LONG else 0.002)
        start += burst + (0 if seconds > LONG else round(GAP * RATE))
    voiced = min(round(length * RATE), LENGTH - start)
    voice = _pulses(voiced, pitch)
    for formant, bandwidth in zip(VOWELS[vowel], BANDWIDTHS, strict=True):
        voice = _resonance(voice, min(formant * size, HIGHEST), bandwidth)
    x[start : start + voiced] += voice / np.abs(voice).max() * _window(voiced, 0.03)
    return x


def _pulses(count: int, pitch: float) -> Wave:
    """(count,) glottal pulses, smoothed, so that their harmonics fall in strength; their rate falls by a fifth."""
    turns = np.cumsum(pitch * (1 - 0.2 * np.arange(count) / count) / RATE)
    train = np.diff(np.floor(turns), prepend=0.0)
    return lfilter([1.0], [1.0, -0.9], train) - 0.1


def _resonance(x: Wave, frequency: float, bandwidth: float) -> Wave:
    """(T,) through a resonance of two poles, of a gain of 1 at 0 Hz; Klatt, 1980, "Software for a cascade/parallel
    formant synthesizer", section I.
    """
    c = -math.exp(-2 * math.pi * bandwidth / RATE)
    b = 2 * math.exp(-math.pi * bandwidth / RATE) * math.cos(2 * math.pi * frequency / RATE)
    filtered: Wave = lfilter([1 - b - c], [1.0, -b, -c], x)
    return filtered


def _window(count: int, edge: float) -> Wave:
    """(count,) 1, and from and to 0 within `edge` seconds at both ends."""
    place = np.minimum(np.arange(count), np.arange(count)[::-1]) / (edge * RATE)
    up = np.clip(place, 0, 1)
    return up * up * (3 - 2 * up)
