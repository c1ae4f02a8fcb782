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
from zerosum.cli.loading import Loading
from zerosum.data.dataset import Dataset
from zerosum.data.decks import deal
from zerosum.data.sources import absolute
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.modality import Image
from zerosum.options import OptionError, hints, parse, to_json
from zerosum.recipe import RECIPES, Recipe, Training
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record, recipe_of, versions
from zerosum.training import hardware
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng
from zerosum.workflows.notes import data_notes
from zerosum.workflows.session import console_of, play

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
    chosen = find(recipe)
    training, own = split(chosen, options)
    wanted = DataChoice(data or chosen.data, _sides(size), labels, Path(data_dir) if data_dir else None)
    prepared = prepare(chosen, training, own, wanted, device, quiet)
    stem = f"{chosen.function.__name__ if ':' in chosen.name else chosen.name}-{Path(prepared.record.data.name).name}"
    path = Path(out) if out else free_path(Path("runs"), stem.replace("/", "-").replace(":", "-"))
    return play(RunDirectory(path), prepared, tensorboard=tensorboard, quiet=quiet, new=True)


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
    chosen = recipe_of(record, recipe)
    if chosen.source != record.source:
        console_of(quiet).print(f"note: {chosen.name} is not the same code that began this run")
    training = parse(record.training, {"precision": record.precision})
    prepared = prepare(chosen, training, record.options, _choice_of(record.data), device, quiet)
    return play(directory, prepared._replace(record=record), tensorboard=tensorboard, quiet=quiet, new=False)


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


class DataChoice(NamedTuple):
    """Which data, and what of it."""

    name: str
    size: tuple[int, int] | None = None  # (H, W)
    labels: int | None = None  # to keep; None: all
    data_dir: Path | None = None


class Prepared(NamedTuple):
    """Everything of a run but its directory."""

    trainer: Trainer  # at step 0
    data: Dataset  # as the game learns from it
    record: Record  # what `run.json` will say
    notes: list[str]  # start-up notes on the data


def prepare(
    recipe: Recipe,
    training: Training,
    options: Mapping[str, Mapping[str, Any]],
    wanted: DataChoice,
    device: str | None = None,
    quiet: bool = True,
) -> Prepared:
    """Read the data and build the game; nothing is written."""
    if wanted.labels is not None and not recipe.labelled:
        games = sorted({known.game.name for known in RECIPES.values() if known.labelled})
        raise ZerosumError(
            f"{recipe.name} uses no labels, so none of {wanted.labels} can be kept; leave --labels out, or train "
            f"{', '.join(games)}"
        )
    own = distributed.start()
    place = hardware.find(device) if device else own
    with Loading(console_of(quiet)) as progress:
        whole = data.load(wanted.name, size=wanted.size, data_dir=wanted.data_dir, progress=progress)
    learnt = whole if wanted.labels is None else whole.with_labels(wanted.labels, training.seed)
    learnt = learnt if recipe.labelled else learnt.without_labels()
    trainer = _build(recipe, training, options, learnt, place)
    record = _describe(recipe, options, wanted, learnt, trainer)
    return Prepared(trainer, learnt, record, data_notes(recipe, whole, learnt, wanted.labels))


def _build(
    recipe: Recipe, training: Training, options: Mapping[str, Mapping[str, Any]], learnt: Dataset, place: torch.device
) -> Trainer:
    """The game, its stream and its trainer, each from the seed."""
    deal(learnt, recipe.batch, recipe.name)  # refuses data without a field that the game draws
    rng.seed(training.seed)
    try:
        game = recipe.build(learnt.spec, options)
    except ValueError as error:
        raise ZerosumError(f"{recipe.name} does not fit {learnt.name}: {error}") from error
    stream = data.Stream(
        learnt,
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
    return trainer


def _describe(
    recipe: Recipe,
    options: Mapping[str, Mapping[str, Any]],
    wanted: DataChoice,
    learnt: Dataset,
    trainer: Trainer,
) -> Record:
    training, folder = trainer.training, wanted.data_dir
    return Record(
        format=1,
        recipe=recipe.name,
        source=recipe.source,
        summary=recipe.summary,
        options={parameter: to_json(values) for parameter, values in recipe.resolve(options).items()},
        training=training,
        data=DataRecord(
            name=absolute(wanted.name),
            shape=learnt.shape,
            classes=learnt.classes,
            count=len(learnt),
            fingerprint=learnt.fingerprint,
            problems=tuple(str(problem) for problem in learnt.problems),
            data_dir=str(folder.resolve()) if folder else None,
            counts=learnt.counts,
            labels=wanted.labels,
            conditions=_some(learnt.vectors),
        ),
        players={player: sum(p.numel() for p in own) for player, own in trainer.parameters.items()},
        device=str(trainer.device),
        precision=hardware.resolve_precision(training.precision, trainer.device),
        versions=versions(),
        command=_command(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _choice_of(record: DataRecord) -> DataChoice:
    """The data of a run, as it was chosen when it began."""
    modality = record.spec.x
    size = modality.size if isinstance(modality, Image) else None
    return DataChoice(record.name, size, record.labels, Path(record.data_dir) if record.data_dir else None)


def _sides(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size


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
