"""All data by name: the one table, and `load`, which reads it."""

from __future__ import annotations

import difflib
import math
import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from zerosum.data.arrays import SUFFIXES, arrays
from zerosum.data.binary import table
from zerosum.data.binary.mixture import bits
from zerosum.data.dataset import DataError, Dataset, Progress
from zerosum.data.domains import DOMAINS
from zerosum.data.images.contents import ARCHIVE, RUN, is_record, kind_of
from zerosum.data.images.contents import SUFFIXES as PICTURES
from zerosum.data.images.digits import digits
from zerosum.data.images.gauges import gauges
from zerosum.data.images.idx import FASHION_MNIST, MNIST
from zerosum.data.images.resize import resized
from zerosum.data.images.stacked import stacked_mnist
from zerosum.data.music import midi
from zerosum.data.music.melodies import melodies
from zerosum.data.pairs import tasks
from zerosum.data.points import mixture
from zerosum.data.random_crops import with_crops
from zerosum.data.request import AS_STORED, Alpha, Frames, Reading, Request, Source
from zerosum.data.scenes.source import scenes
from zerosum.data.shapes.source import shapes, shapes_zh
from zerosum.data.sides import Two
from zerosum.data.sounds import OTHERS, WAV
from zerosum.data.styles import STYLES
from zerosum.data.text import dialogue_files
from zerosum.data.text import lines as text
from zerosum.data.text.dialogues import dialogues
from zerosum.data.text.sentences import sentences
from zerosum.data.walks.source import walks, walks_left, walks_right
from zerosum.util import checks
from zerosum.util.files import named
from zerosum.util.text import encodable


def _imported(where: str) -> Source:
    """The source "module:function", of a module that needs Pillow, which is imported when the source is called."""
    module, _, name = where.partition(":")
    return lambda request: getattr(import_module(f"zerosum.data.{module}"), name)(request)


def _both(two: Two) -> Source:
    """Both sides, read as each is alone, at one size where one is asked for."""

    def source(request: Request) -> Dataset:
        sides = (
            read_as(
                request.reading,
                name,
                size=request.size,
                data_dir=request.data_dir,
                progress=request.progress,
                seed=request.seed,
            )
            for name in two.names(request.option)
        )
        return two.joined(request.name, *sides)

    return source


TWO: dict[str, Two] = {two.prefix: two for two in (DOMAINS, STYLES)}

from_folder = _imported("images.folder:folder")
from_sounds = _imported("sounds.wav:folder")

