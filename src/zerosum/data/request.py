"""What a source is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zerosum.data.dataset import DataError, Dataset, Progress


@dataclass(frozen=True)
class Request:
    """One call of `load`, as a source sees it."""

    name: str  # as typed: "mnist:test"
    option: str = ""  # what follows the colon of a known name: "test"
    size: tuple[int, int] | None = None  # (H, W) of the images, None = the source's own
    data_dir: Path | None = None
    progress: Progress | None = None
    seed: int = 0  # of drawn points


Source = Callable[[Request], Dataset]


def split(request: Request, known: tuple[str, ...]) -> str:
    """The part of a set that is asked for, by default the first of `known`; `DataError` where it is none of them."""
    asked = request.option or known[0]
    if asked not in known:
        base = request.name.partition(":")[0]
        raise DataError(f"{base} has no part '{asked}'; it has {' and '.join(f'{base}:{part}' for part in known)}")
    return asked


def no_option(request: Request) -> None:
    """A `DataError` where "name:something" names a part of a source without parts."""
    if request.option:
        base = request.name.partition(":")[0]
        raise DataError(f"{base} has no parts; write '{base}', not '{request.name}'")
