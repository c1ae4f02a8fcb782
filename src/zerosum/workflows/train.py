"""Train and resume: from names and options to a run directory. What `zerosum train` and `zerosum resume` call."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import HINT
from zerosum.errors import ZerosumError
from zerosum.options import OptionError, hints, parse, to_json
from zerosum.recipe import RECIPES, Recipe, Training, find
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record, RunDirectory, free_path, recipe_of, versions
from zerosum.training import hardware
from zerosum.training.trainer import Trainer, resolve_precision
from zerosum.util import distributed, rng
from zerosum.util.console import errors, progress
from zerosum.workflows.notes import data_notes
from zerosum.workflows.session import play

SHOWN = 10  # vectors that a run keeps of its data, to sample by


def train(
    recipe: str = "r3gan",
    data: str | None = None,
    out: str | Path | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    labels: int | None = None,
    data_dir: str | Path | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    **options: Any,
) -> Run:
    """Train a GAN and return it, ready to sample.

    Args:
        recipe: "r3gan", "wgan-gp/images", "my_gan.py:mnist" ...
        data: a known set ("digits", "mnist" ...), a folder of images (sub-folders, or the classes that a `labels.csv`
            names, are labels), or an .npz file; by default the recipe's.
        out: the run directory; by default a new one under "runs/".
        size: of the images, in pixels: a side of a square, or (height, width).
        labels: how many labels to keep, as many of each class, chosen by the seed; the rest are hidden. By default all.
        data_dir: where published sets are looked for first.
        device: "cpu", "cuda" ...; by default a GPU where there is one.
        tensorboard: also write curves for TensorBoard.
        quiet: show no progress.
        options: any option that `zerosum show RECIPE` lists; nested ones as mappings: `optimizer={"lr": 1e-3}`.

    Raises:
        ZerosumError: an unknown name, an option out of range, data that cannot be read, a run directory in use.
        Diverged: a loss became NaN or infinite.
        Interrupted: Ctrl-C or SIGTERM; the run is saved.
    """
    found = find(recipe)
    training, chosen = split(found, options)
    prepared = prepare(found, training, chosen, data or found.data, size, data_dir, device, quiet, labels=labels)
    trainer, loaded, record, _ = prepared
    stem = f"{found.function.__name__ if ':' in found.name else found.name}-{Path(record.data.name).name}"
    path = Path(out) if out else free_path(Path("runs"), stem.replace("/", "-").replace(":", "-"))
    about = [] if quiet else data_notes(found, prepared.whole, loaded, labels)
    return play(RunDirectory(path), trainer, loaded, record, about, tensorboard=tensorboard, quiet=quiet, new=True)


def resume(
    run: str | Path,
    *,
    steps: int | None = None,
    recipe: str | None = None,
    device: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
) -> Run:
    """Go on with a run from its newest checkpoint, bit for bit as if it had never stopped.

    Args:
        run: the run directory.
        steps: rounds in all, to train longer than was asked at first.
        recipe: FILE.py:FUNCTION, needed for a run of a recipe from outside the package: loading runs no code unasked.

    Raises:
        ZerosumError: no run there, a damaged checkpoint, data that changed, a run directory in use.
    """
    directory = RunDirectory(Path(run))
    record = directory.read()
    if steps is not None:
        record = replace(record, training=parse(record.training, {"steps": steps}))
    found = recipe_of(record, recipe)
    if found.source != record.source:
        errors(quiet).print(f"note: {found.name} is not the same code that began this run")
    training = parse(record.training, {"precision": record.precision})
    size = record.data.shape[1:] if len(record.data.shape) == 3 else None
    trainer, loaded, _, whole = prepare(
        found,
        training,
        record.options,
        record.data.name,
        size,
        record.data.data_dir,
        device,
        quiet,
        labels=record.data.labels,
    )
    about = [] if quiet else data_notes(found, whole, loaded, record.data.labels)
    return play(directory, trainer, loaded, record, about, tensorboard=tensorboard, quiet=quiet, new=False)


def split(recipe: Recipe, options: Mapping[str, Any]) -> tuple[Training, dict[str, dict[str, Any]]]:
    """Options by name, as `train` takes them, into training settings and plain values for the recipe's parameters."""
    shared = {name: value for name, value in options.items() if name in hints(Training)}
    first, *others = recipe.options
    chosen = {name: dict(options[name]) for name in others if name in options}
    chosen[first] = {n: v for n, v in options.items() if n not in shared and n not in chosen}
    try:
        recipe.resolve(chosen)
    except OptionError as error:
        raise OptionError(f"{error} (see `zerosum show {recipe.name}`)") from None
    return parse(recipe.training, shared), chosen


