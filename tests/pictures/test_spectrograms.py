"""Sounds as pictures: a tone is a line at its pitch, louder is lighter, and the scales say where."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from zerosum.modality import Sound
from zerosum.pictures.render import renderer
from zerosum.pictures.spectrograms import HEIGHT, LOWEST, MARGIN, WIDTH, scale_of, spectrograms, with_scales

SOUND = Sound(1, 4096, 8000)


def tone(hertz: float, rate: int = 8000, count: int = 4096) -> Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(count) / rate)[None]


@pytest.mark.parametrize("hertz", [262.0, 440.0, 880.0, 2000.0])
def test_a_tone_is_a_line_at_its_pitch(hertz: float):
    picture = spectrograms(tone(hertz)[None], 8000)
    assert picture.shape == (1, 1, HEIGHT, WIDTH) and picture.min() == -1 and picture.max() > 0.9
    row = int(picture[0, 0, :, WIDTH // 2].argmax())
    octaves = math.log2(4000 / LOWEST)
    assert HEIGHT - row == pytest.approx(HEIGHT * math.log2(hertz / LOWEST) / octaves, abs=2)


def test_louder_is_lighter_and_channels_are_heard_together():
    loud, faint = spectrograms(torch.stack([tone(440), tone(440) / 30]), 8000)
    assert loud.max() > faint.max() > -1
    both = spectrograms(torch.cat([tone(440), tone(880)])[None], 8000)[0, 0, :, 48]
    assert (both > 0.5).sum() >= 2
    assert spectrograms(torch.full((1, 1, 4096), float("nan")), 8000).max() == -1


def test_a_grid_has_scales():
    picture = with_scales(torch.stack([tone(262), tone(523), tone(880)]), SOUND)
    pixels = np.asarray(picture)
    assert picture.mode == "L" and pixels.shape[1] > 2 * MARGIN and (pixels[:, : MARGIN - 2] < 200).any()
    assert scale_of(SOUND) == "0.51 s from left to right, 60 to 4,000 Hz upwards"


def test_every_picture_of_sounds_is_drawn():
    draw, x = renderer(SOUND), torch.stack([tone(262), tone(440)])
    pictures = [
        draw.picture(x, None),
        draw.row(x),
        draw.rows([x, x[:1]], ["one", "two"], "and a note", None),
        draw.walks(torch.stack([x, x, x]), None),
        draw.categories(torch.stack([x, x, x]), None),
    ]
    for picture in pictures:
        assert min(picture.size) >= HEIGHT and np.asarray(picture).std() > 10
    assert draw.walks(torch.stack([x, x, x]), None).height == 2 * HEIGHT + 2, "a row for each walk"
    assert "0.51 s" in draw.walk and "{}" in draw.walk


@pytest.mark.parametrize("sound", [Sound(1, 64, 100), Sound(2, 100, 8000), Sound(3, 5000, 48_000)])
def test_sounds_of_any_rate_and_length_are_drawn(sound: Sound):
    x = torch.rand(2, *sound.shape) * 2 - 1
    assert renderer(sound).picture(x, None).width > WIDTH
