"""`zerosum export RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    network: Annotated[Literal["generator", "discriminator", "classifier"], arg(help="which network")] = "generator"
    out: Annotated[Path | None, arg(help="FILE.onnx; default: RUN/NETWORK.onnx")] = None
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "export", "Write a network of a run as an ONNX file, and check it.")
    from zerosum.run.loaded import load

    run = load(given.run, average=not given.last, checkpoint_step=given.checkpoint, recipe=given.recipe)
    out = given.out or given.run / f"{given.network}.onnx"
    run.export(out, given.network)
    print(out)
