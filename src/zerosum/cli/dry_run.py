"""`zerosum train ... --dry-run`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zerosum.cli import BEGAN
from zerosum.cli.flags import values_of
from zerosum.data.check import counted_samples, left_out
from zerosum.data.request import AS_STORED, Reading
from zerosum.options import rows
from zerosum.recipe import Recipe, Training
from zerosum.training.estimate import estimate
from zerosum.training.trainer import Trainer
from zerosum.util import memory
from zerosum.util.console import errors, output
from zerosum.util.text import duration
from zerosum.workflows.alternatives import alternatives, steps_in_a_day
from zerosum.workflows.prepare import DataChoice, Prepared, prepare
from zerosum.workflows.session import DAY
from zerosum.workflows.train import split

TIMING, LOOKING, ALL = 4.0, 5.0, 17.0  # seconds: of steps of what was asked, of other trainings, and all that it takes
SIZE, CROP, STEPS = "--size", "--crop", "--steps"
WHEN = "at the start, in the middle and at the end"


def schedules(trainer: Trainer) -> list[tuple[str, float, float, float]]:
    """All that changes as training goes: its name, and its value at the start, in the middle and at the end."""
    steps = trainer.training.steps
    first, middle, last = (trainer.schedule(step) for step in (0, steps // 2, steps))
    rows = [(name, first[name], middle[name], last[name]) for name in first]
    return [row for row in rows if len({*row[1:]}) > 1]


def show_plan(
    recipe: Recipe, options: Mapping[str, Any], wanted: DataChoice, device: str | None, given: Sequence[str]
) -> None:
    """Print the resolved run; nothing is written.

    Args:
        given: what follows `zerosum train`, without `--dry-run`.
    """
    training, chosen = split(recipe, options)
    prepared = prepare(recipe, training, chosen, wanted, device, quiet=False)
    trainer, data, record, notes, _ = prepared
    console = output()
    console.print(f"recipe      {record.recipe}: {record.summary.splitlines()[0]}")
    console.print(f"data        {wanted.name}: {counted_samples(data)}, fingerprint {data.fingerprint}")
    for line in [*notes, *left_out(data.problems)]:
        console.print(f"            {line}")
    console.print(f"batch size  {training.batch_size}")
    for player, count in record.players.items():
        console.print(f"player      {player}: {count:,} parameters")
    console.print(f"device      {record.device}, {record.precision}")
    for name, *values in schedules(trainer):
        console.print(f"schedule    {name}: {', '.join(f'{value:.4g}' for value in values)} ({WHEN})")
    timing = _share(TIMING)
    errors().print(f"timing steps, for {duration(timing)} or so")
    found = estimate(trainer, timing)
    parts = ", ".join(f"{what} {memory.size(size)}" for what, size in found.memory.items() if size)
    console.print(f"memory      about {memory.size(sum(found.memory.values()))} ({parts})")
    how, word = f" ({found.pace.source})" if found.pace.source else "", found.pace.word
    console.print(f"one step    {word} {found.pace.seconds * 1000:,.1f} ms{how}")
    console.print(f"duration    {word} {duration(found.total_seconds)} for {training.steps:,} steps{how}")
    settings = [f"{o.name} {o.default}" for v in (*recipe.resolve(chosen).values(), training) for o in rows(v)]
    console.print(f"options     {', '.join(settings)}")

    if found.total_seconds > DAY:
        errors().print(f"longer than a day: looking for what fits this machine, for {duration(_share(LOOKING))} or so")
        for seconds, command in _that_fit(recipe, training, chosen, prepared, wanted, found.pace.seconds, given):
            console.print(f"or          {command}  # about {duration(seconds)}")


def _share(seconds: float) -> float:
    """So many seconds, or fewer where the command has taken long already."""
    return max(2.0, min(seconds, (ALL - (time.monotonic() - BEGAN)) / 2))


def _that_fit(
    recipe: Recipe,
    training: Training,
    chosen: dict[str, dict[str, Any]],
    prepared: Prepared,
    wanted: DataChoice,
    step: float,
    given: Sequence[str],
) -> Iterator[tuple[float, str]]:
    """Commands of trainings that take a day at most, and their seconds."""
    for other in alternatives(recipe, training, chosen, prepared.data, prepared.trainer.device, _share(LOOKING)):
        asked = list(given) if other.recipe.name == recipe.name else _on_its_own(other.recipe, wanted, given)
        size = [SIZE, *map(str, dict.fromkeys(other.size))] if other.size else []
        asked = _without(_without(asked, SIZE), CROP) if size else asked
        yield other.seconds, shlex.join(["zerosum", "train", *asked, *size])
    if (steps := steps_in_a_day(step)) >= training.log_every:
        yield steps * step, shlex.join(["zerosum", "train", *_without(given, STEPS), "--steps", str(steps)])


def _on_its_own(recipe: Recipe, wanted: DataChoice, given: Sequence[str]) -> list[str]:
    """The arguments that train another recipe with its own options on the same data."""
    size = [SIZE, *map(str, dict.fromkeys(wanted.size))] if wanted.size else []
    size += [CROP, *map(str, dict.fromkeys(wanted.crop))] if wanted.crop else []
    labels = ["--labels", str(wanted.labels)] if wanted.labels else []
    held_out = ["--held-out", str(wanted.held_out)] if wanted.held_out else []
    folder = ["--data-dir", str(wanted.data_dir)] if wanted.data_dir else []
    device = ["--device", values_of(given, ["--device"])] if values_of(given, ["--device"]) else []
    data = [*size, *_reading(wanted.reading), *labels, *held_out, *folder]
    return [recipe.name, "--data", wanted.name, *data, *device]


def _reading(reading: Reading) -> list[str]:
    """The arguments by which files are read so, where that is not as they are by default."""
    ends = [str(end).removesuffix(".0") for end in reading.value_range or ()]
    values = ["--value-range", *ends] if ends else []
    chosen = {"--frames": (reading.frames, AS_STORED.frames), "--alpha": (reading.alpha, AS_STORED.alpha)}
    return [*values, *(word for flag, (own, usual) in chosen.items() if own != usual for word in (flag, own))]


def _without(given: Sequence[str], flag: str) -> list[str]:
    """The arguments but for a flag and its numbers."""
    kept, dropping = list[str](), False
    for word in given:
        dropping = word == flag or (dropping and word.isdigit())
        if not dropping and not word.startswith(f"{flag}="):
            kept.append(word)
    return kept
