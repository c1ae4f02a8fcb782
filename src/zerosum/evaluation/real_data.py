"""The real data that samples are compared with, and the extractor of the features compared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from zerosum import data
from zerosum.batches import field_names
from zerosum.data import Dataset, Mixture
from zerosum.data.dataset import TEXT, Progress
from zerosum.data.images.cifar import BY_JPEG
from zerosum.data.points.mixture import gaussian_mixture, grid, ring
from zerosum.data.request import AS_STORED, Reading
from zerosum.data.sources import read_as
from zerosum.errors import ZerosumError
from zerosum.evaluation.targets import SampleSource, channels_are_equal
from zerosum.metrics import extractors
from zerosum.metrics.extractors import Extractor
from zerosum.metrics.extractors.sounds import mel_spectra
from zerosum.metrics.extractors.tokens import token_counts
from zerosum.metrics.samples import to_channels
from zerosum.modality import Behaviour, Binary, Image, Modality, Notes, Points, Sound, Tokens, Video
from zerosum.util.files import named

DIGITS = ("digits", "mnist")  # what the digit network knows
INCEPTION = "inception-v3"
MIXTURES = {"ring": ring, "grid": grid}


def load(
    source: SampleSource,
    against: str | None,
    data_dir: Path | None,
    progress: Progress | None,
    reading: Reading = AS_STORED,
) -> Dataset:
    """The real data `against` which a source is measured, by default a run's own, at the size of the source's samples,
    and at the scale that a run learnt crops at.

    `ZerosumError` where none was named, or it cannot be read, or its samples have another shape.
    """
    size, whole = _size(source.modality), None
    if against is None:
        if source.run is None:
            raise ZerosumError(f"say which real data to compare {source.target.path} with: --against DATA")
        own = source.run.record.data
        if Path(own.name).is_absolute() and not named(own.name).exists():
            raise ZerosumError(
                f"the data of {source.run.path} is no longer at {own.name}: put it back, or compare with other data by "
                "--against DATA"
            )
        against, data_dir = own.name, data_dir or own.folder
        if own.crop is not None:
            size, whole = own.crop, own.size
    elif source.run is not None and source.run.record.data.crop == size:
        whole = source.run.record.data.size
    is_own = source.run is not None and against == source.run.record.data.name
    try:
        loaded = _read(reading, against, size, whole, is_own, data_dir, progress)
        loaded = loaded if source.run is None else loaded.with_classes(source.run.record.data.classes)
        loaded = loaded if source.run is None else loaded.of(source.run.game.makes)
        if loaded.captions and (source.run is None or TEXT not in field_names(source.run.game.batch)):
            loaded = loaded.without_captions()
    except data.DataError as error:
        raise ZerosumError(f"cannot compare with {against}: {error}") from error
    alike = source.modality.fits(loaded.modality) or _differ_in_colour(loaded.modality, source.modality)
    if not alike:
        one, other = source.modality, loaded.modality
        if details := one.difference(other):
            cure = "give data of the same features"
            if isinstance(one, Tokens):
                same = "they have the same vocabulary then"
                cure = f"to compare with other {one.plural}, train with --held-out 0.1: {same}"
            raise ZerosumError(f"{one.plural} cannot be compared with {against}, which differs ({details}); {cure}")
        raise ZerosumError(f"{one} cannot be compared with {against}, which holds {other}")
    if len(loaded.x) < 2:
        raise ZerosumError(f"{against} has {len(loaded.x)} sample; compare with more real data")
    return loaded


def _read(
    reading: Reading,
    name: str,
    size: tuple[int, int] | None,
    whole: tuple[int, int] | None,
    is_own: bool,
    data_dir: Path | None,
    progress: Progress | None,
) -> Dataset:
    """Data at `size`, or of a run that learnt crops of that size, the middles of the images at `whole`.

    Of other data than the run's own, a note says so; and where such crops of it cannot be, that it is all at `size`.
    """
    if whole is None or size is None:
        return read_as(reading, name, size=size, data_dir=data_dir, progress=progress)
    crop, images = (f"{height}x{width}" for height, width in (size, whole))
    try:
        loaded = read_as(reading, name, size=whole, crop=size, data_dir=data_dir, progress=progress)
        note = f"{name} is read at {images} pixels, and crops of {crop} in the middle are compared, as the run learnt"
    except data.DataError:
        if is_own:
            raise
        loaded = read_as(reading, name, size=size, data_dir=data_dir, progress=progress)
        note = f"{name} is read at {crop} pixels, as it has no crops of {crop} at {images}, of which the run learnt"
    return loaded if is_own else replace(loaded, notes=(*loaded.notes, note))


def in_one_colour(reference: Dataset, source: SampleSource) -> tuple[Dataset, SampleSource, list[str]]:
    """Real data and samples with as many channels, and a note on what was converted.

    Colour images whose channels are all equal are grey ones, and become so; beside others, grey ones get three equal
    channels. A run's own are not known before they are drawn, so colour of a run stays.
    """
    ours, theirs = source.modality, reference.modality
    if not _differ_in_colour(ours, theirs):
        return reference, source, []
    if ours.shape[0] == 1:
        if channels_are_equal(reference.x):
            note = f"{reference.name} is RGB with equal channels: compared as grey images"
            return _as(reference, ours), source, [note]
        note = f"the samples are grey and {reference.name} is in colour: the grey is repeated to RGB"
        return reference, source.as_images(theirs), [note]
    if source.is_grey():
        note = f"the samples are RGB with equal channels, and {reference.name} is grey: compared as grey images"
        return reference, source.as_images(theirs), [note]
    note = f"the samples are in colour and {reference.name} is grey: the grey is repeated to RGB"
    return _as(reference, ours), source, [note]


def like(data: Dataset | None, modality: Modality) -> Dataset | None:
    """Held-out data with as many channels as the reference it belongs to."""
    if data is None or not _differ_in_colour(data.modality, modality):
        return data
    return _as(data, modality)


def _differ_in_colour(a: Modality, b: Modality) -> bool:
    """Whether they are images of one size, those of one side grey and of the other RGB."""
    both = isinstance(a, Image) and isinstance(b, Image)
    return both and a.shape[1:] == b.shape[1:] and {a.shape[0], b.shape[0]} == {1, 3}


def _as(data: Dataset, modality: Modality) -> Dataset:
    """Grey made of RGB with equal channels, or the reverse. The fingerprint stays: the pictures are the same."""
    return data.with_samples(modality, to_channels(data.x, modality.shape[0]), data.fingerprint)


def held_out(reference: Dataset, data_dir: Path | None, progress: Progress | None) -> Dataset | None:
    """The published test images of a set whose training images are the reference, where there are any."""
    name = reference.name.removesuffix(BY_JPEG)
    if ":" in name or name not in data.SOURCES:
        return None
    with suppress(data.DataError):  # most sets have no parts
        size, whole = _size(reference.modality), reference.whole_size
        crop = size if whole else None
        return data.load(f"{name}:test", size=whole or size, crop=crop, data_dir=data_dir, progress=progress)
    return None


def mixture(reference: Dataset) -> Mixture | None:
    """The density that the reference was drawn from, where it is known."""
    if reference.name.startswith("gaussians:"):
        return gaussian_mixture(reference.name)
    return MIXTURES[reference.name]() if reference.name in MIXTURES else None


def extractor(
    name: str | Callable[[Tensor], Tensor] | None, reference: Dataset, device: str
) -> tuple[Extractor, list[str]]:
    """The extractor, by default that of the kind of data, and notes; `ZerosumError` where none is for such data."""
    if _are_digits(reference) and name == INCEPTION:
        raise ZerosumError(f"{INCEPTION} knows no digits, its scores mean nothing here; use --extractor digits")
    if name is not None:
        return extractors.find(name, device), []
    if type(reference.modality) not in EXTRACTORS:
        raise ZerosumError(f"there are no features of {reference.modality.plural}; give a callable as the extractor")
    return EXTRACTORS[type(reference.modality)](reference, device)


def _of_images(reference: Dataset, device: str) -> tuple[Extractor, list[str]]:
    """The digit network for digits, Inception for other images; random features where Inception is missing.

    No network has seen images of other than 1 or 3 channels, whose pixels themselves are compared.
    """
    if _are_digits(reference):
        return extractors.find("digits", device), []
    if reference.modality.shape[0] not in (1, 3):
        return extractors.find("pixels", device), [f"compared by pixels, for these have {reference.modality}"]
    try:
        return extractors.find(INCEPTION, device), []
    except ZerosumError as error:
        why = f"compared by random features, because {error}"
        note = f"{why}. Such numbers compare with their like only, not with papers'"
        return extractors.find("random", device), [note]


def _of_values(reference: Dataset, device: str) -> tuple[Extractor, list[str]]:
    """The values themselves, of points, of binary vectors, of behaviour, and of all frames of a video."""
    return extractors.find("pixels", device), []


def _of_sounds(reference: Dataset, device: str) -> tuple[Extractor, list[str]]:
    """How loud each band of frequencies is."""
    assert isinstance(reference.modality, Sound)
    return mel_spectra(reference.modality, torch.device(device)), []


def _of_texts(reference: Dataset, device: str) -> tuple[Extractor, list[str]]:
    """How often each token and each pair of neighbours occurs."""
    assert isinstance(reference.modality, Tokens)
    return token_counts(reference.modality, torch.device(device)), []


EXTRACTORS: dict[type[Modality], Callable[[Dataset, str], tuple[Extractor, list[str]]]] = {
    Image: _of_images,
    Video: _of_values,
    Sound: _of_sounds,
    Points: _of_values,
    Binary: _of_values,
    Behaviour: _of_values,
    Tokens: _of_texts,
    Notes: _of_texts,
}


def _are_digits(reference: Dataset) -> bool:
    return reference.name.partition(":")[0] in DIGITS


def _size(modality: Modality) -> tuple[int, int] | None:
    return modality.size if isinstance(modality, Image) else None
