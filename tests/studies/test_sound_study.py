"""The study of sounds in small: what is counted, that a part runs and goes on where it stopped, and its summary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Generator

from zerosum.data.sounds import tones
from zerosum.studies import STUDIES, sound_gan
from zerosum.studies.sound_gan import SOUND_GAN, heard, right


def test_it_is_known():
    assert STUDIES["sound-gan"] is SOUND_GAN and SOUND_GAN.seeds == (0, 1, 2) and SOUND_GAN.parts(0) == ("tones",)


def test_right_pitches_are_counted():
    x, pitch = tones.draw(100, Generator().manual_seed(3))
    found = heard(x)
    assert torch.equal(found, pitch) and right(found) == 1
    noise = torch.rand(100, 1, tones.LENGTH, generator=Generator().manual_seed(4)) * 2 - 1
    assert right(heard(torch.cat([x, noise]))) == 0.5


def test_the_summary_asks_for_every_pitch():
    parts = [
        {"seed": seed, "steps": 4000, "right": share, "real": 1.0, "noise": 0.0, "drawn": drawn, "least": 0.03}
        for seed, share, drawn in ((0, 0.99, 10), (1, 0.8, 10), (2, 0.97, 10))
    ]
    summary = SOUND_GAN.summarise(parts)
    assert summary["values"] == [0.99, 0.8, 0.97] and summary["drawn"] == [10, 10, 10] and summary["noise"] == [0, 0, 0]
    assert SOUND_GAN.reached(summary) and SOUND_GAN.ours(summary) == "0.99, 0.8, 0.97; pitches drawn: 10, 10, 10"
    assert not SOUND_GAN.reached({**summary, "drawn": [10, 9, 10]})
    assert not SOUND_GAN.reached({**summary, "values": [0.99, 0.7, 0.97]})


def test_a_part_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sound_gan, "COUNT", 20)
    found = sound_gan.run("tones", 100, 0.001, tmp_path / "tones")
    assert found["steps"] == 4 and found["real"] == 1 and found["noise"] == 0 and 0 <= found["right"] <= 1
    assert (tmp_path / "tones" / "sounds.png").exists()
    again = sound_gan.run("tones", 100, 0.001, tmp_path / "tones")
    assert again == found, "it went on from its last step, and had nothing left to do"
