"""Where data is looked for and where it is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from zerosum.data.dataset import DataError
from zerosum.data.images.contents import RUN, is_record
from zerosum.util.files import named

DEBIAN = Path("/usr/share/datasets")  # where Debian's dataset-* packages install


def cache_dir() -> Path:
    """The folder for downloads and packs: $ZEROSUM_CACHE, else zerosum/ in the platform's cache folder."""
    if own := os.environ.get("ZEROSUM_CACHE"):
        return Path(own).expanduser()
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg).expanduser() / "zerosum"
    try:
        home = Path.home()
    except RuntimeError as error:  # a user without a name, as in containers
        raise DataError(
            "there is no home folder for a cache; set ZEROSUM_CACHE to a folder that can be written"
        ) from error
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "zerosum"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "zerosum" / "cache"
    return home / ".cache" / "zerosum"


def roots(data_dir: Path | None) -> list[Path]:
    """The folders that may hold a published set, in the order they are asked."""
    given = [data_dir, os.environ.get("ZEROSUM_DATA")]
    return [named(str(root)) for root in given if root] + [cache_dir(), DEBIAN]


def find(relative: str, data_dir: Path | None) -> Path | None:
    """The first root's file called `relative` ("mnist/train-images-idx3-ubyte.gz"), or None."""
    return next((path for root in roots(data_dir) if (path := root / relative).is_file()), None)


def listing(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    """The names of the files under `root` that end so, relative to it, without hidden ones and those of runs; in order.

    Args:
        suffixes: in small letters.
    """
    return sorted(name for name in _names(root) if name.lower().endswith(suffixes))


def _names(root: Path) -> Iterator[str]:
    seen = set[str]()
    for where, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # links in a circle
            folders.clear()
            continue
        seen.add(real)
        if "run.json" in files and is_record(os.path.join(where, "run.json"), RUN):
            folders.clear()  # what a run wrote is no data
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = Path(where).relative_to(root)
        yield from ((base / name).as_posix() for name in files if not name.startswith("."))
