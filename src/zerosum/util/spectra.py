"""Short-time spectra of sounds, on scales that ears have: what pictures, the monitor and metrics look at."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SECONDS = 0.064  # of a window, about: long enough to tell low notes apart
FLOOR = 1e-6  # of a full sine's power, below which all is silence: 60 dB


def decibels(x: Tensor, rate: int, frames: int, bands: Tensor) -> Tensor:
    """(N, C, K, frames) power in dB, 0 of a full sine and -60 of silence, of sounds (N, C, T) in [-1, 1].

    Args:
        rate: samples a second.
        frames: windows, evenly spaced from the beginning to the end.
        bands: (K, bins) weights, as `mel_bands` and `log_bands` give for `window_size` of these sounds.
    """
    size = window_size(x.shape[2], rate)
    padded = torch.nn.functional.pad(x.float(), (size // 2, size // 2))  # every sample is in the middle of a window
    starts = torch.linspace(0, x.shape[2], frames, device=x.device).round().long()
    places = starts[:, None] + torch.arange(size, device=x.device)
    window = torch.hann_window(size, device=x.device)
    spectra = torch.fft.rfft(padded[:, :, places] * window).abs() * (2 / window.sum())  # 1 of a full sine's peak
    power = spectra.square() @ bands.to(x.device).T  # (N, C, frames, K)
    return 10 * power.clamp_min(FLOOR).log10().transpose(2, 3)


def window_size(length: int, rate: int) -> int:
    """Samples of a window: a power of two, of about `SECONDS`, not longer than the sound and at least 8."""
    wanted = 1 << round(math.log2(max(8.0, SECONDS * rate)))
    return max(8, min(wanted, 1 << (length.bit_length() - 1)))


def mel_bands(count: int, size: int, rate: int) -> Tensor:
    """(count, size / 2 + 1): triangles evenly spaced in mel, from 0 Hz to half of the rate."""
    return _triangles(mel_corners(count, rate), size, rate)


def mel_corners(count: int, rate: int) -> Tensor:
    """(count + 2,) Hz: where `count` triangles begin, are highest and end, evenly spaced in 2595 log10(1 + f / 700)."""
    top = 2595 * math.log10(1 + rate / 2 / 700)
    return 700 * (10 ** (torch.linspace(0, top, count + 2) / 2595) - 1)


def log_bands(count: int, size: int, rate: int, lowest: float) -> Tensor:
    """(count, size / 2 + 1): triangles evenly spaced in octaves, from `lowest` Hz to half of the rate."""
    octaves = torch.linspace(0, 1, count + 2) * math.log2(rate / 2 / lowest)
    return _triangles(lowest * 2**octaves, size, rate)


def _triangles(corners: Tensor, size: int, rate: int) -> Tensor:
    """Each rises from a corner to the next and falls to the one after that; where these are near, over a bin at least
    to both sides, so that none falls between two bins.
    """
    frequencies, bin_width = torch.arange(size // 2 + 1) * rate / size, rate / size
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    low, high = torch.minimum(low, middle - bin_width), torch.maximum(high, middle + bin_width)
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return torch.minimum(rising, falling).clamp_min(0)
