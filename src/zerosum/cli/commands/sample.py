"""`zerosum sample RUN`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg

from zerosum.cli.flags import parse


@dataclass(frozen=True)
class Arguments:
    run: Annotated[Positional[Path], arg(help="the run directory")]
    n: Annotated[
        int | None, arg(aliases=["-n"], help="how many samples (default: 64); with --traverse, points z for each code")
    ] = None
    seed: Annotated[int, arg(help="equal seeds give equal samples")] = 0
    out: Annotated[
        Path | None,
        arg(
            help="FILE.png: one picture, with a row for each class where there are any; FILE.npz: arrays; FILE.gif: an "
            "interpolation; else a folder of pictures (default: RUN/samples-seed-N.png)"
        ),
    ] = None
    class_: Annotated[
        str | None, arg(name="class", help="a class, by name or number, for a GAN trained with labels")
    ] = None
    condition: Annotated[
        tuple[float, ...] | None, arg(help="the numbers of a vector, for a GAN trained with vectors")
    ] = None
    truncation: Annotated[
        float | None,
        arg(help="keep z within this many standard deviations: typical samples, less variety; default: the recipe's"),
    ] = None
    to_seed: Annotated[
        int | None, arg(help="interpolate from the samples of --seed to those of this seed, as a GIF")
    ] = None
    frames: Annotated[int, arg(help="frames of the interpolation")] = 48
    traverse: Annotated[
        FlagCreatePairsOff[bool], arg(help="move each code of z through its values: a picture with a row for each")
    ] = False
    code: Annotated[
        UseAppendAction[tuple[str, ...]], arg(help="with --traverse: only this code, by name; may be repeated")
    ] = ()
    steps: Annotated[int | None, arg(help="with --traverse: values of a code that is a number (default: 10)")] = None
    last: Annotated[FlagCreatePairsOff[bool], arg(help="the last weights, not the averaged ones")] = False
    checkpoint: Annotated[int | None, arg(help="the checkpoint of this round; by default the newest")] = None
    recipe: Annotated[str | None, arg(help="FILE.py:FUNCTION, for a run of code from outside zerosum")] = None
    device: Annotated[str, arg(help="cpu, cuda, cuda:1 ...")] = "cpu"


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "sample", "Draw samples from a run.")
    from zerosum.errors import ZerosumError
    from zerosum.pictures.overview import unwritable_names
    from zerosum.pictures.walks import latents_per_code
    from zerosum.run.loaded import load
    from zerosum.run.sampling import SampleRequest
    from zerosum.workflows.sample import write_interpolation, write_samples, write_traversal

    if given.traverse and given.to_seed is not None:
        raise ZerosumError("--traverse and --to-seed are two pictures; ask for one at a time")
    if given.traverse and given.condition is not None:
        raise ZerosumError("--traverse moves codes of z, not vectors; leave --condition out")
    if not given.traverse and (given.code or given.steps is not None):
        raise ZerosumError("--code and --steps say how codes are traversed; add --traverse")
    run = load(
        given.run, average=not given.last, checkpoint_step=given.checkpoint, recipe=given.recipe, device=given.device
    )
    kind = "codes" if given.traverse else "samples"
    ending = "gif" if given.to_seed is not None else "png"
    out = given.out or given.run / f"{kind}-seed-{given.seed}.{ending}"
    count = given.n if given.n is not None else latents_per_code(run) if given.traverse else 64
    request = SampleRequest(count, given.seed, given.truncation, given.class_, given.condition)
    if given.traverse:
        write_traversal(run, out, request, given.code or None, 10 if given.steps is None else given.steps)
    elif given.to_seed is not None:
        write_interpolation(run, out, request, given.to_seed, given.frames)
    else:
        write_samples(run, out, request)
    print(out)
    if out.suffix == ".png" and not given.traverse and (numbers := unwritable_names(run)):
        print(f"no font here can write the names of classes; in the picture: {numbers}", file=sys.stderr)
