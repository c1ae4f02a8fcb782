"""The pitch of sounds: exact on tones, none of noise; and the share of sounds with a pitch of the data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Generator, Tensor

from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.data.sounds import syllables, tones
from zerosum.data.sounds.tones import PITCHES, RATE, SOUND
from zerosum.metrics.metric import NotMeasurable
from zerosum.metrics.pitch import Pitch, fundamental, matches
from zerosum.modality import Classes, Sound


def cents(found: Tensor, wanted: Tensor) -> Tensor:
    return 1200 * (found.log2() - wanted.double().log2()).abs()


def test_the_pitch_of_every_tone_of_the_source_is_found_within_a_cent():
    x, pitch = tones.draw(500, Generator().manual_seed(4))
    found, periodicity = fundamental(SOUND.load(SOUND.store(x)), RATE)
    assert cents(found, torch.tensor(PITCHES)[pitch]).max() < 1 and periodicity.min() > 0.99


@pytest.mark.parametrize(("hertz", "rate", "seconds"), [
    (61.0, 8000, 0.5), (82.4, 16000, 0.4), (440.0, 44100, 0.3), (1000.3, 8000, 0.2), (1900.0, 16000, 0.2)
])  # fmt: skip
def test_plain_tones_of_any_rate(hertz: float, rate: int, seconds: float):
    time = torch.arange(int(rate * seconds)) / rate
    x = torch.stack([torch.sin(2 * torch.pi * hertz * time + phase) for phase in torch.arange(0, 6, 0.7)])[:, None]
    found, periodicity = fundamental(x, rate)
    assert cents(found, torch.tensor(hertz)).max() < 5 and periodicity.min() > 0.98


def test_a_loud_octave_is_not_the_pitch():
    """At half the period the autocorrelation has a peak of 0.6; at the period one of 1."""
    time = torch.arange(4096) / 8000
    x = 0.5 * torch.sin(2 * torch.pi * 200 * time) + torch.sin(2 * torch.pi * 400 * time)
    found, periodicity = fundamental(x[None, None], 8000)
    assert cents(found, torch.tensor(200.0)).max() < 5 and periodicity > 0.98


def test_of_few_periods_a_tone_is_as_periodic():
    """Of four, the window's own autocorrelation has fallen to 0.68 at the first, which it is divided by."""
    time = torch.arange(540) / 8000
    found, periodicity = fundamental(torch.sin(2 * torch.pi * 61 * time)[None, None], 8000)
    assert cents(found, torch.tensor(61.0)).max() < 20 and periodicity > 0.95


def test_a_missing_fundamental_is_heard_and_stereo_is_mixed():
    time = torch.arange(4096) / 8000
    x = sum(torch.sin(2 * torch.pi * 200 * k * time) for k in (2, 3, 4))
    stereo = torch.stack([cast(Tensor, x), 0.5 * cast(Tensor, x)])[None]
    found, _ = fundamental(stereo, 8000)
    assert cents(found, torch.tensor(200.0)).max() < 5


def test_noise_and_silence_have_no_pitch():
    noise = torch.rand(300, 1, 4096, generator=Generator().manual_seed(1)) * 2 - 1
    _, periodicity = fundamental(noise, 8000)
    assert periodicity.max() < 0.3
    _, silent = fundamental(torch.zeros(2, 1, 4096), 8000)
    assert silent.tolist() == [0, 0]


def test_tones_in_noise_keep_their_pitch():
    x, pitch = tones.draw(200, Generator().manual_seed(5))
    noisy = x + 0.3 * x.std((1, 2), keepdim=True) * torch.randn(x.shape, generator=Generator().manual_seed(6))
    found, periodicity = fundamental(noisy, RATE)
    assert cents(found, torch.tensor(PITCHES)[pitch]).max() < 30 and 0.8 < periodicity.min() < 0.99


def test_a_glide_is_less_periodic_than_a_steady_tone():
    time = torch.arange(4096) / 8000
    glide = torch.sin(2 * torch.pi * (200 * time + 586 * time.square()))  # from 200 to 800 Hz
    assert fundamental(glide[None, None], 8000)[1] < 0.8


def test_sounds_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match="sounds of 100 samples are too short for a pitch; 536 at 8,000 Hz are not"):
        fundamental(torch.zeros(1, 1, 100), 8000)


def test_a_sound_matches_the_nearest_pitch_within_a_quarter_tone():
    pitches = torch.tensor([220.0, 440.0])
    heard = torch.tensor([220.0, 226.0, 227.0, 440.0, 430.0, 300.0])
    assert matches(heard, torch.ones(6), pitches, 50, 0.8).tolist() == [0, 0, -1, 1, 1, -1]
    assert matches(heard, torch.full((6,), 0.7), pitches, 50, 0.8).tolist() == [-1] * 6


# ---- the metric


def data_of(x: Tensor, y: Tensor, names: tuple[str, ...], sound: Sound = SOUND) -> Dataset:
    return dataset_of("sounds", {"x": Field(sound, sound.store(x)), "y": Field(Classes(names), y)})


def context(data: Dataset, fakes: Tensor) -> Any:
    """What the metric reads of a context."""
    return SimpleNamespace(data=data, fake=SimpleNamespace(modality=data.modality, x=fakes))


def test_the_share_of_right_pitches_and_how_many_of_them_occur():
    x, pitch = tones.draw(400, Generator().manual_seed(7))
    data = data_of(x, pitch, tones.NAMES)
    low = x[pitch < 3]
    wrong = torch.sin(2 * torch.pi * 277.2 * torch.arange(4096) / RATE).expand(len(low), 1, -1)  # C sharp
    scores = Pitch().measure(context(data, torch.cat([low, wrong])))
    assert scores["right pitch"].value == 0.5 and scores["pitches"].value == 3
    assert scores["pitches"].note == "of 10; no interval: a count"
    assert Pitch().measure(context(data, x))["right pitch"].value == 1
    noise = torch.rand(50, 1, 4096, generator=Generator().manual_seed(8)) * 2 - 1
    scores = Pitch().measure(context(data, noise))
    assert scores["right pitch"].value == scores["pitches"].value == 0


def test_data_without_classes_of_one_pitch_is_not_measured():
    x, name = syllables.draw(200, Generator().manual_seed(9))
    with pytest.raises(NotMeasurable, match="pitch needs classes of one pitch each, and sounds of 'a' have several"):
        Pitch().measure(context(data_of(x, name, syllables.NAMES), x))
    bare = dataset_of("sounds", {"x": Field(SOUND, SOUND.store(x))})
    assert Pitch().unavailable(context(bare, x)) == "it needs data whose classes have a pitch each: sounds:tones"
