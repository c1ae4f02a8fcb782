"""`zerosum translate RUN IMAGES --out DIR`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from zerosum.cli.flags import NEWEST, DataDir, LikeFrames, LikeValueRange, RunPath, Switch, WithRunFlags, flag, parse
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
    back: Annotated[Switch, flag("from b to a, by a run that learnt both directions", "")] = False
    task: Annotated[
        str | None, flag("spoil the images first, to look at: denoise, denoise@40 ... as in train", "", metavar="TASK")
    ] = None
    seed: Annotated[int, flag("of the noise of each translation, where the translator has any")] = 0
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
            back=given.back,
            task=given.task,
            seed=given.seed,
            data_dir=given.data_dir,
            value_range=given.value_range,
            frames=given.frames,
            progress=update,
        )
    console = output()
    for line in [*(f"note: {note}" for note in found.notes), *left_out(found.problems)]:
        console.print(line)
    before = f", {found.kept:,} of them before" if found.kept else ""
    console.print(f"{len(found.files):,} image{'s' if len(found.files) != 1 else ''} translated{before}")
    say(given.out)
