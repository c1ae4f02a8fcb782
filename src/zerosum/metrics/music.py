"""Melodies beside real ones: how many notes keep to a key, and how near their intervals and durations are."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import HeldOutTextMetric
from zerosum.modality import Notes
from zerosum.util.notes import OCTAVE, SCALES, Note, pitches

Melody = Sequence[Note]
K = TypeVar("K", bound=Hashable)


def in_key(melodies: Sequence[Melody]) -> Tensor:
    """(N, 2) float64: how many notes of each melody are of the key that most of them are of, and how many it has.

    A key is one of the twelve major scales; a natural minor scale has the notes of one of them.
    """
    rows = []
    for melody in melodies:
        classes = Counter(pitch % OCTAVE for pitch in pitches(melody))
        most = max(sum(count for place, count in classes.items() if place in scale) for scale in SCALES)
        rows.append([most, classes.total()])
    return torch.tensor(rows, dtype=torch.float64).view(-1, 2)


def shares(values: Iterable[K]) -> dict[K, float]:
    """How often each value occurs, over all of them."""
    counts = Counter(values)
    return {value: count / counts.total() for value, count in counts.items()}


def steps(melodies: Sequence[Melody]) -> dict[int, float]:
    """The histogram of intervals: semitones from each note to the next one of its melody, upwards positive."""
    pairs = (pair for melody in melodies for pair in itertools.pairwise(pitches(melody)))
    return shares(after - before for before, after in pairs)


def durations(melodies: Sequence[Melody]) -> dict[Hashable, float]:
    """The histogram of the lengths of notes, and of those of rests, apart."""
    return shares((note.pitch is None, note.length) for melody in melodies for note in melody)


def total_variation(p: Mapping[K, float], q: Mapping[K, float]) -> float:
    """Half the sum of what two histograms differ by, from 0 to 1; 1 where one of them is empty and the other not."""
    if not p or not q:
        return float(bool(p) != bool(q))
    return sum(abs(p.get(value, 0.0) - q.get(value, 0.0)) for value in {*p, *q}) / 2


def share_in_key(melodies: Sequence[Melody]) -> float:
    """Of all their notes; 0 where there are none."""
    found, count = in_key(melodies).sum(0).tolist()
    return found / count if count else 0.0


@dataclass(frozen=True)
class Music(HeldOutTextMetric):
    """The share of notes in key, and the distances of intervals and durations to those of real melodies.

    The key of a melody is the major scale that most of its notes are of, which any few notes nearly have: look at what
    `shuffled` and `noise` score. Both distances are total variations of histograms, against held-out melodies where
    there are any; they do not see in which order things come, and fall with the number of melodies.
    """

    name = "music"
    kind = Notes

    def measure(self, context: Context) -> dict[str, Score]:
        notes = self.tokens(context)
        assert isinstance(notes, Notes)
        written, real = notes.melodies(context.fake.stored), notes.melodies(self.real(context))
        counts = in_key(written)
        share = share_in_key(written)
        spread = (counts[:, 0] - share * counts[:, 1]) / counts[:, 1].mean().clamp_min(1e-9) + share
        note = "no interval: a distance of histograms"
        return {
            "in key": Score(share, "higher", intervals.of_mean(spread, 0.0, 1.0), "Student's t, of the melodies"),
            "interval distance": Score(total_variation(steps(written), steps(real)), "lower", note=note),
            "duration distance": Score(total_variation(durations(written), durations(real)), "lower", note=note),
        }
