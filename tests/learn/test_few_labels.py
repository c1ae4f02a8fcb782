"""Discriminators that know classes learn them from few labels, in seconds."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import torch

from zerosum.data import Stream, load
from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.modality import to_float
from zerosum.roles import Classifies, Discriminates, Generates, in_role
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def trained(name: str, data: Dataset, options: dict[str, Any], **training: Any) -> Trainer:
    recipe = find(name)
    rng.seed(0)
    game = recipe.build(data.spec, options)
    settings = replace(recipe.training, precision="fp32", **training)
    trainer = Trainer(game, Stream(data, settings.batch_size, seed=0, batch=recipe.batch), settings)
    start = time.process_time()
    trainer.train()
    print(name, options, f"{time.process_time() - start:.1f} s")
    return trainer


def accuracy(trainer: Trainer, data: Dataset) -> float:
    network = in_role(trainer.sampler, Classifies).classifier()
    assert data.y is not None
    with torch.no_grad():
        return float((network(to_float(data.x)).argmax(1) == data.y).float().mean())


@pytest.mark.parametrize("options", [{}, {"fake_logit": "explicit"}, {"generator": "non-saturating"}], ids=str)
def test_sgan_learns_eight_classes_from_sixteen_labels(options: dict[str, Any], record_property):
    data = load("ring")
    trainer = trained("sgan/toy", data.with_labels(16, 0), {"config": options}, steps=600)
    found = accuracy(trainer, data)
    record_property("learnt", f"sgan/toy {options}: {found:.3f}")
    assert found >= 0.97
    role, judge = in_role(trainer.sampler, Generates), in_role(trainer.sampler, Discriminates)
    with torch.no_grad():
        made = role.generate(role.prior.draw(2000))
    real, fake = (judge.score(x).mean() for x in (data.x[:2000], torch.zeros(2000, 2)))
    assert real > fake, "the middle of the ring is no data"
    assert ((made.norm(dim=1) - 1).abs() < 0.5).float().mean() > 0.5


@pytest.mark.parametrize("name", ["sgan/images", "bad-gan/images"])
def test_digits_from_a_hundred_labels(name: str, record_property):
    """Chance is 0.1. The images are half as large."""
    data = load("digits", size=(14, 14))
    options = {"config": {"density_steps": 20, "density_every": 2}} if name.startswith("bad") else {}
    trainer = trained(name, data.with_labels(100, 0), options, steps=300, batch_size=32, average=0.9)
    found = accuracy(trainer, data)
    record_property("learnt", f"{name}: {found:.3f}")
    assert found >= 0.75
