"""From a recipe, its options and the name of data to all that a run needs but its directory."""

from __future__ import annotations

import shlex
import sys
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from zerosum import data
from zerosum.batches import CAPTIONED, Labelled, PartlyLabelled, field_names
from zerosum.data.check import labels
from zerosum.data.dataset import QUESTION, TEXT, Dataset, Progress
from zerosum.data.request import AS_STORED, Reading
from zerosum.data.sources import DRAWN, absolute, find, from_folder
from zerosum.data.stream import deal
from zerosum.errors import ZerosumError
from zerosum.game import LATER, Game
from zerosum.modality import AnyModality, Behaviour, Binary, Image, Modality, Notes, Points, Sound, Tokens, Video
from zerosum.options import OptionError, to_json, with_absolute_paths
from zerosum.recipe import RECIPES, Recipe, Training
from zerosum.roles import CANNOT, Acts, has_role, in_role
from zerosum.run import sampling
from zerosum.run.record import DataRecord, HeldOut, Record, versions
from zerosum.training import estimate, hardware
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng
from zerosum.util.checks import ArgumentError
from zerosum.util.console import progress
from zerosum.util.text import abbreviate, encodable
from zerosum.workflows.changed_data import require_same

FEW = 2  # samples that tell what a batch of many is like
SHOWN = 10  # vectors, or captions, that a run keeps of its data, to sample by


class DataChoice(NamedTuple):
    """Which data, and what of it."""

    name: str
    size: tuple[int, int] | None = None  # (H, W)
    labels: int | None = None  # to keep; None: all
    data_dir: Path | None = None
    reading: Reading = AS_STORED
    classes: tuple[str, ...] = ()  # of the run that goes on; older versions had some without a sample
    held_out: float | None = None  # the share of the files that is not learnt from
    crop: tuple[int, int] | None = None  # (H, W) of crops at random places, of which `size` is then that of the whole

    def load(self, size: tuple[int, int] | None, progress: Progress | None) -> Dataset:
        """The data, at `size`."""
        return data.load(
            self.name,
            size=size,
            crop=self.crop,
            data_dir=self.data_dir,
            progress=progress,
            **vars(self.reading),
        )


class Prepared(NamedTuple):
    """Everything of a run but its directory."""

    trainer: Trainer  # at step 0
    data: Dataset  # as the game learns from it
    record: Record  # what `run.json` will say
    notes: list[str]  # start-up notes on the data
    shown: Dataset  # what pictures show: what is held out, where something is


