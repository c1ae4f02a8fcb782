"""Syllables by rule: vowels have their formants, consonants their noise."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from zerosum.data.sounds import syllables
from zerosum.data.sounds.tones import LENGTH, RATE
from zerosum.metrics.pitch import fundamental
from zerosum.util import spectra


@pytest.fixture(scope="module")
def drawn() -> syllables.Syllables:
    return syllables.draw(600, Generator().manual_seed(3))


def named(drawn: syllables.Syllables, *names: str) -> Tensor:
    numbers = torch.tensor([syllables.NAMES.index(name) for name in names])
    return drawn.x[torch.isin(drawn.name, numbers)]


def share_above(x: Tensor, hertz: float) -> Tensor:
    """(N,) of the power that lies above a frequency."""
    power = torch.fft.rfft(x[:, 0]).abs().square()
    above = torch.arange(power.shape[1]) * RATE / LENGTH > hertz
    return power[:, above].sum(1) / power.sum(1)


def test_a_seed_gives_the_same_syllables_of_every_name(drawn: syllables.Syllables):
    again = syllables.draw(600, Generator().manual_seed(3))
    assert torch.equal(again.x, drawn.x) and torch.equal(again.name, drawn.name)
    assert drawn.x.shape == (600, 1, LENGTH) and drawn.x.isfinite().all()
    assert drawn.name.unique().numel() == len(syllables.NAMES) == 20
    peaks = drawn.x.abs().amax((1, 2))
    assert peaks.min() > 0.39 and peaks.max() < 0.91


def test_vowels_have_their_formants(drawn: syllables.Syllables):
    """The highest band between 200 and 1,000 Hz is near the first formant: high in a, low in i and u."""
    bands = spectra.mel_bands(64, spectra.window_size(LENGTH, RATE), RATE)
    middle = spectra.mel_corners(64, RATE)[1:-1]
    found = {}
    for vowel in syllables.VOWELS:
        loud = spectra.decibels(named(drawn, vowel), RATE, 16, bands).mean((0, 1, 3))
        found[vowel] = float(middle[loud.argmax()])
    assert found["a"] > found["e"] > found["i"] and found["o"] > found["u"]
    assert share_above(named(drawn, "i"), 2000).mean() > 3 * share_above(named(drawn, "u"), 2000).mean()


def test_consonants_come_before_the_voice_and_hiss(drawn: syllables.Syllables):
    begin = slice(0, int(0.06 * RATE))
    hissing, none = (named(drawn, *(c + vowel for vowel in syllables.VOWELS)) for c in ("s", ""))
    assert share_above(hissing[:, :, begin], 0).isfinite().all()
    early = share_above(hissing[:, :, begin].contiguous().repeat(1, 1, 1), 0)
    assert early.mean() > 0.9
    high = torch.fft.rfft(hissing[:, 0, begin]).abs().square()
    cut = int(high.shape[1] * 2500 / (RATE / 2))
    assert (high[:, cut:].sum(1) / high.sum(1)).mean() > 0.6
    voiced = torch.fft.rfft(none[:, 0, begin]).abs().square()
    assert (voiced[:, cut:].sum(1) / voiced.sum(1)).mean() < 0.3


def test_the_voice_has_a_pitch_that_falls(drawn: syllables.Syllables):
    x = named(drawn, "u")[:, :, int(0.06 * RATE) :]
    first, _ = fundamental(x[:, :, :600], RATE)
    last, periodicity = fundamental(x[:, :, 800:1400], RATE)
    sound = periodicity > 0.7
    assert sound.float().mean() > 0.8 and (last[sound] < first[sound]).float().mean() > 0.8
