"""Metrics of pairs: each image of a folder against the reference image of the same name in another."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, Problem, Progress, with_progress
from zerosum.data.images.contents import without_ending_of_image
from zerosum.data.images.decode import Encoded, decode, probe
from zerosum.data.images.fit import grey
from zerosum.data.images.folder import layout, listing
from zerosum.data.request import AS_STORED, Reading
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Protocol, Result, Target
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, PairMetric
from zerosum.metrics.samples import Samples, to_channels
from zerosum.metrics.score import Score
from zerosum.modality import Image, Modality, to_float
from zerosum.options import to_json
from zerosum.run.loaded import Run
from zerosum.util import rng
from zerosum.util.bicubic import enlarged_bytes
from zerosum.util.text import encodable

BLOCK = 64  # images that are translated at a time
OF_INPUTS = "of the inputs"  # the score of what was translated, in the place of its translation
ENLARGED = f"`{OF_INPUTS}` is of these enlarged by the bicubic kernel"
Read = TypeVar("Read")


class Pair(NamedTuple):
    """Two images of one name and size, float32 (C, H, W) in [-1, 1]."""

    name: str
    image: Tensor
    reference: Tensor
    repeated: bool = False  # whether one of the two was grey, and is repeated to RGB beside the other
    before: Pair | None = None  # what the image was translated from, at its size, beside the reference


def measure(
    metrics: Sequence[PairMetric],
    folder: Path,
    references: Path,
    seed: int,
    progress: Progress | None,
    reading: Reading = AS_STORED,
    most: int | None = None,
) -> tuple[Target, list[Result], list[str]]:
    """Every metric over all pairs, or `most` of them, and notes; `ZerosumError` where a name has no partner, sizes
    differ, or a file is broken.
    """
    files = match(folder, references)
    files = [files[row] for row in _chosen(len(files), most, seed)]
    ours, results, notes = _measure(metrics, open_pairs(files, reading), len(files), seed, progress)
    return Target("folder", encodable(str(folder.resolve())), fingerprint=ours), results, notes


def measure_run(
    metrics: Sequence[PairMetric],
    run: Run,
    data: Dataset,
    seed: int,
    progress: Progress | None,
    most: int | None = None,
) -> tuple[list[Result], list[str]]:
    """Every metric over the translations of `a` and their partners `b`, all or `most` of them, and notes;
    `ZerosumError` where no pairs are aligned.
    """
    if not are_aligned(data):
        raise ZerosumError(f"{metrics[0].name} compares pairs, and {data.name} holds none: give --against pairs:A,B")
    a, b = data.fields["a"].stored, data.fields["b"].stored
    rows = _chosen(len(a), most, seed)

    def translated() -> Iterator[Pair]:
        for start in range(0, len(rows), BLOCK):
            own = rows[start : start + BLOCK]
            part = run.assert_finite(run.translate(a[own], seed=seed), "translations")
            for i, image in zip(own, run.modality.store(part), strict=True):
                partner = b[i]
                pair = _in_one_colour(str(i), image, partner)
                shown = _at_the_size_of(partner.shape, a[i : i + 1])
                yield pair if shown is None else pair._replace(before=_in_one_colour(str(i), shown[0], partner))

    enlarged = a.shape[2:] != b.shape[2:]
    _, results, notes = _measure(metrics, translated(), len(rows), seed, progress)
    if enlarged and any(OF_INPUTS in result.scores for result in results):
        notes.append(ENLARGED)
    return results, notes


def _chosen(count: int, most: int | None, seed: int) -> list[int]:
    """The rows of all pairs, or of `most` of them: those whose translations metrics of sets take, too."""
    if most is None or most >= count:
        return list(range(count))
    return sorted(rng.shuffled(count, seed)[:most].tolist())


def are_aligned(data: Dataset) -> bool:
    """Whether data has inputs `a` and their targets `b`."""
    return {"a", "b"} <= data.fields.keys() and data.fields["a"].deck == data.fields["b"].deck


def inputs_of(context: Context, source: Modality, a: Tensor, rows: Tensor) -> tuple[Samples, str] | None:
    """What the fakes of a context were translated from, in their place, and a note on what was changed for that.

    Args:
        a: (N, *shape) as stored, of which `rows` (M,) were translated.

    Returns:
        None where they are no images, or cannot be brought to the size and the channels of the fakes.
    """
    target = context.fake.modality
    if not (isinstance(source, Image) and isinstance(target, Image)) or _as_targets(target, a[:1]) is None:
        return None

    def blocks() -> Iterator[Tensor]:
        for part in rows.split(BLOCK):
            if (shown := _as_targets(target, a[part])) is not None:
                yield shown

    fake = context.fake
    samples = Samples("the inputs", len(rows), target, blocks, fake.extractor, None, fake.progress)
    return samples, ENLARGED if a.shape[2:] != target.size else ""


def _as_targets(target: Image, x: Tensor) -> Tensor | None:
    """Stored inputs (N, C, H, W) as targets: of their size, and grey repeated, or colour turned grey, as they are."""
    shown = _at_the_size_of(target.shape, x)
    if shown is None or shown.shape[1] == target.channels:
        return shown
    if shown.shape[1] == 1:
        return to_channels(shown, target.channels)
    return grey(shown) if shown.shape[1] == 3 else None


def _at_the_size_of(shape: Sequence[int], x: Tensor) -> Tensor | None:
    """Stored inputs (N, C, H, W) at the size of targets of `shape`: as they are, or enlarged; None where neither fits,
    or where their channels cannot be compared.
    """
    channels, height, width = x.shape[1:]
    if channels != shape[0] and 1 not in (channels, shape[0]):
        return None
    factor = shape[1] // height
    if (factor * height, factor * width) != tuple(shape[1:]):
        return None
    return x if factor == 1 else enlarged_bytes(x, factor)


def _measure(
    metrics: Sequence[PairMetric], compared: Iterator[Pair], count: int, seed: int, progress: Progress | None
) -> tuple[str, list[Result], list[str]]:
    """The fingerprint of the images, the results, and notes on what was converted."""
    start, repeated = time.monotonic(), 0
    values: dict[str, list[float]] = {metric.name: [] for metric in metrics}
    before: dict[str, list[float]] = {metric.name: [] for metric in metrics}  # of what the images were translated from
    digests, shapes = (hashlib.sha256(), hashlib.sha256()), set()
    for pair in with_progress("comparing pairs", compared, count, progress):
        shapes.add(tuple(pair.reference.shape))
        repeated += pair.repeated
        for digest, image in zip(digests, (pair.image, pair.reference), strict=True):
            digest.update(f"{pair.name} {tuple(image.shape)}".encode())
            digest.update(image.numpy().data)
        for metric in metrics:
            try:
                values[metric.name].append(metric.measure(pair.image[None], pair.reference[None]))
                if pair.before:
                    own = metric.measure(pair.before.image[None], pair.before.reference[None])
                    before[metric.name].append(own)
            except ValueError as error:
                raise ZerosumError(f"{metric.name} of {pair.name} cannot be measured: {error}") from error
    ours, theirs = (digest.hexdigest()[:16] for digest in digests)
    seconds = round((time.monotonic() - start) / len(metrics), 2)
    shape = shapes.pop() if len(shapes) == 1 else ()
    results = []
    for metric in metrics:
        protocol = Protocol(
            metric=metric.name,
            settings=to_json(metric),
            precision="8-bit images, float64",
            real=count,
            fake=count,
            shape=shape,
            reference=theirs,
            seed=seed,
        )
        scores = {"mean": _mean(metric, values[metric.name])}
        if all(map(math.isfinite, before[metric.name] or [math.inf])):
            scores[OF_INPUTS] = _mean(metric, before[metric.name])
        results.append(Result(protocol, scores, (), seconds))
    notes = []
    if repeated:
        which = "each pair" if repeated == count else f"{repeated:,} of the {count:,} pairs"
        notes.append(f"in {which} one image is grey and the other RGB: the grey is repeated to RGB")
    return ours, results, notes


def match(folder: Path, references: Path) -> list[tuple[Encoded, Encoded]]:
    """Files of two folders by equal names, those left by names without the endings of images, where each is one alone;
    `ZerosumError` where one is no folder, or a name is missing from either.
    """
    for place in (folder, references):
        if not place.is_dir() or (place / "run.json").exists():
            raise ZerosumError(f"{place} is no folder of images; pairs are images of equal names in two folders")
    ours, theirs = ({item.path: item for item in listing(place).items} for place in (folder, references))
    partners = _partners(list(ours), list(theirs))
    alone = {(name, references) for name in ours.keys() - partners.keys()}
    alone |= {(name, folder) for name in theirs.keys() - {*partners.values()}}
    if alone:
        name, place = min(alone)
        raise ZerosumError(
            f"{place} has no {name} ({len(alone)} of {len(partners) + len(alone)} names have no partner); pairs are "
            "images of equal names in two folders"
        )
    return [(item, theirs[partners[name]]) for name, item in ours.items()]


def _partners(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """Which of their files each of ours belongs to: `x.png` to `x.png`, else to `x.jpg`; `x.jpg.png` to `x.jpg`."""
    found: dict[str, str] = {}
    for own, other in ((str, str), (without_ending_of_image, str), (without_ending_of_image, without_ending_of_image)):
        taken = {*found.values()}
        left = [name for name in ours if name not in found], [name for name in theirs if name not in taken]
        times = [Counter(map(key, names)) for key, names in zip((own, other), left, strict=True)]
        by_name = {other(name): name for name in left[1]}
        found |= {name: by_name[key] for name in left[0] if times[0][key := own(name)] == times[1][key] == 1}
    return found


def open_pairs(files: Sequence[tuple[Encoded, Encoded]], reading: Reading = AS_STORED) -> Iterator[Pair]:
    """Each pair at its own size, one after the other; in colour where either image is; the first frame of each file."""
    for pair in files:
        image, reference = (_readable(item, probe(item)) for item in pair)
        if (image.height, image.width) != (reference.height, reference.width):
            sizes = f"{image.height}x{image.width} and {reference.height}x{reference.width}"
            raise ZerosumError(f"the two images called {pair[0].path} are of {sizes}; pairs need equal sizes")
        size = (reference.height, reference.width)
        rows = [
            _readable(item, decode(item, layout([found], size, reading)[0], size, reading=reading))
            for item, found in zip(pair, (image, reference), strict=True)
        ]
        yield _in_one_colour(pair[0].path, *(torch.from_numpy(row.pixels) for row in rows))


def _in_one_colour(name: str, image: Tensor, reference: Tensor) -> Pair:
    """Two stored images (C, H, W) as floats: grey is repeated where it stands beside colours."""
    ours, theirs, repeated = to_float(image), to_float(reference), len(image) != len(reference)
    if repeated:
        ours, theirs = (side.expand(max(len(ours), len(theirs)), -1, -1).contiguous() for side in (ours, theirs))
    return Pair(name, ours, theirs, repeated)


def _readable(item: Encoded, read: Read | Problem) -> Read:
    """What was read of a file; `ZerosumError` where that is a problem."""
    if isinstance(read, Problem):
        raise ZerosumError(f"cannot read {item.file!s}: {read.reason}")
    return read


def _mean(metric: PairMetric, values: list[float]) -> Score:
    scores = torch.tensor(values, dtype=torch.float64)
    if not bool(scores.isfinite().all()):
        raise ZerosumError(f"{metric.name} is infinite: an image equals its partner; are they the folders you meant?")
    why_not = metric.no_interval or ("no interval: too few images" if len(scores) < intervals.FEWEST else "")
    if why_not:
        return Score(float(scores.mean()), metric.better, note=why_not)
    return Score(float(scores.mean()), metric.better, intervals.of_groups(values), "Student's t, of the images")
