"""`zerosum synthesize RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse

if TYPE_CHECKING:
    from rich.table import Table

    from zerosum.workflows.synthesize import Synthesis


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory, of a GAN that learnt classes")]
    per_class: Annotated[int, arg(help="samples of each class")]
    out: Annotated[Path, arg(help="a new folder of images, with a sub-folder for each class; FILE.npz for points")]
    confidence: Annotated[
        float | None, arg(help="keep samples whose class the classifier gives at least this probability")
    ] = None
    realism: Annotated[float, arg(help="of those keep this share: the ones that the discriminator finds most real")] = (
        1.0
    )
    classifier: Annotated[
        Path | None, arg(help="the run whose classifier is asked; default: this one, if it learnt one")
    ] = None
    tries: Annotated[int, arg(help="candidates to draw at most for each sample that is wanted")] = 100
    seed: Annotated[int, arg(help="equal seeds give equal samples")] = 0
    truncation: Annotated[
        float | None,
        arg(help="keep z within this many standard deviations: typical samples, less variety; default: the recipe's"),
    ] = None
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str, arg(help="cpu, cuda, cuda:1 ...")] = "cpu"


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "synthesize", "Make a labelled folder of images, to train on.")
    from rich.console import Console

    from zerosum.cli.lines import Lines
    from zerosum.cli.loading import Loading
    from zerosum.workflows.synthesize import synthesize

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with Loading(console) as bars:
        found = synthesize(
            given.run,
            given.out,
            given.per_class,
            confidence=given.confidence,
            realism=given.realism,
            classifier=given.classifier,
            seed=given.seed,
            truncation=given.truncation,
            tries=given.tries,
            average=not given.last,
            checkpoint_step=given.checkpoint,
            recipe=given.recipe,
            device=given.device,
            progress=bars if console.is_terminal else Lines(console),
        )
    show = Console(highlight=False, soft_wrap=True)
    show.print(table(found))
    show.print(f"{found.candidates:,} candidates drawn, {sum(m.kept for m in found.classes.values()):,} samples kept")
    print(given.out)


def table(found: Synthesis) -> Table:
    """Each class: candidates and what was kept."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("class", "candidates", "kept"):
        made.add_column(column, justify="left" if column == "class" else "right", overflow="fold")
    for name, one in found.classes.items():
        made.add_row(Text(name), f"{one.candidates:,}", f"{one.kept:,}")
    return made
