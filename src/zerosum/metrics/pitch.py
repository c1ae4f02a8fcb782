"""The pitch of sounds, and the share of sounds that have one of the data's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, NotMeasurable
from zerosum.metrics.score import Score
from zerosum.modality import Sound
from zerosum.util import checks, rng

LOWEST, HIGHEST = 60.0, 2000.0  # Hz: pitches that are looked for
FINE = 8  # places between two samples where the autocorrelation is looked at
NEARLY = 0.97  # of the highest peak: the first one that is as high is taken, not a multiple of its period
CHUNK = 128  # sounds at once
FITTED = 2_000  # real sounds that the classes' pitches are found from, at most
KNOWN = 0.9  # of the sounds of each class, that must have one pitch, or the data has no known pitches


def fundamental(x: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """Fundamental frequencies in Hz, (N,), and how periodic the sounds are, (N,) from 0 to 1.

    By the autocorrelation of the windowed sound over that of the window; Boersma, 1993, "Accurate short-term analysis
    of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound". A sound that repeats itself
    exactly has a periodicity of 1, white noise of about 0.

    Args:
        x: (N, C, T) in [-1, 1]; the mean of the channels is looked at.
        rate: samples a second.

    Raises:
        ValueError: the sounds are too short for four periods of the lowest pitch, the rate is too low for it, or their
            shape is another.
    """
    checks.shapes("N C T", x=x)
    parts = [_fundamental(part, rate) for part in x.split(CHUNK)]
    return torch.cat([f for f, _ in parts]), torch.cat([p for _, p in parts])


def _fundamental(x: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    x = x.double().mean(1)
    length = x.shape[1]
    longest, shortest = int(rate / LOWEST) + 1, max(2, int(rate / HIGHEST))
    if length < 4 * longest:
        raise ValueError(f"sounds of {length} samples are too short for a pitch; {4 * longest} at {rate:,} Hz are not")
    window = torch.hann_window(length, dtype=torch.float64)
    size = 1 << (length + longest).bit_length()
    of_window = _autocorrelation(window[None], size)[:, : (longest + 2) * FINE]
    r = _autocorrelation((x - x.mean(1, keepdim=True)) * window, size)[:, : (longest + 2) * FINE]
    r = r / r[:, :1].clamp_min(1e-12) / (of_window / of_window[:, :1])  # (N, lags)
    lags = slice(shortest * FINE, (longest + 1) * FINE)
    here, before, after = (r[:, lags.start + by : lags.stop + by] for by in (0, -1, 1))
    peaks = torch.where((here >= before) & (here > after), here, -1.0)
    first = (peaks >= NEARLY * peaks.amax(1, keepdim=True)).int().argmax(1, keepdim=True)
    a, b, c = (values.gather(1, first) for values in (before, here, after))
    curve = (a - 2 * b + c).clamp(max=-1e-12)
    lag = (first + lags.start + 0.5 * (a - c) / curve) / FINE
    return (rate / lag)[:, 0], b[:, 0].clamp(0, 1)


def _autocorrelation(x: Tensor, size: int) -> Tensor:
    """Of rows (N, T), padded to `size`, at lags that are FINE times as dense as the samples."""
    power = torch.fft.rfft(x, size).abs().square()
    return torch.fft.irfft(power, FINE * size) * FINE


def matches(pitch: Tensor, periodicity: Tensor, pitches: Tensor, cents: float, least: float) -> Tensor:
    """(N,) int64: which of `pitches`, (K,) Hz, sounds have that lie within so many cents of it, the nearest; -1 where
    there is none, or the sound is less periodic than `least`.

    Args:
        pitch, periodicity: (N,) each, as `fundamental` gives them.
    """
    away = 1200 * (pitch[:, None].log2() - pitches.to(pitch)[None].log2()).abs()
    nearest, which = away.min(1)
    return torch.where((nearest <= cents) & (periodicity >= least), which, -1)


@dataclass(frozen=True)
class Pitch(Metric):
    """The share of sounds that have a pitch of the data, within a quarter tone, and how many of the pitches occur.

    The pitches are those of the data's classes, the median of each, where each class has one.
    """

    cents: Annotated[float, Gt(0), "hundredths of a semitone that a pitch may be off: 50 is a quarter tone"] = 50.0
    periodicity: Annotated[
        float, Gt(0), Lt(1), "autocorrelation at the period below which a sound has no pitch; white noise has about 0.1"
    ] = 0.8

    name = "pitch"
    needs = "samples"
    kind = Sound
    needs_distinct = False

    def why_not(self, context: Context) -> str:
        return "" if context.data.y is not None else "it needs data whose classes have a pitch each: sounds:tones"

    def measure(self, context: Context) -> dict[str, Score]:
        pitches = self.pitches(context)
        sound = context.fake.modality
        assert isinstance(sound, Sound)
        found = matches(*fundamental(context.fake.x, sound.rate), pitches, self.cents, self.periodicity)
        share, drawn = float((found >= 0).double().mean()), int(found[found >= 0].unique().numel())
        return {
            "right pitch": Score(share, "higher", intervals.of_share(share, len(found)), "binomial"),
            "pitches": Score(float(drawn), "higher", note=f"of {len(pitches)}; no interval: a count"),
        }

    def pitches(self, context: Context) -> Tensor:
        """(K,) Hz: the median of each class of the real data; `NotMeasurable` where sounds of a class differ in it."""
        data, sound = context.data, context.data.modality
        assert data.y is not None and isinstance(sound, Sound)
        labelled = (data.y >= 0).nonzero()[:, 0]
        order = rng.shuffled(len(labelled), 0)[:FITTED]
        rows = labelled[order]
        pitch, periodicity = fundamental(sound.load(data.x[rows]), sound.rate)
        found = []
        for k in data.y[rows].unique().tolist():
            own = data.y[rows] == k
            median = pitch[own].median()
            right = matches(pitch[own], periodicity[own], median[None], self.cents, self.periodicity) >= 0
            if float(right.double().mean()) < KNOWN:
                name = data.classes[k]
                raise NotMeasurable(
                    f"pitch needs classes of one pitch each, and sounds of {name!r} have several or none"
                )
            found.append(median)
        return torch.stack(found)
