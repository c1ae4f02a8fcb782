"""`zerosum translate RUN IMAGES OUT`, or `--out OUT`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from zerosum.cli.flags import NEWEST, DataDir, LikeFrames, LikeValueRange, RunPath, Switch, WithRunFlags, flag, parse
from zerosum.errors import ZerosumError
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    images: Annotated[
        Positional[str],
        flag("an image, a folder of images, an .npy or .npz file, or a known data set", metavar="IMAGES"),
    ]
    folder: Annotated[
        Positional[Path | None],
        flag("a folder for translations, as PNG files of the same names", "", metavar="OUT"),
    ] = None
    out: Annotated[Path | None, flag("the same, as a flag", "", metavar="OUT")] = None
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

    if given.folder is not None and given.out is not None:
        raise ZerosumError(f"the folder to write to is given twice, {given.folder} and {given.out}; leave one out")
    out = given.folder or given.out
    if out is None:
        raise ZerosumError("OUT is missing: name a folder for the translations")
    with progress() as update:
        found = translate(
            given.weights.load(given.run),
            given.images,
            out,
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
    say(out)
