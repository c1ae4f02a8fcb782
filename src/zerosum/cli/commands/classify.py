"""`zerosum classify RUN IMAGES`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse
from zerosum.errors import ZerosumError

if TYPE_CHECKING:
    from rich.table import Table

    from zerosum.workflows.classify import Classification

SHOWN = 20  # classes in the table


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory, of a GAN that learnt a classifier")]
    images: Annotated[
        Positional[str], arg(help="an image, a folder of images, an .npy or .npz file, or a known data set: mnist:test")
    ]
    out: Annotated[Path | None, arg(help="the table, FILE.csv; default: RUN/predictions.csv")] = None
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str, arg(help="cpu, cuda, cuda:1 ...")] = "cpu"
    data_dir: Annotated[Path | None, arg(help="where published data sets are looked for first")] = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "classify", "Predict the classes of images, with probabilities.")
    from rich.console import Console

    from zerosum.cli.lines import Lines
    from zerosum.cli.loading import Loading
    from zerosum.workflows.classify import classify, write

    out = given.out or given.run / "predictions.csv"
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise ZerosumError(f"--out {out}: predictions are written to a .csv file")
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with Loading(console) as bars:
        found = classify(
            given.run,
            given.images,
            average=not given.last,
            checkpoint_step=given.checkpoint,
            recipe=given.recipe,
            device=given.device,
            data_dir=given.data_dir,
            progress=bars if console.is_terminal else Lines(console),
        )
    write(found, out)
    show(found)
    print(out)


def show(found: Classification) -> None:
    """What was found, and how often it is right."""
    from rich.console import Console

    from zerosum.util.text import abbreviate

    console = Console(highlight=False, soft_wrap=True)
    for line in remarks(found):
        console.print(line, markup=False)
    for problem in abbreviate([str(problem) for problem in found.problems]):
        console.print(f"  {problem}", markup=False)
    if found.accuracy is not None:
        console.print(
            f"accuracy {100 * found.accuracy:.2f} %: {found.errors:,} errors out of {found.judged:,}", markup=False
        )
        console.print(table(found))


def remarks(found: Classification) -> list[str]:
    """In sentences."""
    counts = found.predictions.bincount(minlength=len(found.classes)).tolist()
    most = sorted(zip(counts, found.classes, strict=True), key=lambda pair: -pair[0])
    lines = [f"{len(found.files):,} images: " + ", ".join(f"{name} ({n:,})" for n, name in most[:SHOWN] if n)]
    if found.note:
        lines.append(f"note: {found.note}")
    if found.foreign:
        named = ", ".join(f"{name} ({n:,})" for name, n in found.foreign.items())
        lines.append(f"note: the classifier knows no class {named}; these images do not count below")
    if found.problems:
        lines.append(f"left out {len(found.problems):,} unreadable files:")
    return lines


def table(found: Classification) -> Table:
    """Each class: how many images, how many of them right, and for what the others were most often taken.

    Of many classes those with the most errors.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("class", "images", "right", "%", "taken for"):
        made.add_column(column, justify="left" if column in ("class", "taken for") else "right", overflow="fold")
    confusion = found.confusion
    wrong = (confusion.sum(1) - confusion.diagonal()).tolist()
    present = [k for k in range(len(found.classes)) if int(confusion[k].sum())]
    worst = sorted(sorted(present, key=lambda k: -wrong[k])[:SHOWN])
    for k in worst:
        counts, images = confusion[k].tolist(), int(confusion[k].sum())
        others = sorted((-n, j) for j, n in enumerate(counts) if n and j != k)[:3]
        taken = ", ".join(f"{found.classes[j]} ({-n:,})" for n, j in others)
        share = f"{100 * counts[k] / images:.1f}"
        made.add_row(Text(found.classes[k]), f"{images:,}", f"{counts[k]:,}", share, Text(taken))
    if len(worst) < len(present):
        made.caption = f"the {len(worst)} of {len(present)} classes with the most errors"
    return made
