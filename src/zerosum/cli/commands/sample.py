"""`zerosum sample RUN`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction

from zerosum.cli.flags import NEWEST, RunPath, Switch, Truncation, WithRunFlags, flag, parse
from zerosum.util.console import say

WALKS, WALK = 4, 8  # from one text to another, and the steps of each


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    n: Annotated[
        int | None,
        flag(
            "number of samples; with --traverse, points z for each code; with --to-text, 4; of films, 8",
            "64",
            aliases=["-n"],
        ),
    ] = None
    seed: Annotated[int, flag("random seed")] = 0
    out: Annotated[
        Path | None,
        flag(
            "FILE.png: one picture, with a row for each class or caption if there are any; FILE.npz: arrays; FILE.txt: "
            "texts, one a line; FILE.wav: sounds or melodies, one after the other; FILE.mid: melodies, likewise; "
            "FILE.gif: an interpolation, or a film; any other name: a folder of pictures, of sounds, or of MIDI files",
            "RUN/samples-seed-SEED.png; texts and melodies are printed",
        ),
    ] = None
    class_: Annotated[
        str | None, flag("the class, by name or number, of a GAN conditioned on classes", "all in turn", name="class")
    ] = None
    condition: Annotated[
        tuple[float, ...] | None, flag("the vector, of a GAN conditioned on vectors", "some of its data")
    ] = None
    text: Annotated[
        str | None,
        flag(
            "what to show, of a GAN that learnt from captions; or what to answer, of one that learnt from dialogues",
            "some of its data's",
            aliases=["--ask"],
        ),
    ] = None
    to_text: Annotated[str | None, flag("a row of pictures from --text to this text, for each sample", "")] = None
    truncation: Truncation = None
    to_seed: Annotated[
        int | None, flag("interpolate from the samples of --seed to those of this seed, as a GIF", "")
    ] = None
    frames: Annotated[
        int | None, flag("frames of the interpolation, or, of a run that makes films, those that it foresees", "48")
    ] = None
    start: Annotated[str | None, flag("of a run that writes texts or melodies: what they begin with", "nothing")] = None
    steer: Annotated[
        tuple[float, ...] | None, flag("an action, of a run that makes films, for every frame", "those of its data")
    ] = None
    traverse: Annotated[
        Switch, flag("latent traversal: vary each code of z alone, in a row of the picture each", "")
    ] = False
    code: Annotated[
        UseAppendAction[tuple[str, ...]], flag("with --traverse: this code alone, by name; repeatable", "all")
    ] = ()
    steps: Annotated[int | None, flag("with --traverse: values of a continuous code", "10")] = None
    weights: WithRunFlags = NEWEST


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "sample", "Draw samples from a run.")
    from zerosum.errors import ZerosumError
    from zerosum.pictures.overview import unwritable_names
    from zerosum.pictures.walks import latents_per_code
    from zerosum.roles import CANNOT, Predicts, Translates, has_role
    from zerosum.run.sampling import SampleRequest
    from zerosum.workflows.predict import VIDEOS, write_film
    from zerosum.workflows.sample import (
        default_ending,
        prints,
        write_between_texts,
        write_interpolation,
        write_samples,
        write_traversal,
        written,
    )

    if given.traverse and given.to_seed is not None:
        raise ZerosumError("--traverse and --to-seed are two pictures; draw one at a time")
    if given.to_text is not None and (given.traverse or given.to_seed is not None):
        raise ZerosumError("--to-text, --to-seed and --traverse are different pictures; draw one at a time")
    if given.traverse and given.text is not None:
        raise ZerosumError("--traverse moves codes of z, not texts; leave --text out")
    if given.traverse and given.condition is not None:
        raise ZerosumError("--traverse moves codes of z, not vectors; leave --condition out")
    if not given.traverse and (given.code or given.steps is not None):
        raise ZerosumError("--code and --steps say how codes are traversed; add --traverse")
    run = given.weights.load(given.run)
    if has_role(run.game, Translates):
        command = run.command("translate", "IMAGES --out DIR")
        raise ZerosumError(f"{run.record.recipe} makes nothing from z alone; `{command}` translates images")
    of_z = {
        "--traverse": given.traverse,
        "--to-seed": given.to_seed is not None,
        "--class": given.class_ is not None,
        "--condition": given.condition is not None,
        "--text": given.text is not None,
        "--to-text": given.to_text is not None,
    }
    if has_role(run.game, Predicts):
        others = {"--truncation": given.truncation is not None, "--start": given.start is not None}
        _refuse({**of_z, **others}, f"{run.record.recipe} makes films of frames and actions, not of z")
        out = given.out or given.run / f"samples-seed-{given.seed}.gif"
        count = VIDEOS if given.n is None else given.n
        write_film(run, out, given.frames, count=count, seed=given.seed, steer=given.steer)
        say(out)
        return
    if given.steer is not None or (given.frames is not None and given.to_seed is None and given.to_text is None):
        flag_given = "--frames" if given.steer is None else "--steer"
        raise ZerosumError(
            f"{run.record.recipe} {CANNOT[Predicts]}: leave out {flag_given}, or interpolate by --to-seed"
        )
    if given.start is not None:
        _refuse(of_z, "--start completes texts")
        if not given.start.strip():
            raise ZerosumError("--start is blank: say what texts begin with, or leave it out")
    kind = "codes" if given.traverse else "between-texts" if given.to_text is not None else "samples"
    ending = ".gif" if given.to_seed is not None else ".png" if kind != "samples" else default_ending(run)
    out = given.out or given.run / f"{kind}-seed-{given.seed}{ending}"
    usual = latents_per_code(run) if given.traverse else WALKS if given.to_text is not None else 64
    count = usual if given.n is None else given.n
    request = SampleRequest(count, given.seed, given.truncation, given.class_, given.condition, given.text)
    plain = kind == "samples" and given.to_seed is None
    if given.out is None and (given.start is not None or (plain and prints(run))):
        for text in written(run, request, given.start):
            say(text)
        return
    if given.traverse:
        write_traversal(run, out, request, given.code or None, 10 if given.steps is None else given.steps)
    elif given.to_text is not None:
        write_between_texts(run, out, request, given.to_text, WALK if given.frames is None else given.frames)
    elif given.to_seed is not None:
        write_interpolation(run, out, request, given.to_seed, 48 if given.frames is None else given.frames)
    else:
        write_samples(run, out, request, quiet=False, start=given.start)
    say(out)
    if plain and not out.suffix and (left := sum(file.is_file() for file in out.iterdir()) - count) > 0:
        files = "1 file of an earlier time" if left == 1 else f"{left:,} files of an earlier time"
        say(f"note: {out} also holds {files}", error=True)
    asked = (given.class_, given.condition, given.text, given.start)
    in_rows = plain and all(one is None for one in asked)
    if out.suffix == ".png" and in_rows and (numbers := unwritable_names(run)):
        say(numbers, error=True)


def _refuse(flags: Mapping[str, bool], why: str) -> None:
    """A `ZerosumError` that names the first of the flags that is given, if one is."""
    from zerosum.errors import ZerosumError

    if meant := [name for name, given in flags.items() if given]:
        raise ZerosumError(f"{why}: leave out {meant[0]}")
