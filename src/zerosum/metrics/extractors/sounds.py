"""Features of sounds: how loud each band of the mel scale is, in each quarter of the sound."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.metrics.extractors import Extractor, Features
from zerosum.modality import Sound
from zerosum.util import spectra

BANDS, FRAMES, PARTS = 64, 32, 4  # bands; windows of a sound; parts in which those are averaged
TENS = 10.0  # features are in tens of dB, from -6 of silence to 0 of a full sine


def mel_spectra(sound: Sound, device: torch.device) -> Extractor:
    """(N, C * 64 * 4) of sounds (N, C, T): loudness in tens of dB of 64 bands of the mel scale, in four parts of time.

    Phases do not count, as they do not to ears.
    """
    bands = spectra.mel_bands(BANDS, spectra.window_size(sound.samples, sound.rate), sound.rate).to(device)

    def function(x: Tensor) -> Features:
        loud = spectra.decibels(x.to(device).nan_to_num().clamp(-1, 1), sound.rate, FRAMES, bands) / TENS
        return Features(F.adaptive_avg_pool2d(loud, (BANDS, PARTS)).flatten(1))

    return Extractor("mel-spectra", f"{BANDS} bands, {PARTS} parts", "none", function)


def loudest(sound: Sound, features: Tensor) -> float:
    """The frequency in Hz of the band that is the loudest in features (F,) of `mel_spectra`."""
    band = int(features.view(sound.channels, BANDS, PARTS).mean((0, 2)).argmax())
    return float(spectra.mel_corners(BANDS, sound.rate)[band + 1])
