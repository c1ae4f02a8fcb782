"""`zerosum synthesize RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.text import Text

from zerosum.cli.flags import NEWEST, RunPath, Truncation, WithRunFlags, flag, parse
from zerosum.cli.output import table
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    per_class: Annotated[int, flag("samples of each class")]
    out: Annotated[Path, flag("a new folder of images, with a sub-folder for each class; FILE.npz for points")]
    confidence: Annotated[
        float | None, flag("keep samples whose class has at least this probability by the classifier", "no filter")
    ] = None
    keep_top: Annotated[float, flag("of those keep this share, with the highest discriminator scores")] = 1.0
    classifier: Annotated[Path | None, flag("another run, whose classifier is used", "this run's own")] = None
    tries: Annotated[int, flag("candidates for each sample, at most")] = 100
    seed: Annotated[int, flag("random seed")] = 0
    truncation: Truncation = None
    weights: WithRunFlags = NEWEST


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "synthesize", "Make a labelled folder of images, to train on.")
    from zerosum.workflows.synthesize import synthesize

    with progress() as update:
        found = synthesize(
            given.weights.load(given.run),
            given.out,
            given.per_class,
            confidence=given.confidence,
            keep_top=given.keep_top,
            classifier=given.classifier,
            seed=given.seed,
            truncation=given.truncation,
            tries=given.tries,
            progress=update,
        )
    console = output()
    shown = table("class", "candidates", "kept", right=("candidates", "kept"))
    for name, one in found.classes.items():
        shown.add_row(Text(name), f"{one.candidates:,}", f"{one.kept:,}")
    console.print(shown)
    console.print(
        f"{found.candidates:,} candidates drawn, {sum(m.kept for m in found.classes.values()):,} samples kept"
    )
    say(given.out)