def prepare(
    recipe: Recipe,
    training: Training,
    options: Mapping[str, Mapping[str, Any]],
    wanted: DataChoice,
    device: str | None = None,
    quiet: bool = True,
    began: Record | None = None,
    filled: bool = False,
) -> Prepared:
    """Read the data and build the game; nothing is written.

    Args:
        began: of a run that is to go on: `DataError`, which says what has changed, where its data was other.
        filled: whether a checkpoint is to fill the game, whose weights then need no other file.
    """
    if wanted.labels is not None and not recipe.labelled:
        games = sorted({known.game.name for known in RECIPES.values() if known.labelled})
        raise ZerosumError(
            f"{recipe.name} uses no labels, so none of {wanted.labels} can be kept; leave --labels out, or train "
            f"{', '.join(games)}"
        )
    own = distributed.start()
    place = own if device is None else hardware.find(device)
    with progress(quiet or distributed.rank() > 0) as update:
        whole = wanted.load(wanted.size, update)
        if size := _fitting(recipe, wanted, whole):
            whole = wanted.load(size, update)
    whole = whole if TEXT in field_names(recipe.batch) else whole.without_captions()
    whole = whole.with_classes(wanted.classes) if wanted.classes else whole
    names: tuple[str, ...] = ()
    rest = None
    if wanted.held_out is not None:
        from zerosum.data.held_out import names_to_hold_out, split

        names = names_to_hold_out(whole, wanted.held_out)
        whole, rest = split(whole, names)
    learnt = whole if wanted.labels is None else whole.with_labels(wanted.labels, training.seed)
    learnt = learnt if recipe.labelled else learnt.without_labels(field_names(recipe.batch))
    if began:
        if began.data.fingerprint == learnt.formerly:
            learnt = replace(learnt, fingerprint=learnt.formerly)
        require_same(began.data, learnt, began.created)
    try:
        deal(learnt, recipe.batch, recipe.name)
    except data.DataError as error:  # a field that the game draws is missing
        raise data.DataError(f"{error}{_others(recipe, learnt)}") from error
    build = recipe.rebuild if filled else recipe.build
    estimate.require_weights(lambda: build(learnt.spec, options), training.average > 0, place)
    rng.seed(training.seed)
    try:
        game = build(learnt.spec, options)
    except ArgumentError as error:  # an option, or options that do not go together
        raise OptionError(f"{recipe.name}: {error}") from error
    except ValueError as error:
        raise ZerosumError(f"{recipe.name} does not fit {learnt.name}: {error}{_others(recipe, learnt)}") from error
    if training.truncation is not None:
        sampling.truncation_of(game, training.truncation)
    if game.batch is not recipe.batch:
        raise ZerosumError(
            f"{recipe.name} builds a game that draws {game.batch.__name__}, and its recipe says "
            f"{recipe.batch.__name__}; write @recipe(batch={game.batch.__name__}, ...)"
        )
    learnt = learnt.of(game.makes)
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
    few = data.Stream(learnt, min(FEW, training.batch_size), seed=training.seed, device=place, batch=recipe.batch)
    estimate.require_step(trainer, few(), began is not None)
    rng.seed(training.seed + 1 + distributed.rank())  # each process its own noise
    held_out = None if wanted.held_out is None else HeldOut(wanted.held_out, names)
    record = _describe(recipe, options, wanted, learnt, trainer, held_out)
    of_data = (*whole.notes, *data_notes(recipe, whole, learnt, wanted.labels))
    if held_out is not None:
        of_data = (*of_data, _held_out_note(held_out, whole))
    notes = [
        *size_notes(wanted, learnt),
        *of_data,
        *rate_notes(trainer),
        *phase_notes(trainer),
        *acting_notes(trainer.game),
    ]
    return Prepared(trainer, learnt, record, notes, learnt if rest is None else rest.of(game.makes))


def _fitting(recipe: Recipe, wanted: DataChoice, whole: Dataset) -> tuple[int, int] | None:
    """(H, W) to scale images to that are larger than the recipe's networks are meant for, or to draw images at that are
    drawn at any size, where the recipe wants them so; unless one was asked for.
    """
    size = _image_size(whole)
    if recipe.side is None or wanted.size or wanted.crop or size is None or max(size) == recipe.side:
        return None
    if max(size) < recipe.side and not (recipe.drawn and wanted.name.partition(":")[0] in DRAWN):
        return None
    height, width = (max(1, round(side * recipe.side / max(size))) for side in size)
    return height, width


def _image_size(data: Dataset) -> tuple[int, int] | None:
    """(H, W) of its samples, where they are images."""
    return data.modality.size if isinstance(data.modality, Image) else None


