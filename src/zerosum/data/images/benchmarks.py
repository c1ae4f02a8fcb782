"""The image sets that super-resolution is measured on: each image at its own size, as it is stored."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Problem
from zerosum.data.images.decode import Encoded, decode, probe
from zerosum.data.images.folder import listing
from zerosum.data.paths import roots

COUNT = {"Set5": 5, "Set14": 14, "BSD100": 100}
FOLDER = "sr"
ENDINGS = (".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff")
LARGEST = 1 << 26  # bytes of a file in an archive


class Whole(NamedTuple):
    """An image at its own size."""

    name: str
    pixels: Tensor  # uint8 (C, H, W); 1 channel where it is stored as grey, else 3


def images(name: str, data_dir: Path | None = None) -> list[Whole]:
    """All images of "Set5", "Set14" or "BSD100", in the order of their names.

    They are read from `sr/NAME.zip`, or from the folder `sr/NAME`, below `data_dir`, $ZEROSUM_DATA or the cache.

    Raises:
        DataError: the set is in none of them, has not as many images as it should, or one is damaged.
    """
    for root in roots(data_dir):
        place = root / FOLDER / name
        archive = place.with_name(f"{name}.zip")
        if archive.is_file() or place.is_dir():
            found = list(of_archive(archive) if archive.is_file() else of_folder(place))
            if len(found) != COUNT[name]:
                where = archive if archive.is_file() else place
                raise DataError(f"{where} has {len(found)} images, and {name} has {COUNT[name]}; get the whole set")
            return found
    raise DataError(
        f"the images of {name} are not here: put them as {FOLDER}/{name}.zip, or as the folder {FOLDER}/{name}, into "
        f"the folder that $ZEROSUM_DATA names, or into {roots(None)[-2]}"
    )


def of_folder(root: Path) -> Iterator[Whole]:
    """The images under a folder; `DataError` where there is none, or one is damaged."""
    for item in listing(root).items:
        yield whole(item)


def of_archive(path: Path) -> Iterator[Whole]:
    """The images of a .zip; `DataError` where it, or one of them, is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.filename):
                file = Path(member.filename)
                if file.suffix.lower() not in ENDINGS or file.name.startswith(".") or "__MACOSX" in file.parts:
                    continue
                if member.file_size > LARGEST:
                    raise DataError(f"{member.filename} of {path} has {member.file_size:,} bytes: it is no such set")
                yield whole(Encoded(member.filename, -1, archive.read(member)))
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(f"cannot read {path}: {error}; delete it and get it again") from error


def whole(item: Encoded) -> Whole:
    """An image file at its own size; `DataError` where it is damaged."""
    found = probe(item)
    if not isinstance(found, Problem):
        row = decode(item, 1 if found.grey else 3, (found.height, found.width))
        if not isinstance(row, Problem):
            return Whole(item.path, torch.from_numpy(row.pixels))
        found = row
    raise DataError(f"cannot read {found.path}: {found.reason}; get it again, or delete it")
