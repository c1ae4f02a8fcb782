"""What can be evaluated: a run, a folder of images, a file of arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, Progress
from zerosum.data.request import AS_STORED, Reading
from zerosum.data.sources import read_as
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Target
from zerosum.metrics.extractors import Extractor
from zerosum.metrics.samples import BLOCK, Samples, of_dataset
from zerosum.modality import Classes, Modality
from zerosum.roles import Generates, Translates, has_role, in_role
from zerosum.run import sampling
from zerosum.run.loaded import Run, load
from zerosum.util import rng
from zerosum.util.text import encodable


@dataclass(frozen=True)
class SampleSource:
    """Something that has, draws, or makes samples: `samples(count, seed, reference, extractor, progress)`."""

    target: Target
    modality: Modality
    classes: tuple[str, ...]
    samples: Callable[[int, int, Dataset, Extractor, Progress | None], Samples]  # at most `count`, of a seed
    run: Run | None = None
    data: Dataset | None = None  # of files

    def is_grey(self) -> bool:
        """Whether the channels of files' RGB images are equal in all of them; what a run draws is not known before."""
        return self.data is not None and channels_are_equal(self.data.x)

    def as_images(self, modality: Modality) -> SampleSource:
        """The same images, grey made of RGB with equal channels, or the reverse."""

        def samples(
            count: int, seed: int, reference: Dataset, extractor: Extractor, progress: Progress | None
        ) -> Samples:
            return self.samples(count, seed, reference, extractor, progress).as_images(modality)

        return replace(self, modality=modality, samples=samples)


def channels_are_equal(x: Tensor) -> bool:
    """Whether stored RGB images (N, 3, H, W) are grey, all of them."""
    return all(bool((part == part[:, :1]).all()) for part in x.split(BLOCK))


def open_source(
    target: str | Path | Run,
    truncation: float | None,
    device: str,
    data_dir: Path | None,
    progress: Progress | None,
    reading: Reading = AS_STORED,
) -> SampleSource:
    """A run, loaded or not, or files; `ZerosumError` where there are no samples, or files are to be truncated."""
    if isinstance(target, Run):
        return of_run(target, truncation)
    path = Path(target)
    if (path / "run.json").exists():
        return of_run(load(path, device=device), truncation)
    if not path.exists():
        raise ZerosumError(f"there is no {path}; give a run directory, a folder of images, or an .npz file")
    if truncation is not None:
        raise ZerosumError(f"{path} holds samples, not a run: leave out --truncation")
    return of_files(path, data_dir, progress, reading)


def of_run(run: Run, truncation: float | None) -> SampleSource:
    """Samples drawn from a run, as 8-bit images, which is what others measure and what files hold.

    Those of a translator are translations of the real `a`: of the data that they are compared with, or where that has
    none, of the run's own.
    """
    record, target = run.record, target_of(run)
    if has_role(run.game, Translates):
        if truncation is not None:
            raise ZerosumError(f"{record.recipe} translates samples and has no z: leave out --truncation")
        return SampleSource(target, run.modality, (), functools.partial(_translated, run), run)
    in_role(run.game, Generates)
    truncation = run.truncated(truncation)

    def samples(count: int, seed: int, reference: Dataset, extractor: Extractor, progress: Progress | None) -> Samples:
        labels = run.labels_for(count) if reference.captions is None else _captions(run, reference, count, seed)

        def blocks() -> Iterator[Tensor]:
            for number, start in enumerate(range(0, count, BLOCK)):
                size = min(BLOCK, count - start)
                part = None if labels is None else labels[start : start + size]
                block_seed = sampling.block_seed(seed, number)
                x = sampling.sample(
                    run.game, size, seed=block_seed, labels=part, truncation=truncation, draw=record.draw
                )
                yield run.modality.store(run.assert_finite(x, "samples"))

        classes = labels if isinstance(run.condition, Classes) else None  # not vectors
        return Samples("the samples", count, run.modality, blocks, extractor, classes, progress)

    return SampleSource(target, run.modality, record.data.classes, samples, run)


def target_of(run: Run) -> Target:
    """A run, as evaluations name it."""
    averaged = run.average and run.record.training.average > 0
    return Target("run", encodable(str(run.path.resolve())), run.record.recipe, run.step, averaged)


def _captions(run: Run, reference: Dataset, count: int, seed: int) -> Tensor | None:
    """(count, length) ids of captions of the real data, in random order, as often as need be; of a run that reads other
    words, those that it kept.
    """
    assert reference.captions is not None
    several, order = reference.captions.several, torch.Generator().manual_seed(seed)
    texts = reference.captions.stored if several is None else several.values
    if reference.captions.modality != run.condition or not len(texts):
        return run.labels_for(count)
    return texts[torch.randperm(len(texts), generator=order)[torch.arange(count) % len(texts)]]


def own_parts(run: Run | None, against: str | None, loaded: Dataset) -> tuple[Dataset, Dataset | None]:
    """What a run learnt from of its own data, and what it held out, where it did and no other data were named.

    `ZerosumError` where one of them is gone.
    """
    held_out = None if run is None or against is not None else run.record.data.held_out
    if held_out is None:
        return loaded, None
    from zerosum.data.held_out import split

    return split(loaded, held_out.names)


def _translated(
    run: Run, count: int, seed: int, reference: Dataset, extractor: Extractor, progress: Progress | None
) -> Samples:
    """Translations of `count` of the real `a`, at most; of aligned pairs, the partners of the real `b`."""
    a, chosen = inputs(run, count, seed, reference, progress)

    def blocks() -> Iterator[Tensor]:
        for rows in chosen.split(BLOCK):
            yield run.modality.store(run.assert_finite(run.translate(a[rows], seed=seed), "translations"))

    return Samples("the translations", len(chosen), run.modality, blocks, extractor, None, progress)


def inputs(run: Run, count: int, seed: int, reference: Dataset, progress: Progress | None) -> tuple[Tensor, Tensor]:
    """The real `a` as stored, (N, *shape), of the reference or else of the run's own data, and the rows (M,) of the
    `count` that are translated, at most.
    """
    own = run.record.data
    takes = in_role(run.game, Translates).takes
    if takes not in reference.fields:
        reference = read_as(own.reading, own.name, size=own.size, crop=own.crop, data_dir=own.folder, progress=progress)
        learnt, held_out = own_parts(run, None, reference)
        reference = held_out or learnt
    a = reference.fields[takes].stored
    return a, rng.shuffled(len(a), seed)[:count]


def of_files(
    path: Path, data_dir: Path | None, progress: Progress | None, reading: Reading = AS_STORED
) -> SampleSource:
    """The images of a folder, or the samples of an .npy or .npz file, in random order."""
    loaded = read_as(reading, str(path.resolve()), data_dir=data_dir, progress=progress)

    def samples(count: int, seed: int, reference: Dataset, extractor: Extractor, progress: Progress | None) -> Samples:
        chosen = rng.shuffled(len(loaded.x), seed)[:count]
        return of_dataset(loaded, extractor, name="the samples", chosen=chosen, progress=progress)

    target = Target(
        "folder" if path.is_dir() else "file", encodable(str(path.resolve())), fingerprint=loaded.fingerprint
    )
    return SampleSource(target, loaded.modality, loaded.classes, samples, data=loaded)