class Prepared(NamedTuple):
    """Everything of a run but its directory."""

    trainer: Trainer  # at round 0
    loaded: data.Dataset  # as the game learns from it
    record: Record  # what `run.json` will say
    whole: data.Dataset  # with all labels that there are


def prepare(
    recipe: Recipe,
    training: Training,
    options: Mapping[str, Mapping[str, Any]],
    name: str,
    size: int | tuple[int, ...] | None = None,
    data_dir: str | Path | None = None,
    device: str | None = None,
    quiet: bool = True,
    *,
    labels: int | None = None,
) -> Prepared:
    """Read the data and build the game; nothing is written."""
    if labels is not None and not recipe.labelled:
        games = sorted({name.split("/")[0] for name, known in RECIPES.items() if known.labelled})
        raise ZerosumError(
            f"{recipe.name} uses no labels, so none of {labels} can be kept; leave --labels out, or train "
            f"{', '.join(games)}"
        )
    own = distributed.start()
    place = hardware.find(device) if device else own
    sides = (size, size) if isinstance(size, int) else (size[0], size[1]) if size else None
    folder = Path(data_dir) if data_dir else None
    with progress(quiet) as update:
        whole = data.load(name, size=sides, data_dir=folder, progress=update)
    kept = whole if labels is None else whole.with_labels(labels, training.seed)
    loaded = kept if recipe.labelled else kept.without_labels()
    if recipe.labelled and loaded.condition is None:
        raise data.DataError(f"{name} has no labels, but {recipe.name} learns from them; {HINT}")
    resolved = recipe.resolve(options)
    rng.seed(training.seed)
    try:
        game = recipe.build(loaded.shape, options, loaded.condition)
    except ValueError as error:
        raise ZerosumError(f"{recipe.name} does not fit {name}: {error}") from error
    stream = data.Stream(
        loaded,
        training.batch_size,
        seed=training.seed,
        device=place,
        batch=recipe.batch,
        flip=training.flip,
        rank=distributed.rank(),
        world=distributed.world_size(),
    )
    trainer = Trainer(game, stream, training, place)
    rng.seed(training.seed + 1 + distributed.rank())  # each process its own noise
    record = Record(
        format=1,
        recipe=recipe.name,
        source=recipe.source,
        summary=recipe.summary,
        options={parameter: to_json(values) for parameter, values in resolved.items()},
        training=training,
        data=DataRecord(
            name=name if name.partition(":")[0] in data.SOURCES else str(Path(name).resolve()),
            shape=loaded.shape,
            classes=loaded.classes,
            count=len(loaded),
            fingerprint=loaded.fingerprint,
            problems=tuple(str(problem) for problem in loaded.problems),
            data_dir=str(folder.resolve()) if folder else None,
            counts=_counts(loaded),
            labels=labels,
            conditions=_some(loaded.conditions),
        ),
        players={player: sum(p.numel() for p in own) for player, own in trainer.parameters.items()},
        device=str(place),
        precision=resolve_precision(training.precision, place),
        versions=versions(),
        command=_command(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Prepared(trainer, loaded, record, whole)


def _counts(loaded: data.Dataset) -> tuple[int, ...]:
    """Labelled samples of each class."""
    if loaded.y is None:
        return ()
    return tuple(loaded.y[loaded.y >= 0].bincount(minlength=len(loaded.classes)).tolist())


def _some(conditions: Tensor | None) -> tuple[tuple[float, ...], ...]:
    """SHOWN vectors, spread over the data."""
    if conditions is None:
        return ()
    rows = torch.linspace(0, len(conditions) - 1, SHOWN).long().unique()
    return tuple(tuple(row) for row in conditions[rows].tolist())


def _command() -> str:
    program, *arguments = sys.argv
    by_hand = Path(program).name in ("zerosum", "__main__.py")
    return shlex.join(["zerosum", *arguments]) if by_hand else "zerosum.train(...)"
