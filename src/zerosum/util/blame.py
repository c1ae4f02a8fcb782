"""Where in a user's own files an exception comes from."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
)  # Python's own files, and those of packages


def sentence(error: BaseException) -> str:
    """What an exception says, and the line of the user's own files that it comes from, if there is one.

    "TypeError: 'int' object is not callable (my_gan.py:41)"
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({shown(Path(error.filename))}:{error.lineno})"
    text = str(error).strip().split("\n")[0]
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{said} ({place})" if (place := line(error)) else said


def line(error: BaseException) -> str:
    """ "my_gan.py:41", the innermost line of files that are neither zerosum's nor installed; "" where there is none."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_file() and not _known(path.resolve()):
            found = f"{shown(path)}:{frame.lineno}"
    return found


def shown(path: Path) -> str:
    """A path as short as it can be written from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except (ValueError, OSError):
        return str(path)


def _known(path: Path) -> bool:
    return any(path.is_relative_to(root) for root in (PACKAGE, *INSTALLED))
