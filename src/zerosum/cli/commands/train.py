"""`zerosum train [RECIPE] [flags]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from zerosum.cli.finish import show
from zerosum.cli.flags import changed, flags, parse
from zerosum.recipe import Recipe, find

USAGE = "The default recipe is r3gan; `zerosum list` shows all. The flags below are those of"


def run(arguments: Sequence[str]) -> None:
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = find(arguments[0] if named else "r3gan")
    parsed: Any = parse(
        _command(recipe),
        arguments[1:] if named else arguments,
        "train [RECIPE]",
        f"{recipe.summary}\n\n{USAGE} {recipe.name}.",
    )
    first, *others = recipe.options
    options = changed(parsed.training, recipe.training)
    options |= changed(getattr(parsed, first), recipe.options[first])
    options |= {name: changed(getattr(parsed, name), recipe.options[name]) for name in others}
    size = parsed.size[0] if parsed.size and len(parsed.size) == 1 else parsed.size
    if parsed.dry_run:
        from zerosum.cli.dry_run import show_plan

        show_plan(recipe, options, parsed.data, size, parsed.labels, parsed.data_dir, parsed.device)
        return
    from zerosum.workflows.train import train

    show(
        train(
            arguments[0] if named else "r3gan",
            parsed.data,
            parsed.out,
            size=size,
            labels=parsed.labels,
            data_dir=parsed.data_dir,
            device=parsed.device,
            tensorboard=parsed.tensorboard,
            **options,
        )
    )


def _command(recipe: Recipe) -> type:
    def option(kind: Any, default: Any, meaning: str) -> tuple[Any, Any]:
        return Annotated[kind, tyro.conf.arg(help=meaning)], field(default=default)

    own = {
        "data": option(
            str,
            recipe.data,
            "a known data set, a folder of images (sub-folders or a labels.csv in it name classes), or an .npz file",
        ),
        "out": option(Path | None, None, "the run directory; by default a new one under runs/"),
        "size": option(
            tuple[int] | tuple[int, int] | None,
            None,
            "pixels: a square's side, or height and width; default: the data's",
        ),
        "labels": option(int | None, None, "how many labels to keep, as many of each class; default: all"),
        "data_dir": option(Path | None, None, "where published data sets are looked for first"),
        "device": option(str | None, None, "cpu, cuda, cuda:1 ...; by default a GPU where there is one"),
        "tensorboard": option(tyro.conf.FlagCreatePairsOff[bool], False, "also write curves for TensorBoard"),
        "dry_run": option(
            tyro.conf.FlagCreatePairsOff[bool], False, "show the resolved run, its memory and time; train nothing"
        ),
    }
    fields: list[tuple[str, Any, Any]] = [(name, *rest) for name, rest in own.items()]
    first, *others = recipe.options
    for name, default in (("training", recipe.training), (first, recipe.options[first])):
        made = flags(name, default)
        fields.append((name, Annotated[made, tyro.conf.arg(name="")], field(default_factory=made)))
    for name in others:
        made = flags(name, recipe.options[name])
        fields.append((name, made, field(default_factory=made)))
    return make_dataclass("train", fields)
