"""Classify images by a run's classifier: what `zerosum classify` calls."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import Problem, Progress
from zerosum.data.images.fit import fitted
from zerosum.data.request import Asked, Frames
from zerosum.run.loaded import Run, load
from zerosum.util import checks
from zerosum.util.files import atomic_path
from zerosum.util.text import cell

BLOCK = 1000  # samples between two words of progress


@dataclass(frozen=True, eq=False)
class Classification:
    """What a run's classifier says of images, and how often that is right where their classes are known."""

    run: str
    step: int  # steps the run had played
    images: str  # the data, as it was named
    files: tuple[str, ...]  # of each image: its name relative to the folder, or its number
    classes: tuple[str, ...]  # that the classifier knows
    probabilities: Tensor  # (N, K) float32
    labels: tuple[str | None, ...]  # the class that each image has by its folder, file or array; None: unknown
    problems: tuple[Problem, ...] = ()  # files that cannot be read
    notes: tuple[str, ...] = ()  # on how files were taken, and what was changed in the images beyond their size

    @property
    def predictions(self) -> Tensor:
        """(N,) int64, the likeliest class of each."""
        return self.probabilities.argmax(1)

    @cached_property
    def confusion(self) -> Tensor:
        """(K, K) int64: how many images of each class (row) were taken for each (column)."""
        size, number = len(self.classes), {name: k for k, name in enumerate(self.classes)}
        known = [(row, number[label]) for row, label in enumerate(self.labels) if label in number]
        rows, truth = torch.tensor(known, dtype=torch.int64).reshape(-1, 2).T
        return (truth * size + self.predictions[rows]).bincount(minlength=size**2).view(size, size)

    @property
    def judged(self) -> int:
        """How many images have a class that the classifier knows."""
        return int(self.confusion.sum())

    @property
    def errors(self) -> int:
        """How many of these were taken for another."""
        return self.judged - int(self.confusion.trace())

    @property
    def accuracy(self) -> float | None:
        """The share of them that was right; None where there are none."""
        return 1 - self.errors / self.judged if self.judged else None

    @property
    def foreign(self) -> dict[str, int]:
        """Classes of images that the classifier does not know, and how many images have them."""
        found = Counter(label for label in self.labels if label is not None)
        return {name: found[name] for name in sorted(found.keys() - set(self.classes))}


def classify(
    run: str | Path | Run,
    images: str | Path,
    *,
    data_dir: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames | None = None,
    progress: Progress | None = None,
) -> Classification:
    """Classify images as the run's own data was: at its size, in its colours.

    Args:
        run: a run directory, whose newest EMA weights are used on the CPU, or what `zerosum.load` returned.
        images: an image file, or what `zerosum.train` takes as data: a folder, an .npy or .npz file, "mnist:test".
        data_dir: where published sets are looked for first.
        value_range, frames: how image files are read, as in `zerosum.train`; by default as the run's own data were.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: no run there, or one that learnt no classifier; nothing readable there, or nothing of its shape.
    """
    loaded, images = run if isinstance(run, Run) else load(run), checks.text("images", images)
    loaded.classify(torch.empty(0, *loaded.modality.shape))  # refuses before any image is read
    where = None if data_dir is None else checks.path("data_dir", data_dir)
    asked, usual = Asked(value_range, frames), loaded.record.data.reading
    given = fitted(images, loaded.modality, data_dir=where, progress=progress, asked=asked, reading=usual)
    parts = []
    for block in given.data.x.split(BLOCK):
        parts.append(loaded.classify(block))
        if progress:
            progress("classifying", sum(map(len, parts)), len(given.data))
    y, classes = given.data.y, given.data.classes
    labels = [None] * len(given.data) if y is None else [classes[k] if k >= 0 else None for k in y.tolist()]
    return Classification(
        run=str(loaded.path),
        step=loaded.step,
        images=str(images),
        files=given.files,
        classes=loaded.record.data.classes,
        probabilities=torch.cat(parts),
        labels=tuple(labels),
        problems=given.data.problems,
        notes=given.notes,
    )


def write(found: Classification, path: Path) -> None:
    """A CSV: each image's name, its label where there are any, the likeliest class, its probability, and that of all.

    It appears whole or not at all. No cell is a formula to a spreadsheet: see `util.text.cell`; of files, `./` goes
    before such a name.
    """
    labelled, named = any(label is not None for label in found.labels), [cell(name) for name in found.classes]
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", *(["label"] if labelled else []), "prediction", "probability", *named])
        rows = zip(found.files, found.labels, found.predictions.tolist(), found.probabilities.tolist(), strict=True)
        for name, label, best, shares in rows:
            own = [cell(label or "")] if labelled else []
            file_name = name if cell(name) == name else f"./{name}"  # the same file
            table.writerow([file_name, *own, named[best], *(f"{share:.6g}" for share in (shares[best], *shares))])
