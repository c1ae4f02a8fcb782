"""Trainings inside a study: seeded, on the GPU where there is one, and taken up again where they stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.game import Game
from zerosum.modality import Shape
from zerosum.recipe import Training
from zerosum.training import checkpoint
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.trainer import Hook, Trainer
from zerosum.util import distributed, rng
from zerosum.util.files import write_atomic


def trainer_of(build: Callable[[Shape], Game[Any]], dataset: Dataset, training: Training) -> Trainer:
    """A trainer at round 0; weights, noise and the order of the data follow from `training.seed`."""
    device = distributed.start()
    rng.seed(training.seed)
    game = build(dataset.shape)
    seed, size = training.seed, training.batch_size
    stream = data.Stream(dataset, size, seed=seed, device=device, batch=game.batch, flip=training.flip)
    return Trainer(game, stream, training, device)


def play(trainer: Trainer, folder: Path, hooks: Iterable[Hook] = ()) -> None:
    """Play all rounds that are left, going on from the newest checkpoint in `folder`.

    It saves every `training.checkpoint_every` rounds; `hooks` are called after each round, before it is saved, and keep
    what they have measured in `folder` themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if found := checkpoint.find(folder):
        checkpoint.resume(trainer, found[-1])
    trainer.train([*hooks, _forget, Checkpoints(folder)])


def _forget(trainer: Trainer) -> None:
    """Drop logged values, which a hook before this one may have read; `Diverged` if one is not finite."""
    if trainer.step % trainer.training.log_every == 0:
        trainer.pop_metrics()


class Series:
    """What a study's hook measures on the way, kept in a file: one look a round, in order."""

    def __init__(self, path: Path, key: str = "round"):
        self.path, self.key = path, key  # `key` names the round in a look

    def read(self) -> list[dict[str, Any]]:
        """All looks so far."""
        found: list[dict[str, Any]] = json.loads(self.path.read_bytes()) if self.path.exists() else []
        return found

    def add(self, *looks: dict[str, Any]) -> None:
        """Add looks, each with its round; they replace those of that round and later.

        A training that was cut off between a look and its checkpoint looks at the same round once more.
        """
        before = [look for look in self.read() if look[self.key] < min(new[self.key] for new in looks)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, json.dumps([*before, *looks]).encode())
