"""`zerosum data check PATH`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from tyro.conf import Positional, arg

from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    action: Annotated[
        Positional[Literal["check"]], arg(help="say what is there, what is broken, what training would use")
    ]
    name: Annotated[Positional[str], arg(help="a folder of images, a known data set, or an .npy or .npz file")]
    size: Annotated[tuple[int] | tuple[int, int] | None, arg(help="pixels, as for `train`")] = None
    data_dir: Annotated[Path | None, arg(help="where published data sets are looked for first")] = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "data", "Check data before training on it.")
    from zerosum.cli.loading import Loading
    from zerosum.data import check

    size = (given.size[0], given.size[-1]) if given.size else None
    with Loading(Console(stderr=True)) as progress:
        report = check(given.name, size=size, data_dir=given.data_dir, progress=progress)
    print("\n".join(report.lines()))
