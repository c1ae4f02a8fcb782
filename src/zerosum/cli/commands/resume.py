"""`zerosum resume RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from zerosum.cli.flags import AnyDevice, RecipeFile, RunPath, Switch, flag, parse
from zerosum.cli.output import show_run


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    steps: Annotated[int | None, flag("training steps in all, to train longer than planned", "as planned")] = None
    data: Annotated[
        str | None, flag("where the data lies now, if it was moved; it must be the same", "where it was")
    ] = None
    recipe: RecipeFile = None
    device: AnyDevice = None
    tensorboard: Annotated[Switch, flag("also write TensorBoard event files", "")] = False


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "resume", "Resume a run from its newest checkpoint, exactly.")
    from zerosum.workflows.train import resume

    show_run(
        resume(
            given.run,
            steps=given.steps,
            data=given.data,
            recipe=given.recipe,
            device=given.device,
            tensorboard=given.tensorboard,
        )
    )
