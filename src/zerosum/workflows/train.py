"""Train and resume: from names and options to a run directory. What `zerosum train` and `zerosum resume` call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

from zerosum.data.request import Alpha, Frames, Reading
from zerosum.data.sources import absolute
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.optim import scheduled
from zerosum.options import OptionError, hints, idle, parse, to_json
from zerosum.recipe import Recipe, Training
from zerosum.run.directory import RunDirectory, new_path
from zerosum.run.loaded import Run
from zerosum.run.record import Record, recipe_of
from zerosum.training import checkpoint, hardware
from zerosum.training.trainer import Hook, Trainer
from zerosum.util import checks, distributed
from zerosum.util.console import errors
from zerosum.util.files import named
from zerosum.util.text import abbreviate, legible
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.session import ON_CPU, play

ON_GPU = "r3gan/images"  # what is trained where no recipe is named, and there is a GPU


def train(
    recipe: str | None = None,
    data: str | None = None,
    out: str | Path | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    crop: int | tuple[int, int] | None = None,
    labels: int | None = None,
    held_out: float | None = None,
    data_dir: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames = "first",
    alpha: Alpha = "white",
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
        crop: learn from crops of this size, each time at another random place of the images: size=286, crop=256. Both
            images of a pair are cropped at one place; pictures and evaluations are of the middle. By default none.
        labels: how many labels to keep, as many of each class, chosen by the seed; the rest are hidden. By default all.
        held_out: a share of the files, above 0 and below 1, that is not learnt from; pictures and `zerosum.evaluate` of
            a translator use these. By the names of files alone (`data.held_out`).
        data_dir: where published sets are looked for first.
        value_range: of images in files, the values that become black and white: (0, 4095) of 12 bits stored in 16. By
            default the whole range of the files' type, or the one that a file names.
        frames: of image files with several pages or frames, the "first" is a sample, or "all" are, each with the label
            of its file.
        alpha: of image files, "white": what is transparent is laid over white; "keep": all are learnt as RGBA, four
            channels of which the last is the opacity.
        device: "cpu", "cuda" ...; by default a GPU where there is one.
        tensorboard: also write curves for TensorBoard.
        quiet: show no progress.
        hooks: functions called with the trainer after each step, of several processes in each: what one changes of the
            trainer it changes in all, and what it writes is for `distributed.rank()` 0 to write. One that sets
            `trainer.stopping`, in whichever process, ends the training there: the run is saved and returned, and can
            be resumed. One that raises loses the steps since the last checkpoint.
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
    held_out = None if held_out is None else checks.number("held_out", held_out)
    data_dir = None if data_dir is None else checks.path("data_dir", data_dir)
    sides, crops = checks.sides("size", size), checks.sides("crop", crop)
    if recipe is None:
        recipe, why = default_recipe(device)
        announce(why, quiet)
    chosen = find(checks.text("recipe", recipe))
    training, own = split(chosen, options)
    reading = Reading(value_range, frames, alpha)
    name = chosen.data if data is None else data
    wanted = DataChoice(name, sides, labels, data_dir, reading, held_out=held_out, crop=crops)
    with distributed.together():
        prepared = prepare(chosen, training, own, wanted, device, quiet)
        about = legible(Path(prepared.record.data.name).name)
        stem = f"{chosen.function.__name__ if ':' in chosen.name else chosen.name}-{about}"
        path = out or _new_path(stem.replace("/", "-").replace(":", "-"))
        return play(RunDirectory(path), prepared, tensorboard=tensorboard, quiet=quiet, new=True, hooks=hooks)


def _new_path(stem: str) -> Path:
    """A run directory of this training alone, below runs/; the same for all of its processes."""
    return distributed.told(new_path(Path("runs"), stem) if distributed.rank() == 0 else Path())


def default_recipe(device: str | None = None) -> tuple[str, str]:
    """The recipe that is trained where none is named, and a line that says why, and how to get the other.

    Args:
        device: as for `train`.

    Raises:
        ZerosumError: there is no such device.
    """
    place = distributed.start() if device is None else hardware.find(device)
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
    data: str | None = None,
    recipe: str | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    hooks: Sequence[Hook] = (),
) -> Run:
    """Go on with a run from its newest checkpoint, bit for bit as if it had never stopped.

    Args:
        run: the run directory.
        steps: steps in all, to train longer than was asked at first. Rates that fall until training ends then follow
            the schedule of so many steps from here on, which is said.
        data: where the data lies now, if it was moved; its content is compared with what the run began with.
        recipe: FILE.py:FUNCTION, needed for a run of a recipe from outside the package: loading runs no code unasked.
        hooks: as for `train`.

    Raises:
        ZerosumError: no run there, a damaged checkpoint, data that changed, a run directory in use.
    """
    _check_hooks(hooks)
    data, recipe = (
        None if given is None else checks.text(name, given) for name, given in (("data", data), ("recipe", recipe))
    )
    directory = RunDirectory(checks.path("run", run))
    record = directory.read()
    begun = record.training.steps
    if steps is not None:
        record = replace(record, training=parse(record.training, {"steps": steps}))
    chosen = recipe_of(record, recipe)
    distributed.start()
    if chosen.source != record.source:
        announce(f"note: {chosen.name} is not the same code that began this run", quiet)
    if _paired_otherwise(record):
        announce(
            "note: an older version began this run, whose relativistic pairs met D before and after its step; "
            "it goes on with one D for both, so not bit for bit",
            quiet,
        )
    if data is not None:
        record = replace(record, data=replace(record.data, name=absolute(data)))
    its = record.data
    if data is None and Path(its.name).is_absolute() and not named(its.name).exists():
        raise ZerosumError(
            f"the data of {run} is no longer at {its.name}: say where it lies now by "
            f"`{directory.command('resume', '--data PATH')}`"
        )
    held_out = its.held_out.share if its.held_out else None
    wanted = DataChoice(its.name, its.size, its.labels, its.folder, its.reading, its.classes, held_out, its.crop)
    with distributed.together():
        share, note = share_of(record)
        if note:
            announce(note, quiet)
        training = parse(record.training, {"precision": record.precision, "batch_size": share})
        newest = checkpoint.newest(directory.checkpoints)
        prepared = prepare(
            chosen, training, record.options, wanted, device, quiet, began=record, filled=newest is not None
        )
        rates = _rescheduled(prepared.trainer, begun, checkpoint.number_of(newest) if newest else 0)
        prepared = prepared._replace(record=record, notes=[*prepared.notes, *rates])
        return play(directory, prepared, tensorboard=tensorboard, quiet=quiet, new=False, hooks=hooks)


def share_of(record: Record) -> tuple[int, str]:
    """The samples that each process takes of a step of a run, so that all take as many as ever; a line about that.

    `ZerosumError` where so many processes cannot share them equally.
    """
    own, before, now = record.training.batch_size, record.processes, distributed.world_size()
    if before is None:
        unknown = f"note: an older version began this run, which does not say on how many processes; {own} on each"
        return own, f"{unknown} of {now} are {own * now} samples a step" if now > 1 else ""
    whole = own * before
    if whole % now:
        fitting = ", ".join(str(count) for count in range(1, whole + 1) if whole % count == 0)
        raise ZerosumError(
            f"a step of this run learns from {whole} samples, which {now} processes cannot share equally; "
            f"resume it on one of these numbers of processes: {fitting}"
        )
    if now == before:
        return own, ""
    of_old, of_new = (f"{whole // n} on {f'each of {n} processes' if n > 1 else 'one process'}" for n in (before, now))
    return whole // now, (
        f"note: a step still learns from {whole} samples: {of_new}, before {of_old}. Noise is another, and what a "
        "process takes of its own share, as batch norm does, so the run goes on, but not bit for bit"
    )


def _rescheduled(trainer: Trainer, begun: int, played: int) -> list[str]:
    """A line where rates that fall until training ends were others so far than a run of the new length has.

    Args:
        begun: steps that the run was to have.
        played: steps so far.
    """
    steps, batch = trainer.training.steps, trainer.training.batch_size * distributed.world_size()
    others = [
        name
        for name, player in trainer.players.items()
        if played and len({scheduled(player.optimizer, played - 1, n, batch)["lr"] for n in (begun, steps)}) > 1
    ]
    if not others:
        return []
    return [
        f"note: the learning rates of {' and '.join(abbreviate(others))} fall until training ends: so far as in "
        f"{begun:,} steps, from here on by the schedule of {steps:,}; a run of {steps:,} steps from the start differs"
    ]


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
        resolved = recipe.resolve(chosen)
    except OptionError as error:
        raise OptionError(f"{error} (see `zerosum show {recipe.name}`)") from None
    training = parse(recipe.training, shared)
    pairs = [(training, recipe.training, "")]
    pairs += [(resolved[name], own, "" if name == first else f"{name}.") for name, own in recipe.options.items()]
    if nothing := [sentence for now, usual, prefix in pairs for sentence in idle(now, usual, prefix)]:
        raise OptionError("; ".join(nothing))
    _check_averages(recipe, training, shared)
    return training, chosen


def _by_name(name: str, given: Any) -> dict[str, Any]:
    """The options of a parameter, such as `network`, as plain values."""
    if is_dataclass(given) and not isinstance(given, type):
        return to_json(given)
    if not isinstance(given, Mapping):
        raise OptionError(f"{name} takes options by name, as in {name}={{'width': 64}}, not {given!r:.60}")
    return dict(given)


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
