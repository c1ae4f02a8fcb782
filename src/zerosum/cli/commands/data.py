"""`zerosum data check PATH`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional

from zerosum.cli.flags import AnyAlpha, AnyFrames, DataDir, Size, ValueRange, flag, parse, sides
from zerosum.util.console import progress, say


@dataclass(frozen=True)
class Arguments:
    action: Annotated[
        Positional[Literal["check"]], flag("report what is there, what is broken, and what training would use")
    ]
    name: Annotated[
        Positional[str],
        flag(
            "a known data set, a folder of images, a file (.npy, .npz, .txt: one text a line), or pairs:A,B, "
            "unpaired:A,B, side-by-side:FOLDER, domains:SOURCE,TARGET, styles:CROWD,PLAYER",
            metavar="DATA",
        ),
    ]
    size: Annotated[Size, flag("image size in pixels, as for `train`", "the data's")] = None
    data_dir: DataDir = None
    value_range: ValueRange = None
    frames: AnyFrames = "first"
    alpha: AnyAlpha = "white"


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "data", "Check data before training on it.")
    from zerosum.data import check

    with progress() as update:
        report = check(
            given.name,
            size=sides(given.size),
            data_dir=given.data_dir,
            progress=update,
            value_range=given.value_range,
            frames=given.frames,
            alpha=given.alpha,
        )
    say("\n".join(report.lines()))
