"""Networks for sounds: any length and channels, and a discriminator that hears loudness and no phase."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.games import find
from zerosum.losses.penalties import r1
from zerosum.modality import Image, Sound, Spec
from zerosum.networks.sounds import FAINT, Discriminator, Generator, window_of


@pytest.mark.parametrize("sound", [
    Sound(1, 4096, 8000), Sound(2, 1000, 8000), Sound(1, 64, 8000), Sound(1, 97, 44_100), Sound(3, 16_384, 44_100)
])  # fmt: skip
def test_sounds_of_any_length_and_channels(sound: Sound):
    made = Generator(6, sound.shape, hidden=16)(torch.randn(4, 6))
    assert made.shape == (4, *sound.shape) and made.abs().max() <= 1
    logits = Discriminator(sound.shape, window_of(sound), width=8, hidden=16, outputs=2)(made)
    assert logits.shape == (4, 2) and logits.isfinite().all()


def test_d_begins_near_zero_and_g_quietly():
    torch.manual_seed(0)
    made = Generator(40, (1, 4096))(torch.randn(64, 40)).detach()
    assert 0.05 < float(made.std()) < 0.3
    logits = Discriminator((1, 4096), 512)(made)
    assert float(logits.detach().abs().mean()) < 3


def test_loudness_is_of_frequencies_and_silence_is_low():
    d = Discriminator((1, 4096), 512)
    time = torch.arange(4096) / 8000
    heard = d.loudness(torch.stack([torch.sin(2 * torch.pi * 1000 * time), torch.zeros(4096)])[:, None])
    assert heard.shape == (2, 1, 257, 33)
    assert int(heard[0, 0, :, 16].argmax()) == 64 and float(heard[0, 0, 64, 16]) == pytest.approx(3, abs=0.01)
    torch.testing.assert_close(heard[1], torch.full_like(heard[1], 4 * FAINT**0.25 - 1))


def test_another_phase_sounds_the_same_and_another_pitch_does_not():
    torch.manual_seed(0)
    d, time = Discriminator((1, 4096), 512), torch.arange(4096) / 8000
    wave = [torch.sin(2 * torch.pi * hertz * time + phase) for hertz, phase in ((500, 0), (500, 2), (550, 0))]
    same, moved, other = d(torch.stack(wave)[:, None]).flatten().tolist()
    assert abs(same - moved) < 0.1 * abs(same - other)


def test_penalties_have_second_derivatives_also_at_silence():
    d = Discriminator((1, 500), 128, width=8, hidden=16)
    penalty = r1(d, torch.cat([torch.zeros(2, 1, 500), 0.1 * torch.randn(2, 1, 500)]))
    penalty.backward()
    for p in d.parameters():
        assert p.grad is None or p.grad.isfinite().all()
    assert sum(p.grad is not None for p in d.parameters()) > 4


def test_the_recipe_takes_packs_and_refuses_images():
    recipe, spec = find("r3gan/sounds"), Spec({"x": Sound(2, 500, 8000)}, count=100)
    small = {"network": {"hidden": 8, "width": 4}, "config": {"packing": 3}}
    game = recipe.build(spec, small).core
    assert isinstance(game.discriminator, nn.Module)
    assert game.discriminator(torch.zeros(2, 6, 500)).shape == (2, 1)
    with pytest.raises(
        ValueError, match="this recipe is for sounds, not for images of 1x8x8; `zerosum list` has others"
    ):
        recipe.build(Spec({"x": Image(1, 8, 8)}, count=100))
