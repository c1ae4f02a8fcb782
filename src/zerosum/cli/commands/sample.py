"""`zerosum sample RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    n: Annotated[int, arg(aliases=["-n"], help="how many samples")] = 64
    seed: Annotated[int, arg(help="equal seeds give equal samples")] = 0
    out: Annotated[
        Path | None,
        arg(
            help="FILE.png: one picture; FILE.npz: arrays; FILE.gif: an interpolation; else a folder of pictures "
            "(default: RUN/samples-seed-N.png)"
        ),
    ] = None
    class_: Annotated[
        str | None, arg(name="class", help="a class, by name or number, for a GAN trained with labels")
    ] = None
    truncation: Annotated[
        float | None,
        arg(help="keep z within this many standard deviations: typical samples, less variety; default: the recipe's"),
    ] = None
    to_seed: Annotated[
        int | None, arg(help="interpolate from the samples of --seed to those of this seed, as a GIF")
    ] = None
    frames: Annotated[int, arg(help="frames of the interpolation")] = 48
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str, arg(help="cpu, cuda, cuda:1 ...")] = "cpu"


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "sample", "Draw samples from a run.")
    from zerosum.export import write_interpolation, write_samples
    from zerosum.trained import load

    run = load(
        given.run, average=not given.last, checkpoint_step=given.checkpoint, recipe=given.recipe, device=given.device
    )
    ending = "gif" if given.to_seed is not None else "png"
    out = given.out or given.run / f"samples-seed-{given.seed}.{ending}"
    if given.to_seed is not None:
        write_interpolation(
            run, out, given.n, given.frames, (given.seed, given.to_seed), given.truncation, given.class_
        )
    else:
        write_samples(run, out, given.n, given.seed, given.truncation, given.class_)
    print(out)
