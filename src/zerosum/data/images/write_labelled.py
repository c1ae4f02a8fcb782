"""A folder of labelled images, as `zerosum.train` takes it: written whole or not at all, under names that can be."""

from __future__ import annotations

import csv
import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from zerosum.data.images.labels import LABEL, NAME, read_label_file
from zerosum.errors import ZerosumError
from zerosum.util.files import plain_name
from zerosum.util.text import cell

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # no file of Windows is called so


def refuse_taken(path: Path) -> None:
    """A `ZerosumError` where something is at `path` already, but for an empty folder."""
    if path.is_dir():
        if next(path.iterdir(), None) is not None:
            raise ZerosumError(f"{path} is not empty; name a new folder, so that nothing is mixed or overwritten")
    elif path.exists():
        raise ZerosumError(f"{path} is there already; name a new one, or remove it")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to it if the block succeeds; if not, nothing is left, nor parents."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    new = list(itertools.takewhile(lambda parent: not parent.exists(), path.parents))
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed, and had this number
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.is_dir():
            path.rmdir()
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in new:
            with suppress(OSError):  # it was not reached, or another has put something there
                parent.rmdir()
        raise


def safe_folders(classes: Sequence[str]) -> tuple[str, ...]:
    """A folder's name for each class: its own where every system allows that, else one like it; all different."""
    made: dict[str, str] = {}  # in lower case, as some systems compare: as it is
    for name in classes:
        plain = plain_name(name).strip(" ").rstrip(". ")
        plain = f"_{plain}" if not plain or plain.startswith(".") or RESERVED.fullmatch(plain) else plain
        stem, number = plain, 2
        while plain.casefold() in made:
            plain, number = f"{stem}-{number}", number + 1
        made[plain.casefold()] = plain
    return tuple(made.values())


def name_classes(root: Path, images: Mapping[str, str]) -> None:
    """A `labels.csv` of images, relative to `root`, and their classes, which goes before the names of folders.

    Raises:
        ZerosumError: it is read otherwise, as spaces round a name, say, are no part of it.
    """
    if not images:
        return
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([NAME, LABEL])
        table.writerows((name, cell(label)) for name, label in images.items())
    found = read_label_file(root, images)
    if lost := [name for image, name in images.items() if found.labels.get(image) != name]:
        raise ZerosumError(
            f"a labels.csv cannot name the class {lost[0]!r}; call it otherwise in the data of the run, and train again"
        )
