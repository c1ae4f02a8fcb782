"""`zerosum features --data DATA --out FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import DisallowNone

from zerosum.cli.flags import AnyDevice, DataDir, Size, Switch, flag, parse, sides
from zerosum.util.console import errors, output, progress, say


@dataclass(frozen=True)
class Arguments:
    out: Annotated[Path, flag("the new file, FILE.safetensors")]
    data: Annotated[str, flag("labelled images: a known data set, a folder with a sub-folder for each class ...")] = (
        "cifar10"
    )
    steps: Annotated[int, flag("training steps")] = 2_500
    batch_size: Annotated[int, flag("images in a batch")] = 128
    flip: Annotated[Switch, flag("mirror images at random, where left and right mean nothing", "")] = False
    size: Annotated[DisallowNone[Size], flag("image size in pixels: one side, or height and width", "the data's")] = (
        None
    )
    seed: Annotated[int, flag("random seed")] = 0
    data_dir: DataDir = None
    device: AnyDevice = None


def run(arguments: Sequence[str]) -> None:
    given = parse(
        Arguments,
        arguments,
        "features",
        "Train a small image classifier, by whose features SRGAN compares images: zerosum train srgan/images "
        "--perceptual 0.01 --features FILE.safetensors",
    )
    from zerosum.workflows.features import train_features

    with progress() as update:
        about = train_features(
            given.data,
            given.out,
            size=sides(given.size),
            steps=given.steps,
            batch_size=given.batch_size,
            flip=given.flip,
            seed=given.seed,
            data_dir=given.data_dir,
            device=given.device,
            progress=update,
            notes=errors().print,
        )
    wrong = round((1 - about.accuracy) * about.tested)
    output().print(
        f"accuracy {100 * about.accuracy:.2f} %: {wrong:,} errors out of {about.tested:,} images of {about.tested_on} "
        "that it did not learn from"
    )
    say(given.out)
