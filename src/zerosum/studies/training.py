"""Trainings inside a study: seeded, on the GPU where there is one, and taken up again where they stopped."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.game import Game
from zerosum.modality import Spec, to_float, to_uint8
from zerosum.recipe import Training
from zerosum.roles import Translates, in_role
from zerosum.training import checkpoint
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.trainer import Diverged, Hook, Trainer
from zerosum.util import distributed, rng
from zerosum.util.files import write_atomic

M = TypeVar("M", bound=nn.Module)
AT_A_TIME = 1000  # images through a network that is measured


@dataclass(frozen=True)
class Split:
    """Labelled samples to learn from, and to test on."""

    train: Dataset
    test: Dataset

    @classmethod
    def mnist(cls) -> Split:
        """MNIST's 60,000 training and 10,000 test images."""
        return cls(data.load("mnist"), data.load("mnist:test"))


def rows_of(labelled: Dataset, rows: Tensor | slice, name: str) -> Dataset:
    """Some samples of a set with classes."""
    assert labelled.y is not None
    return dataset(name, labelled.x[rows], labelled.y[rows], labelled.classes)


def shortened(training: Training, seed: int, fraction: float, checkpoints: int) -> Training:
    """`training` with this seed, a fraction of its steps and so many checkpoints, of which the newest is kept."""
    steps = max(1, round(training.steps * fraction))
    return replace(training, steps=steps, seed=seed, checkpoint_every=-(-steps // checkpoints), keep=1)


def last_weights(steps: int, batch_size: int, seed: int, log_every: int, checkpoint_every: int) -> Training:
    """In single precision and without averaged weights; the newest checkpoint is kept."""
    return Training(
        steps, batch_size, seed, 0.0, "fp32", log_every=log_every, checkpoint_every=checkpoint_every, keep=1
    )


def trainer_of(build: Callable[[Spec], Game[Any]], dataset: Dataset, training: Training) -> Trainer:
    """A trainer at step 0; weights, noise and the order of the data follow from `training.seed`."""
    device = distributed.start()
    rng.seed(training.seed)
    game = build(dataset.spec)
    seed, size = training.seed, training.batch_size
    stream = data.Stream(dataset, size, seed=seed, device=device, batch=game.batch, flip=training.flip)
    return Trainer(game, stream, training, device)


def play(trainer: Trainer, folder: Path, hooks: Iterable[Hook] = ()) -> None:
    """Play all steps that are left, going on from the newest checkpoint in `folder`.

    It saves every `training.checkpoint_every` steps; `hooks` are called after each step, before it is saved, and keep
    what they have measured in `folder` themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if newest := checkpoint.newest(folder):
        checkpoint.resume(trainer, newest)
    trainer.train([*hooks, _forget, Checkpoints(folder)])


def through(
    function: Callable[[Tensor], Tensor], images: Tensor, device: torch.device, at_a_time: int = AT_A_TIME
) -> Tensor:
    """What a function of images in [-1, 1] gives of all these, (N, C, H, W) bytes, part by part: (N, ...)."""
    return torch.cat([function(part) for part in _parts(images, device, at_a_time)])


def _parts(images: Tensor, device: torch.device, at_a_time: int) -> Iterator[Tensor]:
    return (to_float(part).to(device) for part in images.split(at_a_time))


@torch.no_grad()
def calibrated(network: M, images: Tensor, device: torch.device) -> M:
    """A copy that no longer learns, whose batch norm has the mean and variance of all these images, (N, C, H, W) bytes.

    Running averages are of the last few batches only, and lag behind the weights.
    """
    network = copy.deepcopy(network)
    update_bn(_parts(images, device, AT_A_TIME), network)
    return network.eval()


@torch.no_grad()
def translated(trainer: Trainer, images: Tensor, at_a_time: int) -> Tensor:
    """Translations, uint8 (N, C', H', W'), of images, uint8 (N, C, H, W), in evaluation mode; the averaged weights'."""
    role = in_role(trainer.sampler.eval(), Translates)
    parts = images.split(at_a_time)
    return torch.cat([to_uint8(role.translate(to_float(x).to(trainer.device))).cpu() for x in parts])


def _forget(trainer: Trainer) -> None:
    """Drop logged values, which a hook before this one may have read; `Diverged` if one is not finite."""
    if trainer.step % trainer.training.log_every == 0:
        trainer.pop_metrics()


class Series:
    """Measurements of a training on the way, kept in a file: points with their round, in order.

    Args:
        path: the file, JSON.
        key: the name of the round in a point.
    """

    def __init__(self, path: Path, key: str = "round"):
        self.path, self.key = path, key

    def read(self) -> list[dict[str, Any]]:
        """All points so far."""
        points: list[dict[str, Any]] = json.loads(self.path.read_bytes()) if self.path.exists() else []
        return points

    def add(self, *points: dict[str, Any]) -> None:
        """Add points; they replace those of that round and later.

        A training that was cut off between a measurement and its checkpoint measures the same round once more.
        """
        before = [point for point in self.read() if point[self.key] < min(new[self.key] for new in points)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, json.dumps([*before, *points]).encode())

    def measuring(self, measure: Callable[[Trainer], Mapping[str, Any]], every: int) -> Hook:
        """A hook that adds the point {key: round, **measure(trainer)} every `every` steps, and in the last one."""

        def hook(trainer: Trainer) -> None:
            if trainer.step % every == 0 or trainer.step == trainer.training.steps:
                self.add({self.key: trainer.step, **measure(trainer)})

        return hook


def require_finite(trainer: Trainer, samples: Tensor) -> Tensor:
    """Samples as they are; `Diverged` where one is not finite, which no measure is of."""
    if not bool(samples.isfinite().all()):
        raise Diverged(trainer.step, "a sample", float("nan"))
    return samples


def play_measured(
    trainer: Trainer,
    folder: Path,
    measure: Callable[[Trainer], Mapping[str, Any]],
    every: int,
    lost: Mapping[str, Any] | None = None,
    from_start: bool = False,
) -> list[dict[str, Any]]:
    """`play`, and `measure` every `every` steps and in the last one: all points, each with its "round".

    Args:
        from_start: measure the first weights, too, as round 0.
        lost: what a training that diverges is worth: its last point, with what diverged; None: the error goes on.
    """
    series = Series(folder / "series.json")
    hook = series.measuring(measure, every)
    if from_start and not series.read():
        hook(trainer)
    try:
        play(trainer, folder, [hook])
    except Diverged as error:
        if lost is None:
            raise
        series.add({series.key: trainer.step, **lost, "diverged": error.what})
    return series.read()
