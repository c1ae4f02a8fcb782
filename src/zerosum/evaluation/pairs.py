"""Metrics of pairs: each image of one folder against the image of the same name in another."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor

from zerosum.data.dataset import Problem, Progress, with_progress
from zerosum.data.images.decode import Encoded, Probe, decode, probe
from zerosum.data.images.folder import listing
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Figure, Protocol, Result, Target
from zerosum.metrics import intervals, structural
from zerosum.metrics.samples import to_float
from zerosum.options import to_json


class Pair(NamedTuple):
    """Two images of one name and size, float32 (C, H, W) in [-1, 1]."""

    name: str
    made: Tensor
    real: Tensor


@dataclass(frozen=True)
class Paired(ABC):
    """A metric of pairs; its fields are its settings."""

    luma: Annotated[bool, "compare the Y channel of BT.601 alone, as papers on super-resolution do"] = False
    border: Annotated[int, Ge(0), "pixels to cut off at each side first"] = 0

    name: ClassVar[str]

    @abstractmethod
    def score(self, made: Tensor, real: Tensor) -> float:
        """Of two images (1, C, H, W). ValueError where they are unfit."""


@dataclass(frozen=True)
class Psnr(Paired):
    """Peak signal-to-noise ratio, in dB: the mean over the images. Higher for blur than for wrong detail."""

    name = "psnr"

    def score(self, made: Tensor, real: Tensor) -> float:
        return float(structural.psnr(made, real, luma=self.luma, border=self.border))


@dataclass(frozen=True)
class Ssim(Paired):
    """Structural similarity; Wang et al., 2004: the mean over the images, 1 for equal ones."""

    name = "ssim"

    def score(self, made: Tensor, real: Tensor) -> float:
        return float(structural.ssim(made, real, luma=self.luma, border=self.border))


def measure(
    metrics: Sequence[Paired], made: Path, real: Path, seed: int, progress: Progress | None
) -> tuple[Target, list[Result]]:
    """Every metric over all pairs of two folders.

    Raises:
        ZerosumError: one is no folder of images, a name is missing from either, sizes differ, a file is broken.
    """
    start = time.monotonic()
    found = matched(made, real)
    values: dict[str, list[float]] = {metric.name: [] for metric in metrics}
    digests, shapes = (hashlib.sha256(), hashlib.sha256()), set()
    for pair in with_progress("comparing pairs", opened(found), len(found), progress):
        shapes.add(tuple(pair.real.shape))
        for digest, image in zip(digests, (pair.made, pair.real), strict=True):
            digest.update(f"{pair.name} {tuple(image.shape)}".encode())
            digest.update(image.numpy().data)
        for metric in metrics:
            try:
                values[metric.name].append(metric.score(pair.made[None], pair.real[None]))
            except ValueError as error:
                raise ZerosumError(f"{metric.name} of {pair.name} cannot be measured: {error}") from error
    ours, theirs = (digest.hexdigest()[:16] for digest in digests)
    seconds = round((time.monotonic() - start) / len(metrics), 2)
    shape = shapes.pop() if len(shapes) == 1 else ()
    results = []
    for metric in metrics:
        stamp = _stamp(metric, len(found), shape, theirs, seed)
        results.append(Result(stamp, {"mean": _figure(metric.name, values[metric.name])}, (), seconds))
    return Target("folder", str(made.resolve()), fingerprint=ours), results


def matched(made: Path, real: Path) -> list[tuple[Encoded, Encoded]]:
    """The files of two folders, by their equal names.

    Raises:
        ZerosumError: one is no folder, or a name is missing from either.
    """
    for folder in (made, real):
        if not folder.is_dir() or (folder / "run.json").exists():
            raise ZerosumError(f"{folder} is no folder of images; pairs are images of equal names in two folders")
    ours, theirs = ({item.path: item for item in listing(folder).items} for folder in (made, real))
    if alone := ours.keys() ^ theirs.keys():
        name = min(alone)
        raise ZerosumError(
            f"{real if name in ours else made} has no {name} ({len(alone)} of {len(ours | theirs)} names have no "
            "partner); pairs are images of equal names in two folders"
        )
    return [(item, theirs[name]) for name, item in ours.items()]


def opened(found: Sequence[tuple[Encoded, Encoded]]) -> Iterator[Pair]:
    """Each pair at its own size, one after the other; in colour where either image is."""
    for pair in found:
        made, real = (_probed(item) for item in pair)
        if (made.height, made.width) != (real.height, real.width):
            sizes = f"{made.height}x{made.width} and {real.height}x{real.width}"
            raise ZerosumError(f"the two images called {pair[0].path} are of {sizes}; pairs need equal sizes")
        channels = 1 if made.grey and real.grey else 3
        images = [_decoded(item, channels, (real.height, real.width)) for item in pair]
        yield Pair(pair[0].path, *images)


def _probed(item: Encoded) -> Probe:
    found = probe(item)
    if isinstance(found, Problem):
        raise ZerosumError(f"cannot read {item.file!s}: {found.reason}")
    return found


def _decoded(item: Encoded, channels: int, size: tuple[int, int]) -> Tensor:
    row = decode(item, channels, size)
    if isinstance(row, Problem):
        raise ZerosumError(f"cannot read {item.file!s}: {row.reason}")
    return to_float(torch.from_numpy(row.pixels))


def _figure(name: str, values: list[float]) -> Figure:
    scores = torch.tensor(values, dtype=torch.float64)
    if not bool(scores.isfinite().all()):
        raise ZerosumError(f"{name} is infinite: an image equals its partner; are they the folders you meant?")
    if len(scores) < intervals.FEWEST:
        return Figure(float(scores.mean()), "higher", note="no interval: too few images")
    return Figure(float(scores.mean()), "higher", intervals.of_groups(values), "Student's t, of the images")


def _stamp(metric: Paired, count: int, shape: tuple[int, ...], reference: str, seed: int) -> Protocol:
    return Protocol(
        metric=metric.name,
        settings=to_json(metric),
        extractor="",
        identity="",
        resizing="",
        precision="8-bit images, float64",
        real=count,
        fake=count,
        shape=shape,
        reference=reference,
        held_out="",
        seed=seed,
        truncation=None,
    )
