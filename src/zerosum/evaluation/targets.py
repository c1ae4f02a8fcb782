"""What can be evaluated: a run, a folder of images, a file of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset, Progress
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Target
from zerosum.metrics.extractors import Extractor
from zerosum.metrics.samples import BLOCK, Samples, of_dataset
from zerosum.pictures.grids import to_uint8
from zerosum.run import sampling
from zerosum.run.loaded import Run, load


@dataclass(frozen=True)
class Source:
    """Something that has, or makes, samples."""

    target: Target
    shape: tuple[int, ...]  # of one sample
    available: int | None  # how many there are; None: as many as are asked for
    classes: tuple[str, ...]
    samples: Callable[[int, int, Extractor, Progress | None], Samples]  # (count, seed, extractor, progress)
    run: Run | None = None


def find(
    target: Path | Run,
    truncation: float | None,
    device: str,
    *,
    data_dir: Path | None,
    progress: Progress | None,
) -> Source:
    """A run, or what lies at a path.

    Raises:
        ZerosumError: nothing that has samples, or nothing that can be drawn from in that way.
    """
    if isinstance(target, Run):
        return of_run(target, target.average, truncation)
    if (target / "run.json").exists():
        return of_run(load(target, device=device), True, truncation)
    if not target.exists():
        raise ZerosumError(f"there is no {target}; give a run directory, a folder of images, or an .npz file")
    if truncation is not None:
        raise ZerosumError(f"{target} holds samples, not a run: leave out --truncation")
    return of_files(target, data_dir, progress)


def of_run(run: Run, averaged: bool, truncation: float | None) -> Source:
    """Samples drawn from a run, as 8-bit images, which is what others measure and what files hold."""
    shape, recipe = run.record.data.shape, run.record.recipe
    target = Target("run", str(run.path.resolve()), recipe, run.step, averaged and run.record.training.average > 0)

    def samples(count: int, seed: int, extractor: Extractor, progress: Progress | None) -> Samples:
        labels = run.labels_for(count)
        blocks = _drawn(run, count, seed, labels, truncation)
        classes = labels if labels is not None and labels.dim() == 1 else None  # not vectors
        return Samples("the samples", count, shape, blocks, extractor, classes, progress)

    return Source(target, shape, None, run.record.data.classes, samples, run)


def of_files(path: Path, data_dir: Path | None, progress: Progress | None) -> Source:
    """The images of a folder, or the samples of an .npy or .npz file; those that are judged are chosen at random."""
    loaded = data.load(str(path.resolve()), data_dir=data_dir, progress=progress)
    target = Target("folder" if path.is_dir() else "file", str(path.resolve()), fingerprint=loaded.fingerprint)

    def samples(count: int, seed: int, extractor: Extractor, progress: Progress | None) -> Samples:
        chosen = shuffled(loaded, seed)[:count]
        return of_dataset(loaded, extractor, name="the samples", chosen=chosen, progress=progress)

    return Source(target, loaded.shape, len(loaded), loaded.classes, samples)


def shuffled(loaded: Dataset, seed: int) -> Tensor:
    """The numbers of all samples, in a random order: files lie in the order of their classes."""
    return torch.randperm(len(loaded), generator=torch.Generator().manual_seed(seed))


def _drawn(
    run: Run, count: int, seed: int, labels: Tensor | None, truncation: float | None
) -> Callable[[], Iterator[Tensor]]:
    shape = run.record.data.shape

    def blocks() -> Iterator[Tensor]:
        for number, start in enumerate(range(0, count, BLOCK)):
            size = min(BLOCK, count - start)
            part = None if labels is None else labels[start : start + size]
            own = sampling.block_seed(seed, number)
            x = sampling.sample(run.game, shape, size, seed=own, labels=part, truncation=truncation)
            if not bool(x.isfinite().all()):
                raise ZerosumError(
                    f"{run.path} makes samples that are not finite, so training has diverged; "
                    "evaluate an earlier --checkpoint"
                )
            yield to_uint8(x) if len(shape) == 3 else x

    return blocks