SOUNDS, MELODIES = "sounds", "melodies"  # what follows their colon can be a folder
SOURCES: dict[str, Source] = {
    "digits": digits,
    "mnist": MNIST,
    "fashion-mnist": FASHION_MNIST,
    "cifar10": _imported("images.cifar:cifar10"),
    "stacked-mnist": stacked_mnist,
    "mnist-m": _imported("images.mnist_m:mnist_m"),
    "gauges": gauges,
    "ring": mixture.source(mixture.ring),
    "grid": mixture.source(mixture.grid),
    "swiss-roll": mixture.swiss_roll,
    "moons": mixture.moons,
    "gaussians": mixture.gaussians,
    "bits": bits,
    "demonstrations": _imported("behaviour.demonstrations:demonstrations"),
    "scenes": scenes,
    "sentences": sentences,
    MELODIES: melodies,
    "dialogues": dialogues,
    "oracle": _imported("text.oracle:oracle"),
    SOUNDS: _imported("sounds.source:sounds"),
    "shapes": shapes,
    "shapes-zh": shapes_zh,
    "pairs": _imported("pairs.folders:paired"),
    "unpaired": _imported("pairs.folders:unpaired"),
    "side-by-side": _imported("pairs.folders:side_by_side"),
    "walks": walks,
    "walks-left": walks_left,
    "walks-right": walks_right,
    **{name: _both(two) for name, two in TWO.items()},
}
DRAWN = ("shapes", "shapes-zh")  # images that are drawn as large as is asked for
UNPAIRED = "unpaired"
WHITE = 255  # what the upper end of a range of values becomes
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
    crop: tuple[int, int] | None = None,
    alpha: Alpha = "white",
) -> Dataset:
    """All samples of one source.

    Args:
        name: a name of SOURCES, with ":test" for the test images of a published set; a folder of images, whose classes
            are its sub-folders, or are named in a `labels.csv` there, of WAV files, or of MIDI files; an .npy or .npz
            file of images, points or binary vectors; a .txt file, one text a line; a .tsv, .csv or .jsonl file of
            questions and answers; a .csv or .tsv file of features that are 0 or 1; or "pairs:A,B", "unpaired:A,B",
            "side-by-side:FOLDER"; or "domains:SOURCE,TARGET", images with classes and images of another kind, or
            "styles:CROWD,PLAYER", images whose classes are what was done there by many and by one, each by a name of
            these; or pairs made from images of any of these, "denoise:DATA", "denoise@40:DATA",
            "unpaired:denoise:DATA" (`pairs.tasks`), "shrink@4:DATA". A known name goes before a folder of that name:
            write "./mnist" for the folder.
        size: (H, W) to scale and crop images to; None keeps the source's own. Of "shrink:FOLDER" that of the crops.
        labels: keep the labels, where there are any.
        data_dir: where published sets are looked for first; then $ZEROSUM_DATA, the cache, the mirrors.
        progress: called with (what is being done, done so far, total), the total 0 where it is unknown.
        seed: of drawn points.
        value_range: of images in files, the values that become black and white: (0, 4095) of 12 bits stored in 16. By
            default the whole range of the files' type, or the one that a file names.
        frames: of image files with several pages or frames, the "first" is an image, or "all" are, each with the label
            of its file.
        crop: (H, W) of crops that a `Stream` draws of the images, at a random place each time; what else looks at the
            data sees the middle (`random_crops`).
        alpha: of image files, "white": what is transparent is laid over white; "keep": all are RGBA, 4 channels, of
            which the last is the opacity, 255 where a file has none.

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
    reading = Reading(value_range, frames, alpha)
    check_reading(name, reading)
    data = source(Request(name, option, size, data_dir, progress, seed, reading))
    made = _made(name)
    if size is not None and (made is None or tasks.factor_of(made.task) is None):
        data = resized(data, size)
    data = data if crop is None else with_crops(data, crop)
    return data if labels else data.without_labels()


def find(name: str) -> tuple[Source, str]:
    """The source that a name means, and what follows its colon.

    Raises:
        DataError: it means none; the message lists the known names and says which is close.
    """
    known, _, option = name.partition(":")
    if _made(name) is not None:
        return _from_task, option
    if known in SOURCES:
        return SOURCES[known], option
    path = named(name)
    try:
        is_folder, is_file = path.is_dir() and name != "", path.is_file()
    except OSError as error:
        raise DataError(f"cannot look at {name}: {error.strerror}; check its spelling and permissions") from error
    if is_folder:
        return _of_files(path), ""
    if is_file and path.suffix.lower() in SUFFIXES:
        return arrays, ""
    if is_file and path.suffix.lower() in text.SUFFIXES:
        return text.lines, ""
    if is_file and path.suffix.lower() in dialogue_files.SUFFIXES:
        return _of_table(path), ""
    if is_file:
        what, cure = _alone(path)
        endings = ", ".join((*SUFFIXES, *text.SUFFIXES, *dialogue_files.SUFFIXES))
        raise DataError(f"{name} is a single {what}; {cure}, or a file that ends in one of {endings}")
    if "://" in name:
        raise DataError(f"{name} is an address, and only published sets are fetched; download it, and give its folder")
    made = (*SOURCES, *tasks.TASKS, tasks.SHRINK)
    close = difflib.get_close_matches(known.partition("@")[0], made, n=1)
    hint = f"did you mean '{close[0]}'?" if close else "check the spelling, or give a folder that exists"
    raise DataError(f"no data called '{name}': it is no file or folder, and none of {', '.join(SOURCES)}; {hint}")


def _of_files(folder: Path) -> Source:
    """What reads a folder: its sounds or its MIDI files, where it or its sub-folders have some, and nothing that is
    called as an image is; else its images.
    """
    found = set[str]()
    for where, folders, files in os.walk(folder):
        run = "run.json" in files and is_record(os.path.join(where, "run.json"), RUN)  # what it wrote is no data
        folders[:] = [] if run else [name for name in folders if not name.startswith(".")]
        endings = {os.path.splitext(name)[1].lower() for name in ([] if run else files)}
        if endings & set(PICTURES):
            return from_folder
        found |= endings
    if found & set(WAV):
        return from_sounds
    if found & set(midi.SUFFIXES):
        return midi.folder
    return from_sounds if found & set(OTHERS) else from_folder  # which says what to do


def _of_table(path: Path) -> Source:
    """What reads a table: dialogues, where its columns are a question and an answer, or one of both and no classes;
    else features.
    """
    if path.suffix.lower() not in table.SUFFIXES:
        return dialogue_files.dialogues_in
    try:
        columns = {*table.columns_of(path)}
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check its permissions") from error
    whole = " ".join(columns)  # of one cell, where something else parts them
    both = all(column in whole for column in dialogue_files.COLUMNS)
    labelled = any(column.lower() in table.LABELS for column in columns)
    one = columns & {*dialogue_files.COLUMNS} and not labelled
    return dialogue_files.dialogues_in if both or one else table.features_in


def with_task(name: str, task: str, strength: float | None = None, *, apart: bool = False) -> str:
    """The name of the pairs that a task makes of the images `name`; of their two sides, unpaired, where they go apart.

    Where `name` is a task's already, it is another of its images.
    """
    if (made := _made(name)) is not None:
        name = made.images
    known = task if strength is None else f"{task}@{strength:g}"
    return f"{UNPAIRED}:{known}:{name}" if apart else f"{known}:{name}"


def together(name: str) -> str:
    """The name of the pairs whose two sides `name` has apart: "denoise:photos" of "unpaired:denoise:photos"."""
    return name.partition(":")[2] if (made := _made(name)) is not None and made.apart else name


class _Made(NamedTuple):
    """What the name of pairs that are made from images says."""

    apart: bool  # their two sides, unpaired
    task: str  # with its strength: "denoise@40"
    images: str  # the data that they are made from


def _made(name: str) -> _Made | None:
    """What a name says that means pairs made from images, or the two sides of such pairs; None of all others."""
    known, _, option = name.partition(":")
    apart = known == UNPAIRED
    task, _, images = option.partition(":") if apart else (known, "", option)
    return _Made(apart, task, images) if task.partition("@")[0] in (*tasks.TASKS, tasks.SHRINK) else None


def _from_task(request: Request) -> Dataset:
    """Pairs made from images, or their two sides."""
    made = _made(request.name)
    assert made is not None
    apart, name, images = made
    if not images:
        raise DataError(f"{request.name}: name the images of the task, as {name}:photos or {name}:digits")
    factor, task = tasks.factor_of(name), tasks.parse(name)
    if task is not None and tasks.TASKS[task[0]].grey and request.reading.alpha == "keep":
        raise DataError(f"{task[0]} makes grey images of colours, and opacity is none: leave --alpha keep out")
    if factor is not None and request.size is not None:
        tasks.require_multiples(request.size, factor)
    if factor is not None and find(images)[0] is from_folder:
        data = _imported("pairs.crops:crops")(replace(request, name=images, option=""))
    else:
        data = load(
            images,
            size=request.size if factor is None else None,
            labels=False,
            data_dir=request.data_dir,
            progress=request.progress,
            seed=request.seed,
            **vars(request.reading),
        )
    if task is not None:
        pairs = tasks.with_task(data, *task, request.name, request.progress)
    else:
        assert factor is not None
        cut = tuple(side // factor * factor for side in data.modality.shape[1:])
        if request.size not in (None, cut):  # a run that goes on asks for the size that it had
            data = resized(data, request.size)
        pairs = tasks.with_shrunk(data, factor, request.name, request.progress)
    return tasks.unpaired_task(pairs, request.name) if apart else pairs


def _alone(path: Path) -> tuple[str, str]:
    """What a single file is, and what to give instead."""
    if path.suffix.lower() in WAV:
        return "sound", "give the folder that it lies in"
    if path.suffix.lower() in midi.SUFFIXES:
        return "MIDI file", "give the folder that it lies in"
    try:
        what, readable = kind_of(path)
    except OSError:
        what, readable = "", False
    if readable:
        return "image", "give the folder that it lies in"
    return ("archive", "unpack it, and give its folder") if what == ARCHIVE else ("file", "give a folder of images")


def read_as(reading: Reading, name: str, **other: Any) -> Dataset:
    """`load` of files as `reading` says; of what is no file as it is."""
    if not reads_files(name):
        return load(name, **other)
    alpha = reading.alpha if reads_pictures(name) else AS_STORED.alpha
    return load(name, value_range=reading.value_range, frames=reading.frames, alpha=alpha, **other)


def check_range(reading: Reading) -> None:
    """`DataError` where a range of values has no width to divide by."""
    if reading.value_range is not None:
        low, high = reading.value_range
        width = high - low
        if not (math.isfinite(width) and width > 0 and math.isfinite(WHITE / width)):
            raise DataError(f"--value-range {low:g} {high:g} has no width; give a lower value, then a higher one")


def check_reading(name: str, reading: Reading) -> None:
    """`DataError` where a range of values has no width to divide by, or something is asked of what is no file."""
    check_range(reading)
    keeps = reading.alpha == "keep"
    asked = {"--value-range": reading.value_range is not None, "--frames all": reading.frames == "all"}
    asked["--alpha keep"] = keeps
    if any(asked.values()) and not reads_files(name):
        flag = next(flag for flag, given in asked.items() if given)
        raise DataError(f"{name} holds what it holds: {flag} is of images in your own files; leave it out")
    if keeps and not reads_pictures(name):
        raise DataError(f"{name} has the channels that it has: --alpha keep is of image files; leave it out")


def reads_files(name: str) -> bool:
    """Whether a name means images in a user's own files, whose values and frames can be taken in several ways."""
    if (made := _made(name)) is not None:
        return reads_files(made.images)
    source, option = find(name)
    if (known := name.partition(":")[0]) in TWO:
        return any(map(reads_files, TWO[known].names(option)))
    return source in (from_folder, arrays) or known in OF_FOLDERS


