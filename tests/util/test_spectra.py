"""Short-time spectra: loudness in dB at the right frequency and time, whatever the phase."""

from __future__ import annotations

import pytest
import torch

from zerosum.util import spectra

RATE = 8000


def tone(hertz: float, count: int = 4096, phase: float = 0.0, rate: int = RATE) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(count) / rate + phase)


@pytest.mark.parametrize("hertz", [250.0, 440.0, 1000.0, 3000.0])
def test_a_full_sine_has_zero_decibels_at_its_band_alone(hertz: float):
    size = spectra.window_size(4096, RATE)
    loud = spectra.decibels(tone(hertz)[None, None], RATE, 21, spectra.mel_bands(64, size, RATE))[0, 0]
    assert loud.shape == (64, 21)
    middle = spectra.mel_corners(64, RATE)[1:-1]
    best = int(loud[:, 10].argmax())
    assert abs(float(middle[best]) - hertz) < 80 and -4 < loud[best, 10] < 3
    assert loud[(middle - hertz).abs() > 500, 10].max() < -40


def test_loudness_is_in_decibels_and_silence_at_the_floor():
    bands = spectra.log_bands(48, spectra.window_size(4096, RATE), RATE, 60.0)
    x = torch.stack([tone(500), tone(500) / 10, torch.zeros(4096)])[:, None]
    loud = spectra.decibels(x, RATE, 9, bands)[:, 0, :, 4].amax(1)
    assert float(loud[0] - loud[1]) == pytest.approx(20, abs=0.1) and float(loud[2]) == pytest.approx(-60)


def test_the_phase_does_not_matter_and_time_does():
    bands = spectra.mel_bands(32, spectra.window_size(4096, RATE), RATE)
    x = torch.stack([tone(500), tone(500, phase=1.0), torch.cat([tone(500)[:2048], tone(1500)[:2048]])])[:, None]
    one, other, changing = spectra.decibels(x, RATE, 16, bands)[:, 0]
    torch.testing.assert_close(one[:, 2:-2], other[:, 2:-2], atol=0.3, rtol=0)
    assert changing[:, 3].argmax() == one[:, 3].argmax() != changing[:, 12].argmax()


@pytest.mark.parametrize(("length", "rate", "size"), [
    (4096, 8000, 512), (16384, 44100, 2048), (100, 8000, 64), (64, 96000, 64), (3, 8000, 8)
])  # fmt: skip
def test_windows_fit_the_sound(length: int, rate: int, size: int):
    assert spectra.window_size(length, rate) == size
    for bands in (spectra.mel_bands(64, size, rate), spectra.log_bands(64, size, rate, 60.0)):
        assert bands.shape == (64, size // 2 + 1) and (bands >= 0).all() and (bands.sum(1) > 0).all()
        assert spectra.decibels(torch.rand(2, 1, length), rate, 5, bands).isfinite().all()
