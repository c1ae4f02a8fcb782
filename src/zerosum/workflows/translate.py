"""Translate images by a run whose game has that role: what `zerosum translate` calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from zerosum.data.dataset import Progress
from zerosum.data.images.fit import fitted
from zerosum.errors import ZerosumError
from zerosum.modality import Image
from zerosum.pictures.grids import grid
from zerosum.pictures.png import save
from zerosum.run.loaded import Run, load
from zerosum.util.files import plain_name

BLOCK = 64  # images read, translated and written at a time


def translate(
    run: str | Path | Run,
    images: str | Path,
    out: str | Path,
    *,
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the translation of each image to a folder, as a PNG of the same name.

    Images are brought to the size and the colours that the translator learnt from.

    Args:
        run: a run directory, or what `zerosum.load` returned.
        images: an image file, or what `zerosum.train` takes as data: a folder, an .npy or .npz file, a known set.
        out: a folder, which is made if it is not there; files in it are overwritten where names are equal.
        data_dir: where published sets are looked for first.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: no run there, or one that translates nothing; nothing readable there; `out` is a file.
    """
    loaded, folder = run if isinstance(run, Run) else load(run), Path(out)
    source = loaded.source
    if not isinstance(source, Image) or not isinstance(loaded.modality, Image):
        raise ZerosumError(f"{loaded.path} translates {source} to {loaded.modality}, not images to images")
    if folder.exists() and not folder.is_dir():
        raise ZerosumError(f"--out {folder} is a file; name a folder for the translated images")
    given = fitted(str(images), source, data_dir=Path(data_dir) if data_dir else None, progress=progress)
    paths: list[Path] = []
    for block, files in zip(given.data.x.split(BLOCK), _blocks(given.files), strict=True):
        translated = loaded.translate(block)
        if not bool(torch.isfinite(translated).all()):
            raise ZerosumError(f"the translator of {loaded.path} has diverged; use an earlier --checkpoint")
        for file, image in zip(files, translated, strict=True):
            paths.append(folder / _name(file))
            save(grid(image[None], scale=1), paths[-1])
        if progress:
            progress("translating", len(paths), len(given.data))
    return paths


def _blocks(files: Sequence[str]) -> list[Sequence[str]]:
    return [files[start : start + BLOCK] for start in range(0, len(files), BLOCK)]


def _name(file: str) -> Path:
    """Where the translation of an image lies below the folder: in the same sub-folders, as a PNG."""
    *folders, own = file.split("/")
    return Path(*map(plain_name, folders), plain_name(own)).with_suffix(".png")
