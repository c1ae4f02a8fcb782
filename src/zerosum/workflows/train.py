"""Train and resume: from names and options to a run directory. What `zerosum train` and `zerosum resume` call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.options import OptionError, hints, parse, to_json
from zerosum.recipe import Recipe, Training
from zerosum.run.directory import RunDirectory, free_path
from zerosum.run.loaded import Run
from zerosum.run.record import Record, recipe_of
from zerosum.training import hardware
from zerosum.training.trainer import Hook
from zerosum.util import checks, distributed
from zerosum.util.console import errors
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.session import ON_CPU, play

ON_GPU = "r3gan/images"  # what is trained where no recipe is named, and there is a GPU


def train(
    recipe: str | None = None,
    data: str | None = None,
    out: str | Path | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    labels: int | None = None,
    data_dir: str | Path | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    hooks: Sequence[Hook] = (),
    **options: Any,
) -> Run:
    """Train a GAN and return it, ready to sample.

    Args:
        recipe: "r3gan", "wgan-gp/images", "my_gan.py:mnist" ...; by default r3gan/images on a GPU and r3gan/small on a
            CPU, which it says.
        data: a known set ("digits", "mnist" ...), a folder of images (sub-folders, or the classes that a `labels.csv`
            names, are labels), a file (.npy, .npz, .txt: one text a line), or pairs of images ("pairs:A,B",
            "unpaired:A,B", "side-by-side:FOLDER"); by default the recipe's.
        out: the run directory; by default a new one under "runs/".
        size: of the images, in pixels: a side of a square, or (height, width).
        labels: how many labels to keep, as many of each class, chosen by the seed; the rest are hidden. By default all.
        data_dir: where published sets are looked for first.
        device: "cpu", "cuda" ...; by default a GPU where there is one.
        tensorboard: also write curves for TensorBoard.
        quiet: show no progress.
        hooks: functions called with the trainer after each step, by the first process alone. One that sets
            `trainer.stopping` ends the training there: the run is saved and returned, and can be resumed. One that
            raises loses the steps since the last checkpoint.
        options: any option that `zerosum show RECIPE` lists; nested ones as mappings: `optimizer={"lr": 1e-3}`.

    Raises:
        ZerosumError: an unknown name, an option out of range, hooks that cannot be called, data that cannot be read, a
            run directory in use.
        Diverged: a loss became NaN or infinite.
        Interrupted: Ctrl-C or SIGTERM; the run is saved.
    """
    _check_hooks(hooks)
    data = None if data is None else checks.text("data", data)
    out = None if out is None else checks.path("out", out)
    labels = None if labels is None else checks.integer("labels", labels, 1)
    data_dir = None if data_dir is None else checks.path("data_dir", data_dir)
    sides = _sides(size)
    if recipe is None:
        recipe, why = default_recipe(device)
        announce(why, quiet)
    chosen = find(checks.text("recipe", recipe))
    training, own = split(chosen, options)
    wanted = DataChoice(chosen.data if data is None else data, sides, labels, data_dir)
    prepared = prepare(chosen, training, own, wanted, device, quiet)
    stem = f"{chosen.function.__name__ if ':' in chosen.name else chosen.name}-{Path(prepared.record.data.name).name}"
    path = out or free_path(Path("runs"), stem.replace("/", "-").replace(":", "-"))
    return play(RunDirectory(path), prepared, tensorboard=tensorboard, quiet=quiet, new=True, hooks=hooks)


def default_recipe(device: str | None = None) -> tuple[str, str]:
    """The recipe that is trained where none is named, and a line that says why, and how to get the other.

    Args:
        device: as for `train`.

    Raises:
        ZerosumError: there is no such device.
    """
    place = hardware.find(device) if device else distributed.start()
    if place.type == "cpu":
        return ON_CPU, (
            f"{ON_CPU}, the default on a CPU: the paper's loss on small networks; `zerosum train {ON_GPU}` trains "
            "residual ones with the paper's schedules, which take a GPU"
        )
    return ON_GPU, f"{ON_GPU}, the default on a GPU; `zerosum train {ON_CPU}` trains small networks"


def announce(line: str, quiet: bool) -> None:
    """Print a line where progress goes, once for all processes."""
    if distributed.rank() == 0:
        errors(quiet).print(line)


def resume(
    run: str | Path,
    *,
    steps: int | None = None,
    recipe: str | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    hooks: Sequence[Hook] = (),
) -> Run:
    """Go on with a run from its newest checkpoint, bit for bit as if it had never stopped.

    Args:
        run: the run directory.
        steps: steps in all, to train longer than was asked at first.
        recipe: FILE.py:FUNCTION, needed for a run of a recipe from outside the package: loading runs no code unasked.
        hooks: as for `train`.

    Raises:
        ZerosumError: no run there, a damaged checkpoint, data that changed, a run directory in use.
    """
    _check_hooks(hooks)
    directory = RunDirectory(checks.path("run", run))
    record = directory.read()
    if steps is not None:
        record = replace(record, training=parse(record.training, {"steps": steps}))
    chosen = recipe_of(record, recipe)
    if chosen.source != record.source:
        errors(quiet).print(f"note: {chosen.name} is not the same code that began this run")
    if _paired_otherwise(record):
        errors(quiet).print(
            "note: an older version began this run, whose relativistic pairs met D before and after its step; "
            "it goes on with one D for both, so not bit for bit"
        )
    training = parse(record.training, {"precision": record.precision})
    data = record.data
    wanted = DataChoice(data.name, data.size, data.labels, Path(data.data_dir) if data.data_dir else None)
    prepared = prepare(chosen, training, record.options, wanted, device, quiet)
    return play(
        directory, prepared._replace(record=record), tensorboard=tensorboard, quiet=quiet, new=False, hooks=hooks
    )


def _paired_otherwise(record: Record) -> bool:
    """Whether an older version began the run, and played it with fakes that both players share, in pairs."""
    config = record.options.get("config", {})
    shared = config.get("shared_fakes", record.recipe.startswith("infogan/"))
    return record.draw == "batches" and config.get("objective") == "relativistic" and shared


def split(recipe: Recipe, options: Mapping[str, Any]) -> tuple[Training, dict[str, dict[str, Any]]]:
    """Options by name, as `train` takes them, into training settings and plain values for the recipe's parameters."""
    shared = {name: value for name, value in options.items() if name in hints(Training)}
    first, *others = recipe.options
    chosen = {name: _by_name(name, options[name]) for name in others if name in options}
    chosen[first] = {n: v for n, v in options.items() if n not in shared and n not in chosen}
    try:
        recipe.resolve(chosen)
    except OptionError as error:
        raise OptionError(f"{error} (see `zerosum show {recipe.name}`)") from None
    training = parse(recipe.training, shared)
    _check_averages(recipe, training, shared)
    return training, chosen


