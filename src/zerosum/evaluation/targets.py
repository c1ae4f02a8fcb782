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
from zerosum.modality import Classes, Modality
from zerosum.run import sampling
from zerosum.run.loaded import Run, load


@dataclass(frozen=True)
class SampleSource:
    """Something that has, or draws, samples."""

    target: Target
    modality: Modality
    classes: tuple[str, ...]
    samples: Callable[[int, int, Extractor, Progress | None], Samples]  # (count at most, seed, extractor, progress)
    run: Run | None = None


def open_source(
    target: str | Path | Run, truncation: float | None, device: str, data_dir: Path | None, progress: Progress | None
) -> SampleSource:
    """A run, loaded or in its directory, or files of samples.

    Raises:
        ZerosumError: there is nothing at the path, or nothing that has samples, or files are to be truncated.
    """
    if isinstance(target, Run):
        return of_run(target, truncation)
    path = Path(target)
    if (path / "run.json").exists():
        return of_run(load(path, device=device), truncation)
    if not path.exists():
        raise ZerosumError(f"there is no {path}; give a run directory, a folder of images, or an .npz file")
    if truncation is not None:
        raise ZerosumError(f"{path} holds samples, not a run: leave out --truncation")
    return of_files(path, data_dir, progress)


def of_run(run: Run, truncation: float | None) -> SampleSource:
    """Samples drawn from a run, as 8-bit images, which is what others measure and what files hold."""
    record = run.record
    averaged = run.average and record.training.average > 0

    def samples(count: int, seed: int, extractor: Extractor, progress: Progress | None) -> Samples:
        labels = run.labels_for(count)
        blocks = _draw(run, count, seed, labels, truncation)
        classes = labels if isinstance(run.condition, Classes) else None  # not vectors
        return Samples("the samples", count, run.modality, blocks, extractor, classes, progress)

    target = Target("run", str(run.path.resolve()), record.recipe, run.step, averaged)
    return SampleSource(target, run.modality, record.data.classes, samples, run)


def of_files(path: Path, data_dir: Path | None, progress: Progress | None) -> SampleSource:
    """The images of a folder, or the samples of an .npy or .npz file, in random order."""
    loaded = data.load(str(path.resolve()), data_dir=data_dir, progress=progress)

    def samples(count: int, seed: int, extractor: Extractor, progress: Progress | None) -> Samples:
        chosen = shuffle(loaded, seed)[:count]
        return of_dataset(loaded, extractor, name="the samples", chosen=chosen, progress=progress)

    target = Target("folder" if path.is_dir() else "file", str(path.resolve()), fingerprint=loaded.fingerprint)
    return SampleSource(target, loaded.modality, loaded.classes, samples)


def shuffle(loaded: Dataset, seed: int) -> Tensor:
    """The numbers of all samples, in a random order: files lie in the order of their classes."""
    return torch.randperm(len(loaded), generator=torch.Generator().manual_seed(seed))


def _draw(
    run: Run, count: int, seed: int, labels: Tensor | None, truncation: float | None
) -> Callable[[], Iterator[Tensor]]:
    def blocks() -> Iterator[Tensor]:
        for number, start in enumerate(range(0, count, BLOCK)):
            size = min(BLOCK, count - start)
            part = None if labels is None else labels[start : start + size]
            block_seed = sampling.block_seed(seed, number)
            x = sampling.sample(run.game, size, seed=block_seed, labels=part, truncation=truncation)
            yield run.modality.store(run.assert_finite(x, "samples"))

    return blocks
