"""`zerosum resume RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.finish import show
from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    steps: Annotated[int | None, arg(help="rounds in all, to train longer than was asked at first")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str | None, arg(help="cpu, cuda, cuda:1 ...; by default a GPU where there is one")] = None
    tensorboard: Annotated[FlagCreatePairsOff[bool], arg(help="also write curves for TensorBoard")] = False


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "resume", "Go on with a run from its newest checkpoint, exactly.")
    from zerosum.workflows.train import resume

    show(resume(given.run, steps=given.steps, recipe=given.recipe, device=given.device, tensorboard=given.tensorboard))
