"""The networks for sounds learn in seconds: short tones of two pitches, at any phase."""

from __future__ import annotations

import torch

from zerosum import data
from zerosum.data.dataset import Field, dataset_of
from zerosum.games import find
from zerosum.metrics.pitch import fundamental, matches
from zerosum.modality import Sound
from zerosum.recipe import Training
from zerosum.run.sampling import sample
from zerosum.training.trainer import Trainer
from zerosum.util import rng

SOUND = Sound(1, 600, 8000)
PITCHES = torch.tensor([300.0, 500.0])


def test_both_pitches_are_drawn_and_no_other():
    generator = torch.Generator().manual_seed(0)
    which, phase = torch.randint(2, (500, 1), generator=generator), torch.rand(500, 1, generator=generator)
    turns = PITCHES[which] * torch.arange(SOUND.samples) / SOUND.rate + phase
    tones = 0.5 * torch.sin(2 * torch.pi * turns)[:, None]
    loaded = dataset_of("two tones", {"x": Field(SOUND, SOUND.store(tones))})
    rng.seed(0)
    config = {"latent_dim": 12, "clusters": 8}
    game = find("r3gan/sounds").build(loaded.spec, {"config": config, "network": {"hidden": 64, "width": 32}})
    stream = data.Stream(loaded, 32, seed=0)
    trainer = Trainer(game, stream, Training(steps=500, batch_size=32, average=0.95, precision="fp32"))
    trainer.train([lambda trainer: trainer.pop_metrics() and None])

    found = matches(*fundamental(sample(trainer.sampler, 200, seed=1), SOUND.rate), PITCHES, 50, 0.8)
    right = found[found >= 0]
    assert len(right) > 160 and right.bincount(minlength=2).min() > 20
