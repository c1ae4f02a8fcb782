"""Class-conditional trainings on MNIST for studies, and the accuracy of their classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.game import Game
from zerosum.games import find
from zerosum.metrics import extractors
from zerosum.roles import Generates, in_role
from zerosum.run.sampling import default_labels, sample
from zerosum.studies import training
from zerosum.studies.gan_parzen import SAMPLES
from zerosum.studies.gan_survival import TRAINED
from zerosum.util import distributed


def mnist() -> Dataset:
    """MNIST's first 50,000 images with their classes."""
    return training.rows_of(data.load("mnist"), slice(TRAINED), "mnist, first 50,000")


def train(recipe: str, training_set: Dataset, seed: int, fraction: float, folder: Path) -> Game[Any]:
    """The recipe's game after all its rounds, or a fraction of them, with averaged weights."""
    chosen = find(recipe)
    settings = replace(chosen.training, seed=seed, steps=max(1, round(chosen.training.steps * fraction)), keep=1)
    trainer = training.trainer_of(chosen.build, training_set, settings)
    training.play(trainer, folder)
    return trainer.sampler


def draw_samples(game: Game[Any], seed: int) -> tuple[Tensor, Tensor]:
    """Samples, (SAMPLES, *shape), as many of each class, and their labels."""
    labels = default_labels(in_role(game, Generates).condition, SAMPLES)
    assert labels is not None
    return sample(game, SAMPLES, seed=seed, labels=labels, batch_size=1000), labels


def class_accuracy(samples: Tensor, labels: Tensor) -> dict[str, Any]:
    """The share, in %, that the packaged digit network takes for their label: of all, and of each class."""
    _, logits = extractors.find("digits", distributed.start())(samples)
    assert logits is not None
    right = logits.argmax(1).cpu() == labels
    of_each = [round(100 * float(right[labels == k].double().mean()), 2) for k in labels.unique().tolist()]
    return {"accuracy": round(100 * float(right.double().mean()), 4), "of_each_class": of_each}