def reads_pictures(name: str) -> bool:
    """Whether a name means image files, which alone have an opacity beside their channels."""
    if (made := _made(name)) is not None:
        return reads_pictures(made.images)
    source, option = find(name)
    if (known := name.partition(":")[0]) in TWO:
        return any(map(reads_pictures, TWO[known].names(option)))
    arrays_named = any(Path(part).suffix.lower() in SUFFIXES for part in option.split(","))
    return source is from_folder or (known in OF_FOLDERS and not arrays_named)


def paths_of(name: str) -> tuple[Path, ...]:
    """The files and folders of a user's own that a name means; none for a known set."""
    known, _, option = name.partition(":")
    if (made := _made(name)) is not None:
        return paths_of(made.images)
    if known in TWO:
        return tuple(path for side in TWO[known].names(option) for path in paths_of(side))
    if known in OF_FOLDERS:
        whole = named(option)
        return (whole,) if option and whole.is_dir() else tuple(named(part) for part in option.split(",") if part)
    return () if known in SOURCES else (named(name),)


def absolute(name: str) -> str:
    """The name by which the same data is found from any folder."""
    known, _, option = name.partition(":")
    if (made := _made(name)) is not None:
        return name.removesuffix(made.images) + absolute(made.images)
    if known in TWO:
        return f"{known}:{','.join(map(absolute, TWO[known].names(option)))}"
    if known in OF_FOLDERS:
        whole = named(option)
        parts = [whole] if whole.is_dir() else [named(part) for part in option.split(",")]
        return encodable(f"{known}:{','.join(str(part.resolve()) for part in parts)}")
    if known == SOUNDS and os.path.isdir(named(option)) and find(name)[1] not in ("tones", "syllables"):
        return encodable(f"{known}:{named(option).resolve()}")
    if known == MELODIES and option:
        return encodable(f"{known}:{named(option).resolve()}")
    return name if known in SOURCES or not name else encodable(str(named(name).resolve()))
