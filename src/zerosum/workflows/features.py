"""Train a classifier whose features a perceptual loss compares: what `zerosum features` calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import cast

import torch

from zerosum import __version__
from zerosum.batches import Labelled
from zerosum.data import SOURCES, load
from zerosum.data.check import labels, left_out
from zerosum.data.dataset import HINT, DataError, Dataset, Progress
from zerosum.data.held_out import names_to_hold_out, split
from zerosum.errors import ZerosumError
from zerosum.metrics import probe
from zerosum.modality import Image, to_float
from zerosum.networks import pretrained, vgg
from zerosum.networks.pretrained import SUFFIX, About
from zerosum.training import hardware
from zerosum.training.trainer import Diverged, Trainer
from zerosum.util import checks, rng
from zerosum.util.files import atomic_path
from zerosum.util.text import encodable

RATE = 3e-3  # of Adam, which falls to 0
HELD_OUT = 0.1  # the share of data without a test part that is not learnt from
PART = 500  # images that are classified at once
COMPARED = 1000  # images that say how far apart features of different ones are


def train_features(
    data: str = "cifar10",
    out: str | Path = "features.safetensors",
    *,
    size: int | tuple[int, int] | None = None,
    steps: int = 2_500,
    batch_size: int = 128,
    flip: bool = False,
    seed: int = 0,
    data_dir: str | Path | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    notes: Callable[[str], object] | None = None,
) -> About:
    """Train a small VGG to classify images, and write it for `--features` of SRGAN: what `zerosum features` does.

    Equal arguments give equal files on one machine. Whatever ends it before it is done leaves no file. No file is
    written over: where `out` appears during the training, the new one is FILE-2.safetensors, as the error says.

    Args:
        data: labelled images, as `zerosum.train` takes them.
        out: the file, FILE.safetensors, which must not be there.
        size: to scale images to, in pixels: a side of a square, or (height, width); by default as the data has them.
        steps: of training, each on `batch_size` images.
        flip: mirror images at random, where left and right mean nothing.
        data_dir: where published sets are looked for first.
        device: "cpu", "cuda" ...; by default a GPU where there is one.
        progress: called with (what is being done, done so far, total).
        notes: called before the training with each line about the data: how many images, files that were left out ...

    Returns:
        What the file says of itself; its accuracy is that on the test part of the data, where that has one as cifar10
        has, else on a tenth of its files that was not learnt from.

    Raises:
        ZerosumError: the file is there or cannot be, the data has no images, labels or classes to tell apart, or the
            training has diverged.
    """
    data, out = checks.text("data", data), checks.path("out", out)
    steps, batch_size = checks.integer("steps", steps, 1), checks.integer("batch_size", batch_size, 2)
    sides, flip, seed = checks.sides("size", size), checks.switch("flip", flip), checks.integer("seed", seed, 0)
    place = hardware.find(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    folder = None if data_dir is None else checks.path("data_dir", data_dir)
    if out.suffix != SUFFIX:
        raise ZerosumError(f"--out {out}: features are written to a {SUFFIX} file")
    if os.path.lexists(out):
        raise _there(out)
    learnt, tested, where = _data(data, sides, folder, progress)
    known = _labelled(learnt)
    if batch_size > len(known.y):
        raise ZerosumError(
            f"a batch of {batch_size} is more than the {len(known.y)} labelled images to learn from of {data}; use a "
            f"--batch-size of at most {len(known.y)}, or more data"
        )
    if notes:
        for line in _lines(learnt, len(known.y), f"{len(tested.y):,} others of {where}"):
            notes(line)
    about = None
    try:
        with atomic_path(out, new=True) as partial:  # before the training: that it cannot be written is then known
            network = _trained(learnt, known, steps, batch_size, flip, seed, place, progress)
            errors = probe.mistakes(network, tested.x, tested.y, place)
            about = About(
                channels=learnt.modality.shape[0],
                classes=learnt.classes,
                data=encodable(learnt.name),
                fingerprint=learnt.fingerprint,
                accuracy=round(1 - errors / len(tested.y), 6),
                tested_on=where,
                tested=len(tested.y),
                steps=steps,
                batch_size=batch_size,
                flip=flip,
                seed=seed,
                version=__version__,
            )
            pretrained.write(partial, network.cpu(), about)
    except FileExistsError as error:
        if about is None:
            raise _there(out) if os.path.lexists(out) else error from None  # else it is one of its folders
        other = _beside(out, lambda partial: pretrained.write(partial, network, about))
        raise ZerosumError(
            f"{out} appeared during the training and was left as it is; what was trained is in {other}: give that to "
            "--features, or rename it"
        ) from error
    return about


def _there(out: Path) -> ZerosumError:
    return ZerosumError(f"{out} is there already, and may be what a run was begun with; choose another --out")


def _beside(path: Path, write: Callable[[Path], None]) -> Path:
    """The new file that was written beside `path`, whose name something else has: FILE-2, FILE-3 ..."""
    for number in count(2):
        other = path.with_stem(f"{path.stem}-{number}")
        try:
            with atomic_path(other, new=True) as partial:
                write(partial)
        except FileExistsError:
            if not os.path.lexists(other):
                raise
        else:
            return other
    raise AssertionError


def _data(
    name: str, size: tuple[int, int] | None, folder: Path | None, progress: Progress | None
) -> tuple[Dataset, Labelled, str]:
    """What is learnt from, labelled images that are not, and what these are, in words."""
    whole = load(name, size=size, data_dir=folder, progress=progress)
    _require(whole)
    if name in SOURCES:
        with suppress(DataError):  # most sets have no parts
            test = load(f"{name}:test", size=size, data_dir=folder, progress=progress)
            if test.classes == whole.classes:
                return whole, _labelled(test), encodable(test.name)
    learnt, rest = split(whole, names_to_hold_out(whole, HELD_OUT))
    tested = _labelled(rest)
    if len(_labelled(learnt).y) < 2 or not len(tested.y):
        raise DataError(
            f"{name} has too few labelled images to learn from nine tenths and test on the others; add some"
        )
    return learnt, tested, encodable(whole.name)


def _require(data: Dataset) -> None:
    """`DataError` for what holds no labelled images of several classes, large enough."""
    modality = data.modality
    if not isinstance(modality, Image):
        raise DataError(f"features are of images, and {data.name} has {modality.plural}; give labelled images")
    if data.y is None or not data.classes:
        what = "vectors for labels, and no classes" if data.vectors is not None else "no labels"
        raise DataError(f"{data.name} has {what}, and a classifier learns classes; {HINT}")
    if (present := len(data.y[data.y >= 0].unique())) < 2:
        raise DataError(
            f"{data.name} has images of {present} class{'' if present == 1 else 'es'}, and a classifier tells several "
            f"apart; {HINT}"
        )
    if min(modality.size) < vgg.SMALLEST:
        height, width = modality.size
        raise DataError(
            f"{data.name} has images of {width}x{height} pixels, the network takes {vgg.SMALLEST} a side and more; "
            "choose a larger --size"
        )


def _labelled(data: Dataset) -> Labelled:
    assert data.y is not None
    known = data.y >= 0
    return Labelled(data.x[known], data.y[known])


def _lines(learnt: Dataset, count: int, tested: str) -> list[str]:
    """What people should know of the data."""
    height, width = learnt.modality.shape[1:]
    first = f"{learnt.name}: learning from {count:,} images of {width}x{height} pixels, to be tested on {tested}"
    return [first, *labels(learnt), *(f"note: {note}" for note in learnt.notes), *left_out(learnt.problems)]


def _trained(
    learnt: Dataset,
    known: Labelled,
    steps: int,
    batch_size: int,
    flip: bool,
    seed: int,
    device: torch.device,
    progress: Progress | None,
) -> vgg.Classifier:
    """The classifier, without batch norm, with scales."""
    x, y = known
    shown = x[rng.shuffled(len(x), seed)[:COMPARED]]
    pixels = to_float(shown)

    def build() -> vgg.Classifier:
        network = vgg.Classifier(x.shape[1], len(learnt.classes), normed=True)
        network.features.mean.copy_(pixels.mean())
        network.features.deviation.copy_(pixels.std().clamp_min(1e-3))
        return network

    def tell(trainer: Trainer) -> None:
        if progress:
            progress("training the classifier", trainer.step, steps)

    try:
        trained = probe.fit(
            build,
            x,
            y,
            steps=steps,
            batch_size=batch_size,
            rate=RATE,
            seed=seed,
            device=device,
            flip=flip,
            hooks=[tell],
        )
    except Diverged as error:
        raise ZerosumError(f"training diverged: {error.what}; try a larger --batch-size, or another --seed") from error
    with rng.fork_rng(torch.device("cpu")):
        network = vgg.folded(cast(vgg.Classifier, trained.cpu())).to(device)
    network.features.calibrate(pixels.to(device))
    if not bool(network.features.scales.isfinite().all()):
        raise ZerosumError(
            f"the network learnt nothing of {learnt.name}: some of its features are the same for all images; train "
            "longer (--steps)"
        )
    return network
