"""`zerosum train [RECIPE] [flags]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import DisallowNone, arg

from zerosum.batches import Unpaired
from zerosum.cli.flags import (
    AnyAlpha,
    AnyDevice,
    AnyFrames,
    AnyTask,
    DataDir,
    Size,
    Strength,
    Switch,
    ValueRange,
    changed,
    flag,
    flags,
    of_other_kinds,
    parse,
    sides,
    values_of,
    with_kinds,
)
from zerosum.cli.output import show_run
from zerosum.data.sources import with_task
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.recipe import Recipe

ABOUT = (
    "The default recipe is r3gan/images on a GPU and r3gan/small on a CPU; `zerosum list` shows all. "
    "The flags below are those of"
)


@dataclass(frozen=True)
class Arguments:
    """Of every recipe."""

    data: Annotated[
        str,
        flag(
            "a known data set, a folder of images (classes by sub-folder or labels.csv), a file (.npy, .npz, "
            ".txt: one text a line), or pairs:A,B, unpaired:A,B, side-by-side:FOLDER, "
            "domains:SOURCE,TARGET, styles:CROWD,PLAYER"
        ),
    ]
    task: DisallowNone[AnyTask] = None
    strength: DisallowNone[Strength] = None
    out: Annotated[DisallowNone[Path | None], flag("the run directory", "a new one below runs/")] = None
    size: Annotated[DisallowNone[Size], flag("image size in pixels: one side, or height and width", "the data's")] = (
        None
    )
    crop: Annotated[
        DisallowNone[Size], flag("learn random crops of this size: one side, or height and width", "whole images")
    ] = None
    labels: Annotated[DisallowNone[int | None], flag("labels to keep, a class-balanced subset", "all")] = None
    held_out: Annotated[
        DisallowNone[float | None], flag("share of the files not to learn from, to measure and look at", "none")
    ] = None
    data_dir: DisallowNone[DataDir] = None
    value_range: DisallowNone[ValueRange] = None
    frames: AnyFrames = "first"
    alpha: AnyAlpha = "white"
    device: DisallowNone[AnyDevice] = None
    tensorboard: Annotated[Switch, flag("also write TensorBoard event files", "")] = False
    dry_run: Annotated[Switch, flag("show the resolved run, its memory and duration; train nothing", "")] = False


def run(arguments: Sequence[str]) -> None:
    from zerosum.workflows.train import announce, default_recipe, train

    named = bool(arguments) and not arguments[0].startswith("-")
    name, why = (arguments[0], "") if named else default_recipe(values_of(arguments, ["--device"]) or None)
    recipe = find(name)
    given, options = read(recipe, arguments[named:], f"train {name if named else '[RECIPE]'}")
    data = _data(given, apart=recipe.batch is Unpaired)
    size, crop = sides(given.size), sides(given.crop)
    if why:
        announce(why, quiet=False)
    if given.dry_run:
        from zerosum.cli.dry_run import show_plan
        from zerosum.data.request import Reading
        from zerosum.workflows.prepare import DataChoice

        reading = Reading(given.value_range, given.frames, given.alpha)
        wanted = DataChoice(data, size, given.labels, given.data_dir, reading, held_out=given.held_out, crop=crop)
        asked = [word for word in arguments if word != "--dry-run"]
        show_plan(recipe, options, wanted, given.device, asked if named else [name, *asked])
        return
    show_run(
        train(
            name,
            data,
            given.out,
            size=size,
            crop=crop,
            labels=given.labels,
            held_out=given.held_out,
            data_dir=given.data_dir,
            value_range=given.value_range,
            frames=given.frames,
            alpha=given.alpha,
            device=given.device,
            tensorboard=given.tensorboard,
            **options,
        )
    )


def _data(given: Arguments, apart: bool) -> str:
    """The name of the data, or of the pairs that a task makes of it."""
    if given.task is None:
        if given.strength is not None:
            raise ZerosumError("--strength is that of a task: add --task denoise, or another")
        return given.data
    return with_task(given.data, given.task, given.strength, apart=apart)


def read(recipe: Recipe, arguments: Sequence[str], command: str = "train") -> tuple[Arguments, dict[str, Any]]:
    """The flags of every recipe, and the options that differ from this recipe's, as `zerosum.train` takes them."""
    first, *others = recipe.options
    defaults = {"training": recipe.training, **recipe.options}
    prefixes = {name: f"{name}." if name in others else "" for name in defaults}
    fields: list[tuple[str, Any, Any]] = [("own", _unprefixed(Arguments), field(default=Arguments(recipe.data)))]
    elsewhere: dict[str, str] = {}
    for name, default in defaults.items():
        chosen = with_kinds(default, arguments, prefixes[name])
        cls = flags(name, chosen)
        fields.append((name, cls if prefixes[name] else _unprefixed(cls), field(default_factory=cls)))
        elsewhere |= of_other_kinds(chosen, prefixes[name])
    about = f"{recipe.summary}\n\n{ABOUT} {recipe.name}."
    parsed: Any = parse(make_dataclass("train", fields), arguments, command, about, elsewhere=elsewhere, config=())
    options = {name: changed(getattr(parsed, name), default) for name, default in defaults.items()}
    return parsed.own, options.pop("training") | options.pop(first) | options


def _unprefixed(cls: type) -> Any:
    return Annotated[cls, arg(name="")]
