"""`zerosum translate RUN IMAGES --out DIR`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from zerosum.cli.flags import NEWEST, DataDir, LikeFrames, LikeValueRange, RunPath, WithRunFlags, flag, parse
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    images: Annotated[
        Positional[str],
        flag("an image, a folder of images, an .npy or .npz file, or a known data set", metavar="IMAGES"),
    ]
    out: Annotated[Path, flag("a folder for the translations, as PNG files of the same names", "")]
    weights: WithRunFlags = NEWEST
    data_dir: DataDir = None
    value_range: LikeValueRange = None
    frames: LikeFrames = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "translate", "Translate images, by a run that learnt to: pix2pix, CycleGAN ...")
    from zerosum.data.check import left_out
    from zerosum.workflows.translate import translate

    with progress() as update:
        found = translate(
            given.weights.load(given.run),
            given.images,
            given.out,
            data_dir=given.data_dir,
            value_range=given.value_range,
            frames=given.frames,
            progress=update,
        )
    console = output()
    for line in [*(f"note: {note}" for note in found.notes), *left_out(found.problems)]:
        console.print(line)
    console.print(f"{len(found.files):,} images translated")
    say(given.out)
