"""`zerosum classify RUN IMAGES`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import NEWEST, DataDir, LikeFrames, LikeValueRange, RunPath, WithRunFlags, flag, parse
from zerosum.cli.output import table
from zerosum.errors import ZerosumError
from zerosum.util.console import output, progress, say

if TYPE_CHECKING:
    from rich.table import Table

    from zerosum.workflows.classify import Classification

SHOWN = 20  # classes in the table


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    images: Annotated[
        Positional[str],
        flag("an image, a folder of images, an .npy or .npz file, or a known data set: mnist:test", metavar="IMAGES"),
    ]
    out: Annotated[Path | None, flag("the table, FILE.csv", "RUN/predictions.csv")] = None
    weights: WithRunFlags = NEWEST
    data_dir: DataDir = None
    value_range: LikeValueRange = None
    frames: LikeFrames = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "classify", "Predict the classes of images, with probabilities.")
    from zerosum.workflows.classify import classify, write

    out = given.out or given.run / "predictions.csv"
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise ZerosumError(f"--out {out}: predictions are written to a .csv file")
    with progress() as update:
        found = classify(
            given.weights.load(given.run),
            given.images,
            data_dir=given.data_dir,
            value_range=given.value_range,
            frames=given.frames,
            progress=update,
        )
    write(found, out)
    console = output()
    for line in remarks(found):
        console.print(line)
    if found.accuracy is not None:
        console.print(f"accuracy {100 * found.accuracy:.2f} %: {found.errors:,} errors out of {found.judged:,}")
        console.print(confusions(found))
    say(out)


def remarks(found: Classification) -> list[str]:
    """In sentences."""
    from zerosum.data.check import left_out

    counts = found.predictions.bincount(minlength=len(found.classes)).tolist()
    most = sorted(zip(counts, found.classes, strict=True), key=lambda pair: -pair[0])
    count = len(found.files)
    first = ", ".join(f"{name} ({n:,})" for n, name in most[:SHOWN] if n)
    lines = [f"{count:,} {'image' if count == 1 else 'images'}: {first}"]
    lines += [f"note: {note}" for note in found.notes]
    if found.foreign:
        named = ", ".join(f"{name} ({n:,})" for name, n in found.foreign.items())
        lines.append(f"note: the classifier knows no class {named}; these images do not count below")
    return lines + left_out(found.problems)


def confusions(found: Classification) -> Table:
    """Each class: images, correct predictions, and for what the others were most often mistaken.

    Of many classes those with the most errors.
    """
    shown = table("class", "images", "correct", "%", "mistaken for", right=("images", "correct", "%"))
    confusion = found.confusion
    wrong = (confusion.sum(1) - confusion.diagonal()).tolist()
    present = [k for k in range(len(found.classes)) if int(confusion[k].sum())]
    worst = sorted(sorted(present, key=lambda k: -wrong[k])[:SHOWN])
    for k in worst:
        counts, images = confusion[k].tolist(), int(confusion[k].sum())
        others = sorted((-n, j) for j, n in enumerate(counts) if n and j != k)[:3]
        taken = ", ".join(f"{found.classes[j]} ({-n:,})" for n, j in others)
        share = f"{100 * counts[k] / images:.1f}"
        shown.add_row(Text(found.classes[k]), f"{images:,}", f"{counts[k]:,}", share, Text(taken))
    if len(worst) < len(present):
        shown.caption = f"the {len(worst)} of {len(present)} classes with the most errors"
    return shown
