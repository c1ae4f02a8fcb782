"""Notes in key, and histograms of intervals and durations: by hand, and on melodies that are known."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from zerosum import data
from zerosum.metrics.metric import Context
from zerosum.metrics.music import Music, durations, in_key, share_in_key, steps, total_variation
from zerosum.modality import Notes, Tokens
from zerosum.util.notes import Note, parse


def melody(written: str) -> list[Note]:
    return [cast(Note, parse(token)) for token in written.split()]


@pytest.mark.parametrize(("written", "within", "count"), [
    ("C4:1/4 D4:1/4 E4:1/4 F4:1/4 G4:1/4 A4:1/4 B4:1/4", 7, 7),
    ("A3:1/4 C4:1/4 E4:1/4 R:1/4 A4:1", 4, 4),
    ("C4:1/4 C#4:1/4 D4:1/4 D#4:1/4", 3, 4),
    ("C4:1/4 C#4:1/4 D4:1/4 D#4:1/4 E4:1/4 F4:1/4 F#4:1/4 G4:1/4 G#4:1/4 A4:1/4 A#4:1/4 B4:1/4", 7, 12),
    ("F#2:1/8 G#7:1/8 A#4:1/2", 3, 3),
    ("R:1/4", 0, 0),
])  # fmt: skip
def test_notes_in_the_best_key(written: str, within: int, count: int):
    assert in_key([melody(written)]).tolist() == [[within, count]]


def test_shares_are_over_all_notes():
    assert share_in_key([melody("C4:1 C#4:1 D4:1 D#4:1"), melody("C4:1")]) == pytest.approx(4 / 5)
    assert share_in_key([]) == share_in_key([melody("R:1")]) == 0


def test_histograms_by_hand():
    written = [melody("C4:1/4 E4:1/8 R:1/8 D4:1/4"), melody("C5:1/4 C5:1/4")]
    assert steps(written) == {4: 1 / 3, -2: 1 / 3, 0: 1 / 3}, "a rest is passed over"
    quarter, eighth = Fraction(1, 4), Fraction(1, 8)
    assert durations(written) == {(False, quarter): 4 / 6, (False, eighth): 1 / 6, (True, eighth): 1 / 6}


def test_total_variation_by_hand():
    assert total_variation({1: 0.5, 2: 0.5}, {2: 0.25, 3: 0.75}) == pytest.approx(0.75)
    assert total_variation({1: 1.0}, {1: 1.0}) == 0 and total_variation({1: 1.0}, {2: 1.0}) == 1
    assert total_variation({}, {2: 1.0}) == 1 and total_variation({}, {}) == 0


def context(ids: torch.Tensor, notes: Tokens, real: torch.Tensor) -> Context:
    fake = SimpleNamespace(modality=notes, stored=ids)
    return cast(Context, SimpleNamespace(fake=fake, real=SimpleNamespace(stored=real), test=None))


def test_real_melodies_are_in_key_and_near_and_shuffled_ones_are_not():
    source = data.load("melodies", seed=7)
    notes = source.modality
    assert isinstance(notes, Notes)

    def scores(ids: torch.Tensor) -> dict[str, Any]:
        return {name: score.value for name, score in Music().measure(context(ids, notes, source.x[:5000])).items()}

    real = scores(source.x[5000:])
    assert real["in key"] == 1 and real["interval distance"] < 0.02 and real["duration distance"] < 0.02
    noise = scores(notes.noise(2000, torch.Generator().manual_seed(0), source.x))
    assert 0.6 < noise["in key"] < 0.85 and noise["interval distance"] > 0.5 and noise["duration distance"] > 0.2
    within = notes.within(source.x[5000:])
    order = torch.rand(within.shape, generator=torch.Generator().manual_seed(0)).masked_fill(~within, 2.0).argsort(1)
    shuffled = scores(source.x[5000:].gather(1, order))
    assert shuffled["in key"] == 1 and shuffled["interval distance"] > 0.2 and shuffled["duration distance"] < 0.02


def test_the_interval_holds_the_share_and_is_of_melodies():
    source = data.load("melodies", seed=8)
    notes = source.modality
    ids = notes.noise(500, torch.Generator().manual_seed(1), source.x)
    score = Music().measure(context(ids, cast(Tokens, notes), source.x[:500]))["in key"]
    assert score.interval is not None
    low, high = score.interval
    assert low < score.value < high < low + 0.04


def test_texts_are_no_melodies():
    texts = Tokens(("<unk>", "<eos>", "C4:1/4"), 3)
    fake = SimpleNamespace(modality=texts, stored=torch.zeros(2, 3))
    assert Music().unavailable(cast(Context, SimpleNamespace(fake=fake))) == "it is for melodies"
