"""Each game of classes makes the class that is asked for, and CGAN the vector, in seconds and with its toy recipe."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import torch

from zerosum.data import Stream, load
from zerosum.data.dataset import Dataset, dataset
from zerosum.data.points import mixture
from zerosum.games import find
from zerosum.modality import Vector
from zerosum.roles import Classifies, Generates, in_role
from zerosum.training.trainer import Trainer
from zerosum.util import rng

RING = mixture.ring()  # eight classes
ROUNDS = 600


def trained(name: str, data: Dataset, options: dict[str, Any], **training: Any) -> Trainer:
    recipe = find(name)
    rng.seed(0)
    game = recipe.build(data.spec, options)
    stream = Stream(data, recipe.training.batch_size, seed=0, batch=recipe.batch)
    trainer = Trainer(game, stream, replace(recipe.training, steps=ROUNDS, precision="fp32", **training))
    start = time.process_time()
    trainer.train()
    print(name, options, f"{time.process_time() - start:.1f} s")
    return trainer


def generate(trainer: Trainer, y: torch.Tensor) -> torch.Tensor:
    """Samples of these classes or vectors, with averaged weights."""
    role = in_role(trainer.sampler, Generates)
    return role.generate(role.prior.draw(len(y)), y)


def obedience(trainer: Trainer) -> list[float]:
    """Of each class: the share of its samples within 0.2 of its mode; neighbouring modes are 0.77 apart."""
    y = torch.arange(2000) % 8
    with torch.no_grad():
        x = generate(trainer, y)
    near = ((x - RING.means[y]).norm(dim=1) < 0.2).float()
    return [float(near[y == k].mean()) for k in range(8)]


GAMES: list[tuple[str, dict[str, Any]]] = [
    ("cgan/toy", {}),
    ("cgan/toy", {"network": {"condition": "projection"}}),
    ("cgan/toy", {"config": {"objective": "relativistic", "penalties": {"r1-r2": 0.05}, "shared_fakes": True}}),
    ("acgan/toy", {}),
    ("r3gan/toy-classes", {}),
]


@pytest.mark.parametrize(("name", "options"), GAMES, ids=str)
def test_it_makes_the_class_that_is_asked_for(name: str, options: dict[str, Any], record_property):
    found = obedience(trained(name, load("ring"), options))
    record_property("learnt", f"{name} {options}: {min(found):.2f}")
    assert min(found) >= 0.95


def test_acgan_learns_the_classes_from_a_few_labels(record_property):
    trainer = trained("acgan/toy", load("ring").with_labels(32, 0), {})
    found = obedience(trainer)
    record_property("learnt", f"acgan/toy, 32 labels: {min(found):.2f}")
    assert min(found) >= 0.9
    data = load("ring")
    classify = in_role(trainer.sampler, Classifies).classifier()
    assert data.y is not None
    with torch.no_grad():
        right = classify(data.x[:2000]).argmax(1) == data.y[:2000]
    assert right.float().mean() > 0.95


def test_cgan_makes_the_vector_that_is_asked_for(record_property):
    """x = c + N(0, 0.2^2) for any c of a square; the best constant would be 0.58 off in each coordinate."""
    draw = torch.Generator().manual_seed(1)
    c = torch.rand(20_000, 2, generator=draw) * 2 - 1
    noisy = dataset("noisy vectors", c + 0.2 * torch.randn(20_000, 2, generator=draw), conditions=c)
    assert noisy.condition == Vector(2)
    trainer = trained("cgan/toy", noisy, {})
    asked = torch.tensor([[0.7, 0.7], [-0.7, 0.7], [0.0, -0.7]])
    with torch.no_grad():
        x = generate(trainer, asked.repeat_interleave(1000, 0)).reshape(3, 1000, 2)
    off, spread = (x.mean(1) - asked).abs().max().item(), x.std(1)
    record_property("learnt", f"cgan/toy, vectors: {off:.2f} off, deviations {spread.flatten().tolist()}")
    assert off < 0.25 and spread.min() > 0.02 and spread.max() < 0.3


def test_untrained_games_make_anything():
    trainer = trained("cgan/toy", load("ring"), {"config": {"g_optimizer": {"lr": 1e-9}}})
    assert min(obedience(trainer)) < 0.1
