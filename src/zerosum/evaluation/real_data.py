"""The real data that samples are compared with, and the extractor of the features compared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from zerosum import data
from zerosum.data import Dataset, Mixture
from zerosum.data.dataset import Progress
from zerosum.data.points.mixture import grid, ring
from zerosum.data.points.toy import gaussian_mixture
from zerosum.errors import ZerosumError
from zerosum.evaluation.targets import SampleSource
from zerosum.metrics import extractors
from zerosum.metrics.extractors import Extractor
from zerosum.util.text import shape_text

DIGITS = ("digits", "mnist")  # what the digit network knows
INCEPTION = "inception-v3"
MIXTURES = {"ring": ring, "grid": grid}


def load(source: SampleSource, against: str | None, data_dir: Path | None, progress: Progress | None) -> Dataset:
    """The real data `against` which a source is measured, by default a run's own, at the size of the source's samples.

    Raises:
        ZerosumError: none was named, or it cannot be read, or its samples have another shape.
    """
    record = None if source.run is None else source.run.record
    if against is None and record is None:
        raise ZerosumError(f"say which real data to compare {source.target.path} with: --against DATA")
    if against is None and record is not None:
        against = record.data.name
        data_dir = data_dir or (Path(record.data.data_dir) if record.data.data_dir else None)
    assert against is not None
    try:
        loaded = data.load(against, size=_size(source.shape), data_dir=data_dir, progress=progress)
    except data.DataError as error:
        raise ZerosumError(f"cannot compare with {against}: {error}") from error
    if loaded.shape != source.shape:
        ours, theirs = shape_text(source.shape), shape_text(loaded.shape)
        raise ZerosumError(f"samples of {ours} cannot be compared with {against}, whose samples are {theirs}")
    if len(loaded) < 2:
        raise ZerosumError(f"{against} has {len(loaded)} sample; compare with more real data")
    return loaded


def held_out(reference: Dataset, data_dir: Path | None, progress: Progress | None) -> Dataset | None:
    """The published test images of a set whose training images are the reference, where there are any."""
    if ":" in reference.name or reference.name not in data.SOURCES:
        return None
    with suppress(data.DataError):  # most sets have no parts
        return data.load(f"{reference.name}:test", size=_size(reference.shape), data_dir=data_dir, progress=progress)
    return None


def mixture(reference: Dataset) -> Mixture | None:
    """The density that the reference was drawn from, where it is known."""
    if reference.name.startswith("gaussians:"):
        return gaussian_mixture(reference.name)
    return MIXTURES[reference.name]() if reference.name in MIXTURES else None


def extractor(
    name: str | Callable[[Tensor], Tensor] | None, reference: Dataset, device: str
) -> tuple[Extractor, list[str]]:
    """The extractor called `name`, or of a callable, and notes on the choice.

    By default: the digit network for digits, the values themselves for points, Inception for other images; random
    features where Inception is missing.

    Raises:
        ZerosumError: there is no such extractor, or it does not know such data.
    """
    digits = reference.name.partition(":")[0] in DIGITS
    if digits and name == INCEPTION:
        raise ZerosumError(f"{INCEPTION} knows no digits, its scores mean nothing here; use --extractor digits")
    if name is not None:
        return extractors.find(name, device), []
    if not reference.is_image:
        return extractors.find("pixels", device), []
    if digits:
        return extractors.find("digits", device), []
    try:
        return extractors.find(INCEPTION, device), []
    except ZerosumError as error:
        why = f"compared by random features, because {error}"
        return extractors.find("random", device), [
            f"{why}. Such numbers compare with their like only, not with papers'"
        ]


def _size(shape: tuple[int, ...]) -> tuple[int, int] | None:
    return (shape[1], shape[2]) if len(shape) == 3 else None
