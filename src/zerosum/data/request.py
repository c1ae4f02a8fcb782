"""What a source is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from zerosum.data.dataset import DataError, Dataset, NoPart, Progress
from zerosum.util import checks

Frames = Literal["first", "all"]
Alpha = Literal["white", "keep"]


@dataclass(frozen=True)
class Reading:
    """How a user's files are read. Published sets, drawn points and texts are what they are."""

    value_range: Annotated[
        tuple[float, float] | None,
        "values of pixels that become black and white; others are cut off. None: those of the files' type, or that the "
        "files name",
    ] = None
    frames: Annotated[
        Frames, "of a file with pages or frames, the first is an image, or all are, each with its file's label"
    ] = "first"
    alpha: Annotated[Alpha, "what is transparent is laid over white, or kept, as the fourth channel of RGBA"] = "white"

    def __post_init__(self) -> None:
        """Raises `DataError`: the range is not two numbers, or frames or alpha are none of what they can be."""
        if self.frames not in get_args(Frames):
            raise DataError(f"frames must be 'first' or 'all', not {self.frames!r:.60}")
        if self.alpha not in get_args(Alpha):
            raise DataError(f"alpha must be 'white' or 'keep', not {self.alpha!r:.60}")
        if self.value_range is None:
            return
        try:
            black, white = self.value_range
        except (TypeError, ValueError):
            raise DataError(f"value_range must be two numbers, black and white, not {self.value_range!r:.60}") from None
        both = tuple(  # what has no width is refused with the data that it is of
            end if isinstance(end, float) and not math.isfinite(end) else checks.number("value_range", end)
            for end in (black, white)
        )
        object.__setattr__(self, "value_range", both)


AS_STORED = Reading()


@dataclass(frozen=True)
class Asked:
    """What a caller says of a `Reading` that has been chosen before, such as a run's; None: as that has it."""

    value_range: tuple[float, float] | None = None
    frames: Frames | None = None
    alpha: Alpha | None = None

    def over(self, before: Reading) -> Reading:
        given = {name: value for name, value in vars(self).items() if value is not None}
        return replace(before, **given)


NOTHING = Asked()


@dataclass(frozen=True)
class Request:
    """One call of `load`, as a source sees it."""

    name: str  # as typed: "mnist:test"
    option: str = ""  # what follows the colon of a known name: "test"
    size: tuple[int, int] | None = None  # (H, W) of the images, None = the source's own
    data_dir: Path | None = None
    progress: Progress | None = None
    seed: int = 0  # of drawn points
    reading: Reading = AS_STORED  # of files


Source = Callable[[Request], Dataset]


def split(request: Request, known: tuple[str, ...]) -> str:
    """The part of a set that is asked for, by default the first of `known`; `DataError` where it is none of them."""
    asked = request.option or known[0]
    if asked not in known:
        base = request.name.partition(":")[0]
        raise NoPart(f"{base} has no part '{asked}'; it has {' and '.join(f'{base}:{part}' for part in known)}")
    return asked


def no_option(request: Request) -> None:
    """A `DataError` where "name:something" names a part of a source without parts."""
    if request.option:
        base = request.name.partition(":")[0]
        raise NoPart(f"{base} has no parts; write '{base}', not '{request.name}'")
