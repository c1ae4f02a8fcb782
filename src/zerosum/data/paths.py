"""Where data is looked for and where it is kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from zerosum.data.dataset import DataError
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
