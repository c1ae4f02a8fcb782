"""All data by name: the one table, and `load`, which reads it."""

from __future__ import annotations

import difflib
import math
from importlib import import_module
from pathlib import Path
from typing import Any

from zerosum.data.arrays import SUFFIXES, arrays
from zerosum.data.dataset import DataError, Dataset, Progress
from zerosum.data.images.digits import digits
from zerosum.data.images.gauges import gauges
from zerosum.data.images.idx import FASHION_MNIST, MNIST
from zerosum.data.images.resize import resized
from zerosum.data.images.stacked import stacked_mnist
from zerosum.data.pairs import tasks
from zerosum.data.points import mixture
from zerosum.data.request import Frames, Reading, Request, Source
from zerosum.data.text import lines as text
from zerosum.util import checks
from zerosum.util.files import named
from zerosum.util.text import encodable


def _imported(where: str) -> Source:
    """The source "module:function", of a module that needs Pillow, which is imported when the source is called."""
    module, _, name = where.partition(":")
    return lambda request: getattr(import_module(f"zerosum.data.{module}"), name)(request)


from_folder = _imported("images.folder:folder")

SOURCES: dict[str, Source] = {
    "digits": digits,
    "mnist": MNIST,
    "fashion-mnist": FASHION_MNIST,
    "cifar10": _imported("images.cifar:cifar10"),
    "stacked-mnist": stacked_mnist,
    "gauges": gauges,
    "ring": mixture.source(mixture.ring),
    "grid": mixture.source(mixture.grid),
    "swiss-roll": mixture.swiss_roll,
    "moons": mixture.moons,
    "gaussians": mixture.gaussians,
    "pairs": _imported("pairs.folders:paired"),
    "unpaired": _imported("pairs.folders:unpaired"),
    "side-by-side": _imported("pairs.folders:side_by_side"),
}
UNPAIRED = "unpaired"
OF_FOLDERS = ("pairs", UNPAIRED, "side-by-side")  # what follows their colon are paths


def load(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    labels: bool = True,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    frames: Frames = "first",
) -> Dataset:
    """All samples of one source.

    Args:
        name: a name of SOURCES, with ":test" for the test images of a published set; a folder of images, whose
            classes are its sub-folders, or are named in a `labels.csv` there; an .npy or .npz file of images or
            points; a .txt file, one text a line; or "pairs:A,B", "unpaired:A,B", "side-by-side:FOLDER"; or pairs made
            from images of any of these, "denoise:DATA", "denoise@40:DATA", "unpaired:denoise:DATA" (`pairs.tasks`). A
            known name goes before a folder of that name: write "./mnist" for the folder.
        size: (H, W) to scale and crop images to; None keeps the source's own.
        labels: keep the labels, where there are any.
        data_dir: where published sets are looked for first; then $ZEROSUM_DATA, the cache, the mirrors.
        progress: called with (what is being done, done so far, total), the total 0 where it is unknown.
        seed: of drawn points.
        value_range: of images in files, the values that become black and white: (0, 4095) of 12 bits stored in 16. By
            default the whole range of the files' type, or the one that a file names.
        frames: of image files with several pages or frames, the "first" is an image, or "all" are, each with the label
            of its file.

    Raises:
        DataError: the data is missing, unreadable, or not of the kind asked for.
    """
    name, seed = checks.text("data", name), checks.seed(seed)
    if isinstance(size, int) or (size is not None and len(size) != 2):
        raise DataError(f"size must be (height, width), not {size}")
    if size is not None and min(size) < 1:
        raise DataError(f"the size {size[0]}x{size[1]} is empty; give a height and a width of at least 1")
    name = encodable(name)  # as it goes into JSON, pages and pictures
    source, option = find(name)
    reading = Reading(value_range, frames)
    check_reading(name, reading)
    data = source(Request(name, option, size, data_dir, progress, seed, reading))
    if size is not None:
        data = resized(data, size)
    return data if labels else data.without_labels()