def _describe(
    recipe: Recipe,
    options: Mapping[str, Mapping[str, Any]],
    wanted: DataChoice,
    learnt: Dataset,
    trainer: Trainer,
    held_out: HeldOut | None,
) -> Record:
    training, folder = trainer.training, wanted.data_dir
    return Record(
        recipe=encodable(recipe.name),
        source=recipe.source,
        summary=recipe.summary,
        options={name: to_json(with_absolute_paths(own)) for name, own in recipe.resolve(options).items()},
        training=training,
        data=DataRecord(
            name=absolute(wanted.name),
            fields=_recordable(learnt.spec.fields),
            count=len(learnt),
            fingerprint=learnt.fingerprint,
            problems=tuple(str(problem) for problem in learnt.problems),
            data_dir=encodable(str(folder.resolve())) if folder else None,
            counts=learnt.counts,
            labels=wanted.labels,
            vectors=_some(learnt.vectors),
            captions=_some_captions(learnt),
            reading=wanted.reading,
            held_out=held_out,
            whole=learnt.whole_size,
        ),
        players={player: sum(p.numel() for p in own) for player, own in trainer.parameters.items()},
        device=str(trainer.device),
        precision=hardware.resolve_precision(training.precision, trainer.device),
        versions=versions(),
        command=_command(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        roles=tuple(role.__name__ for role in CANNOT if has_role(trainer.game, role)),
        processes=distributed.world_size(),
    )


def _held_out_note(held_out: HeldOut, kept: Dataset) -> str:
    """What is not learnt from, of how many, in a line; and classes that have no sample left."""
    count, unit = len(held_out.names), "file" if kept.files else "sample"
    left = len({name for names in kept.files.values() for name in names}) or len(kept)
    line = f"held out: {count:,} {unit}{'' if count == 1 else 's'} of {count + left:,}: "
    line += ", ".join(abbreviate([*held_out.names]))
    if empty := [name for name, n in zip(kept.classes, kept.counts, strict=True) if n == 0]:
        line += f"; which leaves no sample to learn of {', '.join(abbreviate(empty))}"
    return line


def _recordable(fields: Mapping[str, Modality]) -> dict[str, AnyModality]:
    """Fields of kinds that `run.json` can be read with again: those of the package."""
    try:
        return TypeAdapter(dict[str, AnyModality]).validate_python(dict(fields))
    except ValidationError as error:
        name = error.errors()[0]["loc"][0]
        raise ZerosumError(
            f"{type(fields[str(name)]).__name__} of the field {name} is no kind of data that run.json knows: add it to "
            "AnyModality in zerosum/modality.py"
        ) from error


def _some(conditions: Tensor | None) -> tuple[tuple[float, ...], ...]:
    """SHOWN vectors, spread over the data."""
    if conditions is None:
        return ()
    rows = torch.linspace(0, len(conditions) - 1, SHOWN).long().unique()
    return tuple(tuple(row) for row in conditions[rows].tolist())


def _some_captions(data: Dataset) -> tuple[str, ...]:
    """SHOWN captions at most, spread over the data, that differ."""
    if data.captions is None or not isinstance(kind := data.captions.modality, Tokens):
        return ()
    ids = data.captions.stored if data.captions.several is None else data.captions.several.values
    known = ids[(ids != kind.ids([Tokens.UNKNOWN])[0]).all(1)]  # those that can be asked for again
    if not len(known):
        return ()
    different = known.unique(dim=0)
    return tuple(kind.write(different[torch.linspace(0, len(different) - 1, SHOWN).long().unique()]))


def _command() -> str:
    program, *arguments = sys.argv
    by_hand = Path(program).name in ("zerosum", "__main__.py")
    return encodable(shlex.join(["zerosum", *arguments])) if by_hand else "zerosum.train(...)"


def size_notes(wanted: DataChoice, learnt: Dataset) -> list[str]:
    """A line about crops, or about the size of images of a folder, where none was asked for."""
    size, whole = _image_size(learnt), learnt.whole_size
    if wanted.crop is not None and whole is not None:
        crop, of = ("x".join(map(str, reversed(both))) for both in (wanted.crop, whole))
        return [f"crops of {crop} pixels are learnt, at random places of images of {of}; pictures show the middle"]
    if wanted.size is not None or find(wanted.name)[0] is not from_folder or size is None:
        return []
    return [f"images are learnt at {size[1]}x{size[0]} pixels, others scaled and cropped; --size chooses another size"]


def rate_notes(trainer: Trainer) -> list[str]:
    """Lines about learning rates that are to fall and never do, as training ends before; and about those that are 0
    while the stage of the game that they began to fall in goes on.
    """
    decays = {name: player.optimizer.decay for name, player in trainer.players.items()}
    steps = trainer.training.steps
    falling = {name: decay.begins(steps) for name, decay in decays.items() if decay.shape != "constant"}
    late = [name for name, start in falling.items() if start >= steps]
    stage, batch = trainer.game.stage, trainer.training.batch_size * distributed.world_size()
    stops = {name: stop for name in falling if (stop := decays[name].stops(steps, batch)) is not None}
    idle = [
        name for name, stop in stops.items() if any(stage(step) == stage(falling[name]) for step in range(stop, steps))
    ]
    notes = []
    if idle:
        stop = min(stops[name] for name in idle)
        notes.append(
            f"note: the learning rates of {' and '.join(abbreviate(idle))} are 0 from step {stop:,} on, where "
            "they still play: raise decay.steps, or lower the steps"
        )
    for begin in sorted({falling[name] for name in late}):
        those = [name for name in late if falling[name] == begin]
        notes.append(
            f"note: the learning rates of {' and '.join(abbreviate(those))} fall from step {begin:,} on (decay.start), "
            f"which {steps:,} steps do not reach"
        )
    return notes


def phase_notes(trainer: Trainer) -> list[str]:
    """A line about what a game comes to after a beginning, such as a pretraining, that takes all the steps."""
    stage, steps = trainer.game.stage, trainer.training.steps
    last = stage(LATER)
    if any(stage(step) == last for step in reversed(range(steps))):
        return []
    begin = bisect_left(range(LATER), True, lo=steps, key=lambda step: stage(step) == last)
    game = "the game itself" if last is None else repr(last)
    return [
        f"note: {steps:,} steps end in the phase {stage(steps - 1)!r} of {trainer.game.name}, before {game}, which "
        f"begins after step {begin:,}: raise --steps, or lower what comes before"
    ]


def acting_notes(game: Game[Any]) -> list[str]:
    """A line about the rewards of a game that acts."""
    return [in_role(game, Acts).remark()] if has_role(game, Acts) else []


def data_notes(recipe: Recipe, whole: Dataset, loaded: Dataset, kept: int | None = None) -> list[str]:
    """Lines about the labels of data.

    Args:
        whole: with all labels that there are.
        loaded: as the recipe learns from it.
        kept: how many labels were kept, where not all were.
    """
    if not recipe.labelled:
        lines = labels(whole) + _captioned(recipe, loaded)
        if whole.condition is not None:
            count = len(whole.classes)
            what = "vectors" if not count else "one class" if count == 1 else f"{count:,} classes"
            note = f"note: {recipe.name} does not use the {what} of {whole.name}"
            users = fitting(whole, Labelled, PartlyLabelled)
            lines.append(f"{note}; {', '.join(abbreviate(users))} would" if users else note)
        return lines
    lines = labels(loaded)
    if kept is not None and whole.y is not None:
        known = int((whole.y >= 0).sum())
        lines.append(f"labels: {kept:,} of {known:,} kept, as many of each class, by the seed")
    left = int((loaded.y < 0).sum()) if loaded.y is not None else 0
    if left and recipe.batch is Labelled:
        note = f"note: {recipe.name} learns from the {len(loaded) - left:,} labelled samples alone"
        users = fitting(loaded, PartlyLabelled)
        lines.append(f"{note}; {', '.join(abbreviate(users))} would use the {left:,} others too" if users else note)
    if loaded.y is not None and loaded.vectors is not None:
        lines.append(f"note: {recipe.name} uses the classes of {loaded.name} and not its vectors, as it has both")
    return lines


# What learns each kind of data, where the recipe that was asked for does not.
LEARNS: dict[type[Modality], str] = {
    Video: "driving-simulator/scenes",
    Sound: "r3gan/sounds",
    Points: "two-player/toy",
    Binary: "two-player/toy",
    Behaviour: "gail/classic",
    Tokens: "seqgan/lines",
    Notes: "seqgan/melodies",
}


def _others(recipe: Recipe, data: Dataset) -> str:
    """What learns such data, in a clause; "" of images, and where the recipe is made for such, and something else is
    wrong.
    """
    if {"a", "b"} <= data.fields.keys():
        name = "pix2pix/images" if data.fields["a"].deck == data.fields["b"].deck else "cyclegan/images"
    else:
        name = "dialogue/lines" if QUESTION in data.fields else LEARNS.get(type(data.modality), "")
    if not name or RECIPES[name].data == recipe.data:
        return ""
    return f"; `zerosum train {name}` learns such data"


def _captioned(recipe: Recipe, loaded: Dataset) -> list[str]:
    """A line where some images have no caption, and are not learnt from."""
    several = None if loaded.captions is None else loaded.captions.several
    if recipe.batch not in CAPTIONED or several is None or not (without := int((several.counts == 0).sum())):
        return []
    return [f"note: {recipe.name} learns from the {len(loaded) - without:,} images that have a caption alone"]


def fitting(data: Dataset, *batches: type) -> list[str]:
    """Of each game of the package that draws one of `batches`, a recipe that can learn the labels of such data."""
    found: dict[str, str] = {}
    for recipe in sorted(RECIPES.values(), key=lambda recipe: recipe.data != data.name):  # those made for it first
        game = recipe.game.name
        if recipe.batch in batches and game not in found:
            # Where it cannot be built it does not fit; nothing is computed, nothing disturbed.
            with suppress(ValueError, ZerosumError), torch.device("meta"), rng.fork_rng(torch.device("cpu")):
                recipe.build(data.spec)
                found[game] = recipe.name
    return sorted(found.values())