def _by_name(name: str, given: Any) -> dict[str, Any]:
    """The options of a parameter, such as `network`, as plain values."""
    if is_dataclass(given) and not isinstance(given, type):
        return to_json(given)
    if not isinstance(given, Mapping):
        raise OptionError(f"{name} takes options by name, as in {name}={{'width': 64}}, not {given!r:.60}")
    return dict(given)


def _sides(size: Any) -> tuple[int, int] | None:
    """(H, W) of a size: a side, or two."""
    if size is None:
        return None
    both = [size, size] if isinstance(size, int | np.integer) else list(size) if isinstance(size, Sequence) else []
    if isinstance(size, str) or len(both) != 2:
        raise ZerosumError(f"size must be a side in pixels, or (height, width), not {size!r:.60}")
    height, width = (checks.integer("size", side, 1) for side in both)
    return height, width


def _check_averages(recipe: Recipe, training: Training, given: Mapping[str, Any]) -> None:
    """An `OptionError` for one of `average` and `half_life` that would count nothing beside the other."""
    if not training.half_life.peak:
        return
    if "average" in given and training.average:
        raise OptionError(
            f"average {training.average:g} would count nothing: the EMA weights of {recipe.name} follow half_life; set "
            "half_life.start and half_life.end to 0, too, or leave average out (0 keeps no EMA weights)"
        )
    if "half_life" in given and not training.average:
        raise OptionError("half_life would count nothing: average is 0, which keeps no EMA weights; set it above 0")


def _check_hooks(hooks: Any) -> None:
    if not isinstance(hooks, Sequence) or not all(map(callable, hooks)):
        raise ZerosumError(f"hooks is a list of functions that take the trainer, as in hooks=[f], not {hooks!r}")
