"""`zerosum reproduce synthesize-mnist`: do generated images help a classifier that has few real ones?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.metrics import probe
from zerosum.run.loaded import Run
from zerosum.studies.study import Measurements, Study, by_part
from zerosum.training.checkpoint import find as checkpoints
from zerosum.workflows.synthesize import synthesize
from zerosum.workflows.train import resume, train

RECIPE = "acgan/digits"
PER_CLASS = 1000  # generated images
CONFIDENCE = 0.9  # of the GAN's own classifier in their class
STEPS = 1500  # of each classifier, batches of 64
COUNTS = {"20 labels a class": 20, "50 labels a class": 50, "100 labels a class": 100}


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train a GAN on few labels, have it make a labelled folder, and train classifiers with and without that."""
    whole, test = data.load("mnist"), data.load("mnist:test")
    trained = _train_gan(COUNTS[part] * len(whole.classes), seed, fraction, folder / "run")
    shutil.rmtree(folder / "made", ignore_errors=True)
    per_class = max(1, round(PER_CLASS * fraction))
    result = synthesize(trained, folder / "made", per_class, confidence=CONFIDENCE, seed=seed)
    real = whole.with_labels(COUNTS[part] * len(whole.classes), seed)
    measurements = compare(real, data.load(str(folder / "made")), test, max(1, round(STEPS * fraction)), seed)
    assert test.y is not None
    own = int((trained.classify(test.x).argmax(1) != test.y).sum())
    return {"part": part, "seed": seed, **measurements, "gan": _share(own, test), "candidates": result.candidates}


def _train_gan(labels: int, seed: int, fraction: float, path: Path) -> Run:
    """The recipe's run in `path`, with all its rounds or a fraction of them; taken up again where it stopped."""
    if checkpoints(path / "checkpoints"):
        return resume(path, quiet=True)
    steps = max(1, round(find(RECIPE).training.steps * fraction))
    return train(RECIPE, "mnist", path, labels=labels, quiet=True, seed=seed, steps=steps, health=False)


def compare(real: Dataset, generated: Dataset, test: Dataset, steps: int, seed: int) -> dict[str, Any]:
    """Errors of a classifier, in % of the test set, that learnt from real images, made ones, and both.

    All three have the same network and as many steps. The classes of all sets are the same, in the same order.
    """
    assert real.y is not None and generated.y is not None and generated.classes == test.classes
    known = real.y >= 0
    x, y = real.x[known], real.y[known]
    both = torch.cat([x, generated.x]), torch.cat([y, generated.y])
    return {
        "real": _errors(x, y, test, steps, seed),
        "made": _errors(generated.x, generated.y, test, steps, seed),
        "both": _errors(*both, test, steps, seed),
    }


def _errors(x: Tensor, y: Tensor, test: Dataset, steps: int, seed: int) -> float:
    network = probe.fit(
        lambda: probe.for_samples(test.modality, len(test.classes)),
        x,
        y,
        steps=steps,
        batch_size=64,
        rate=2e-3,
        seed=seed,
    )
    assert test.y is not None
    return _share(probe.mistakes(network, test.x, test.y), test)


def _share(wrong: int, test: Dataset) -> float:
    """In %."""
    return round(100 * wrong / len(test), 4)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """Errors with generated images over those without, one mean over the label counts a seed; and all errors."""
    seeds = dict.fromkeys(part["seed"] for part in parts)
    ratios = {seed: [p["both"] / p["real"] for p in parts if p["seed"] == seed] for seed in seeds}
    return {
        "values": [round(fmean(of_seed), 4) for of_seed in ratios.values()],
        "errors": by_part(parts, ("real", "made", "both", "gan")),
        "candidates": {name: of["candidates"] for name, of in by_part(parts, ("candidates",)).items()},
    }


SYNTHESIZE_MNIST = Study(
    name="synthesize-mnist",
    protocol=(
        "MNIST with 20, 50 or 100 labels of each class. An AC-GAN (recipe acgan/digits, 5,000 rounds) learns from them "
        "and from all 60,000 images without labels; `zerosum synthesize` has it make 1,000 images of each class, of "
        "which its own classifier is sure (0.9). A small convolutional classifier is trained on the labelled images "
        "alone, on the generated ones alone, and on both, for 1,500 batches of 64 each, and tested on the 10,000 test "
        "images. The value is the errors with generated images over those without, the mean of the three label counts. "
        "The gain is of the unlabelled images, which reach the classifier by way of the generated ones: the classifier "
        "on few images never sees them. Beside it: the errors of the GAN's own classifier."
    ),
    published="",
    target=1,
    relation="<=",
    seeds=(0, 1),
    parts=lambda seed: tuple(COUNTS),
    run=run,
    summarise=summarise,
    measures="a classifier's errors with generated images over those without, two seeds",
    goal="at most 1",
    ours=lambda result: ", ".join(f"{value:.2f}" for value in result["values"]),
)
