"""`zerosum reproduce dcgan-features`: does DCGAN's discriminator learn what tells photographs' classes apart?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zerosum import data
from zerosum.games.two_player import TwoPlayer
from zerosum.metrics.linear_svm import TOLERANCE, linear_svm
from zerosum.modality import Spec, to_float
from zerosum.networks.deep_dcgan import WIDTH, Discriminator, Generator
from zerosum.recipe import Training
from zerosum.studies import training
from zerosum.studies.study import Measurements, Study
from zerosum.studies.training import Split
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng

OWN, PIXELS = "dcgan", "pixels"
Z, HALF = 256, WIDTH // 2
ROUNDS, BATCH = 3_000, 128
CHECKPOINTS = 2  # times that a training's features are measured, after the one of its first weights; the last counts
HELD_OUT = 5_000  # of the training images, drawn once for all seeds, on which C is chosen
COSTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # tried upwards until one is worse than the one before


class Score(NamedTuple):
    """How often a linear support vector machine finds the class of a test image, in %, and what it was fitted with."""

    accuracy: float
    cost: float
    edge: bool  # whether the cost is the lowest or the highest of `COSTS`, so that one beyond may be better
    converged: bool


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train DCGAN and measure its features as it learns; or measure the pixels."""
    split = Split(data.load("cifar10"), data.load("cifar10:test"))
    if part == PIXELS:
        device = distributed.start()
        score = scored(split, *(to_float(of.x).flatten(1).to(device) for of in (split.train, split.test)))
        return {"part": part, "seed": seed, "data": split.train.name, **score._asdict()}
    return train(split, seed, fraction, folder)


def train(split: Split, seed: int, fraction: float, folder: Path, width: int = HALF) -> dict[str, Any]:
    """The accuracy of D's features at the end of a training, and the series of all measurements."""
    whole = Training(ROUNDS, BATCH, average=0.0, precision="fp32")
    settings = training.shortened(whole, seed, fraction, CHECKPOINTS)

    def build(spec: Spec) -> TwoPlayer:
        shape = spec.x.shape
        config = TwoPlayer.Config(latent_dim=Z, prior="uniform", shared_fakes=True)
        return TwoPlayer(Generator(Z, shape, width), Discriminator(shape, width), config)

    def measure(trainer: Trainer) -> dict[str, float]:
        game = trainer.sampler
        assert isinstance(game, TwoPlayer) and isinstance(game.discriminator, Discriminator)
        discriminator = training.calibrated(game.discriminator, split.train.x, trainer.device)
        with torch.no_grad():
            parts = (split.train.x, split.test.x)
            found = [training.through(discriminator.features, x, trainer.device) for x in parts]
        return scored(split, *found)._asdict()

    trainer = training.trainer_of(build, split.train, settings)
    every = settings.checkpoint_every
    points = training.play_measured(trainer, folder, measure, every, from_start=True)  # random features are an anchor
    about = {"rounds": settings.steps, "width": width, "data": split.train.name}
    return {"part": OWN, "seed": seed, **about, "accuracy": points[-1]["accuracy"], "series": points}


def scored(split: Split, keys: Tensor, queries: Tensor) -> Score:
    """By embeddings of both parts' images, (N, F) and (M, F); the cost is chosen on images held out of the training.

    A machine with that cost is then fitted to all training images.
    """
    assert split.train.y is not None and split.test.y is not None
    y, y_test = (classes.to(keys.device) for classes in (split.train.y, split.test.y))
    order = rng.shuffled(len(y), 0).to(keys.device)
    held, rest = order[:HELD_OUT], order[HELD_OUT:]
    x_rest, x_held = keys[rest], keys[held]
    best, reached = COSTS[0], 0.0
    for cost in COSTS:
        found = linear_svm(x_rest, y[rest], cost).accuracy(x_held, y[held])
        if found < reached:
            break
        best, reached = cost, found
    del x_rest
    machine = linear_svm(keys, y, best)
    accuracy = round(100 * machine.accuracy(queries, y_test), 2)
    return Score(accuracy, best, best in (COSTS[0], COSTS[-1]), machine.gradient <= TOLERANCE)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The accuracies at the end of training, one a seed, beside those of pixels and of the untrained D's features."""
    runs = [part for part in parts if part["part"] == OWN]
    raw = next(part for part in parts if part["part"] == PIXELS)
    looks = [raw, *(run["series"][i] for run in runs for i in (0, -1))]
    return {
        "values": [part["accuracy"] for part in runs],
        "untrained": [part["series"][0]["accuracy"] for part in runs],
        "raw_pixels": raw["accuracy"],
        "data": raw["data"],
        "chosen": [row["cost"] for row in looks],
        "edge": any(row["edge"] for row in looks),
        "converged": all(row["converged"] for row in looks),
        "rounds": [part["rounds"] for part in runs],
        "series": [{key: part[key] for key in ("seed", "rounds", "width", "series")} for part in runs],
    }


def _ours(result: Measurements) -> str:
    values, untrained = (", ".join(f"{value:.1f}" for value in result[name]) for name in ("values", "untrained"))
    return f"{values}; untrained {untrained}; raw pixels {result['raw_pixels']:.1f}"


DCGAN_FEATURES = Study(
    name="dcgan-features",
    protocol=(
        "Radford et al., 2016, section 5.1, with the networks of the model that the authors released: six 3x3 "
        f"convolutions, here of half the channels ({HALF} to {4 * HALF}), z uniform on [-1, 1]^{Z}, Adam 2e-4 with "
        f"beta1 0.5, batches of {BATCH}, G's move on the fakes of D's, {ROUNDS:,} rounds on CIFAR-10's training images "
        "without their labels. The features are those of all of D's convolutions after their nonlinearity, the largest "
        "values on a grid of 4x4, with batch norm set to the statistics of the training images; a linear support "
        "vector machine of the squared hinge loss and L2 learns the classes from them. Its C is chosen on "
        f"{HELD_OUT:,} training images that were held out, from {COSTS[0]:g} upwards by powers of ten until the next "
        "is worse, then it learns from all. The value is the accuracy in % on the test images at the end of training; "
        "beside it the same of the untrained D and of raw pixels."
    ),
    published="82.8, with networks trained on ImageNet's images at 32x32",
    target=82.8,
    relation=">=",
    seeds=(0,),
    parts=lambda seed: (OWN, PIXELS),
    run=run,
    summarise=summarise,
    extra_check=lambda result: result["converged"] and not result["edge"],
    differs=(
        f"trained on CIFAR-10's own images, not ImageNet's, with half the channels and for {ROUNDS:,} steps; one seed"
    ),
    measures="accuracy of a linear machine on D's features, in %, one seed",
    ours=_ours,
)