def find(name: str) -> tuple[Source, str]:
    """The source that a name means, and what follows its colon.

    Raises:
        DataError: it means none; the message lists the known names and says which is close.
    """
    known, _, option = name.partition(":")
    if _is_task(name):
        return _from_task, option
    if known in SOURCES:
        return SOURCES[known], option
    path = named(name)
    try:
        is_folder, is_file = path.is_dir() and name != "", path.is_file()
    except OSError as error:
        raise DataError(f"cannot look at {name}: {error.strerror}; check its permissions") from error
    if is_folder:
        return from_folder, ""
    if is_file and path.suffix.lower() in SUFFIXES:
        return arrays, ""
    if is_file and path.suffix.lower() in text.SUFFIXES:
        return text.lines, ""
    if is_file:
        endings = ", ".join((*SUFFIXES, *text.SUFFIXES))
        raise DataError(f"{name} is a single file; give a folder of images, or a file that ends in one of {endings}")
    close = difflib.get_close_matches(known.partition("@")[0], (*SOURCES, *tasks.TASKS), n=1)
    hint = f"did you mean '{close[0]}'?" if close else "check the spelling, or give a folder that exists"
    raise DataError(f"no data called '{name}': it is no file or folder, and none of {', '.join(SOURCES)}; {hint}")


def _is_task(name: str) -> bool:
    """Whether a name means pairs that are made from images, or the two sides of such pairs."""
    known, _, option = name.partition(":")
    return tasks.parse(option.partition(":")[0] if known == UNPAIRED else known) is not None


def _from_task(request: Request) -> Dataset:
    """Pairs made from images, or their two sides."""
    apart = request.name.startswith(f"{UNPAIRED}:")
    name, images = (request.option if apart else request.name).partition(":")[0], _images(request.name)
    if not images:
        raise DataError(f"{request.name}: name the images of the task, as {name}:photos or {name}:digits")
    found = tasks.parse(name)
    assert found is not None
    data = load(
        images,
        size=request.size,
        labels=False,
        data_dir=request.data_dir,
        progress=request.progress,
        seed=request.seed,
        value_range=request.reading.value_range,
        frames=request.reading.frames,
    )
    pairs = tasks.with_task(data, *found, request.name, request.progress)
    return tasks.unpaired_task(pairs, request.name) if apart else pairs


def read_as(reading: Reading, name: str, **other: Any) -> Dataset:
    """`load` of files as `reading` says; of what is no file as it is."""
    if not reads_files(name):
        return load(name, **other)
    return load(name, value_range=reading.value_range, frames=reading.frames, **other)


def check_reading(name: str, reading: Reading) -> None:
    """`DataError` where a range of values has no width, or is asked of what is no file."""
    if reading.value_range is None:
        return
    low, high = reading.value_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DataError(f"--value-range {low:g} {high:g} has no width; give a lower value, then a higher one")
    if not reads_files(name):
        raise DataError(f"{name} holds what it holds: --value-range is of images in your own files; leave it out")


def reads_files(name: str) -> bool:
    """Whether a name means images in a user's own files, whose values and frames can be taken in several ways."""
    source, _ = find(name)
    if source is _from_task:
        return reads_files(_images(name))
    return source in (from_folder, arrays) or name.partition(":")[0] in OF_FOLDERS


def _images(name: str) -> str:
    """The data that a task is made from."""
    known, _, option = name.partition(":")
    return option.partition(":")[2] if known == UNPAIRED else option


def absolute(name: str) -> str:
    """The name by which the same data is found from any folder."""
    known, _, option = name.partition(":")
    if _is_task(name):
        images = _images(name)
        return name.removesuffix(images) + absolute(images)
    if known in OF_FOLDERS:
        whole = named(option)
        parts = [whole] if whole.is_dir() else [named(part) for part in option.split(",")]
        return encodable(f"{known}:{','.join(str(part.resolve()) for part in parts)}")
    return name if known in SOURCES else encodable(str(named(name).resolve()))
