"""Tones: pitches of a scale, with harmonics, envelopes and phases of their own; the same for a seed."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from zerosum.data.sounds import tones
from zerosum.metrics.pitch import fundamental


def drawn(count: int = 300, seed: int = 1) -> tones.Tones:
    return tones.draw(count, Generator().manual_seed(seed))


def test_a_seed_gives_the_same_tones_and_another_seed_others():
    one, same, other = drawn(), drawn(), drawn(seed=2)
    assert torch.equal(one.x, same.x) and torch.equal(one.pitch, same.pitch) and not torch.equal(one.x, other.x)


def test_tones_are_of_every_pitch_of_the_scale_and_within_the_range_of_loudness():
    x, pitch = drawn()
    assert x.shape == (300, 1, tones.LENGTH) and x.dtype == torch.float32 and pitch.dtype == torch.int64
    assert pitch.unique().tolist() == list(range(10)) and len(tones.NAMES) == len(tones.PITCHES) == 10
    peaks = x.abs().amax((1, 2))
    assert 0.299 < peaks.min() < 0.35 and 0.85 < peaks.max() < 0.901
    assert tones.PITCHES[tones.NAMES.index("A4")] == 440 and tones.PITCHES[tones.NAMES.index("A5")] == 880
    assert tones.PITCHES[0] == pytest.approx(261.6256, abs=1e-4), "middle C"
    steps = torch.tensor(tones.PITCHES).log2().diff() * 12
    assert steps.min() > 1.99, "a quarter tone around one pitch is far from the next"


def test_no_harmonic_lies_above_half_of_the_rate():
    assert tones.HARMONICS * max(tones.PITCHES) < tones.RATE / 2


def test_tones_begin_and_end_in_silence_and_fade():
    x = drawn().x[:, 0]
    assert x[:, 0].abs().max() < 1e-6 and x[:, -1].abs().max() < 1e-6
    early, late = (x[:, part].square().mean(1) for part in (slice(400, 1400), slice(2600, 3600)))
    assert (early > late).all()


def test_a_tone_has_harmonics_of_its_pitch_alone():
    x, pitch = drawn(60)
    power = torch.fft.rfft(x[:, 0] * torch.hann_window(tones.LENGTH)).abs().square()
    frequency = torch.arange(power.shape[1]) * tones.RATE / tones.LENGTH
    for own, k in zip(power, pitch.tolist(), strict=True):
        near = torch.stack([(frequency - h * tones.PITCHES[k]).abs() < 25 for h in range(1, tones.HARMONICS + 1)])
        strengths = torch.stack([own[band].sum() for band in near])
        assert own[~near.any(0)].sum() < 0.01 * own.sum()
        assert (strengths.diff() < 0).all(), "each harmonic is fainter than the one before"


def test_phases_differ_and_loudness_does_not_change_the_pitch():
    x, pitch = drawn()
    first = [x[pitch == k][:, 0, 1000:1040] for k in range(10)]
    for own in first:
        scaled = own / own.abs().amax(1, keepdim=True)
        assert torch.cdist(scaled, scaled).fill_diagonal_(9).min() > 0.01, "no two are the same wave"
    loud, _ = fundamental(x[:20], tones.RATE)
    faint, _ = fundamental(x[:20] / 50, tones.RATE)
    torch.testing.assert_close(loud, faint)
