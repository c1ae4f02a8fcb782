"""Translate images by a run whose game has that role: what `zerosum translate` calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zerosum.data.dataset import Problem, Progress
from zerosum.data.images.fit import fitted
from zerosum.data.request import Asked, Frames
from zerosum.errors import ZerosumError
from zerosum.modality import Image
from zerosum.pictures.grids import grid
from zerosum.pictures.png import IMAGE, save
from zerosum.run.loaded import Run, load
from zerosum.util import checks
from zerosum.util.files import named, plain_name

BLOCK = 64  # images read, translated and written at a time


@dataclass(frozen=True)
class Translation:
    """What was written."""

    files: tuple[Path, ...]  # one for each image
    problems: tuple[Problem, ...] = ()  # files that cannot be read
    notes: tuple[str, ...] = ()  # on how files were taken, and what was changed in the images beyond their size


def translate(
    run: str | Path | Run,
    images: str | Path,
    out: str | Path,
    *,
    data_dir: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames | None = None,
    progress: Progress | None = None,
) -> Translation:
    """Write the translation of each image to a folder, as a PNG of the same name.

    Images are brought to the size and the colours that the translator learnt from.

    Args:
        run: a run directory, whose newest EMA weights are used on the CPU, or what `zerosum.load` returned.
        images: an image file, or what `zerosum.train` takes as data: a folder, an .npy or .npz file, a known set, or
            pairs, whose `a` are translated.
        out: a folder, which is made if it is not there; files in it are overwritten where names are equal.
        data_dir: where published sets are looked for first.
        value_range, frames: how image files are read, as in `zerosum.train`; by default as the run's own data were.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: no run there, or one that is not an image-to-image model; nothing readable there; `out` is a file,
            or the folder of the images.
    """
    loaded, folder = run if isinstance(run, Run) else load(run), checks.path("out", out)
    images = checks.text("images", images)
    source = loaded.source
    if not isinstance(source, Image) or not isinstance(loaded.modality, Image):
        raise ZerosumError(f"{loaded.path} translates {source} to {loaded.modality}, not images to images")
    if folder.exists() and not folder.is_dir():
        raise ZerosumError(f"--out {folder} is a file; name a folder for the translated images")
    its = named(images).resolve()
    if folder.resolve() in (its, its.parent):
        raise ZerosumError(f"--out {folder} holds the images themselves; name another folder for their translations")
    where = None if data_dir is None else checks.path("data_dir", data_dir)
    asked, usual = Asked(value_range, frames), loaded.record.data.reading
    given = fitted(str(images), source, field="a", data_dir=where, progress=progress, asked=asked, reading=usual)
    # In the same sub-folders, as PNGs; `x.jpg` and `x.bmp` of one folder as `x.jpg.png` and `x.bmp.png`.
    plain = [folder.joinpath(*map(plain_name, file.split("/"))) for file in given.files]
    paths = [path.with_suffix(".png") for path in plain]
    count = Counter(paths)
    paths = [p if count[p] == 1 else own.with_name(f"{own.name}.png") for p, own in zip(paths, plain, strict=True)]
    for start in range(0, len(paths), BLOCK):
        translated = loaded.assert_finite(loaded.translate(given.data.x[start : start + BLOCK]), "translations")
        for path, image in zip(paths[start : start + BLOCK], translated, strict=True):
            save(grid(image[None], scale=1), path, IMAGE)
        if progress:
            progress("translating", min(start + BLOCK, len(paths)), len(paths))
    return Translation(tuple(paths), given.data.problems, given.notes)
