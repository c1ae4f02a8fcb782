"""`zerosum train ... --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerosum.data.check import counted_samples, left_out
from zerosum.options import rows
from zerosum.recipe import Recipe
from zerosum.training.estimate import estimate, seconds_per_step
from zerosum.training.trainer import Trainer
from zerosum.util.console import errors, output
from zerosum.util.text import duration
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.train import split

NOTICED = 0.5  # seconds: of steps that take longer, a word while they are timed
WHEN = "at the start, in the middle and at the end"


def schedules(trainer: Trainer) -> list[tuple[str, float, float, float]]:
    """All that changes as training goes: its name, and its value at the start, in the middle and at the end."""
    steps = trainer.training.steps
    first, middle, last = (trainer.schedule(step) for step in (0, steps // 2, steps))
    rows = [(name, first[name], middle[name], last[name]) for name in first]
    return [row for row in rows if len({*row[1:]}) > 1]


def show_plan(recipe: Recipe, options: Mapping[str, Any], wanted: DataChoice, device: str | None) -> None:
    """Print the resolved run; nothing is written."""
    training, chosen = split(recipe, options)
    trainer, data, record, notes = prepare(recipe, training, chosen, wanted, device, quiet=False)
    console = output()
    console.print(f"recipe      {record.recipe}: {record.summary.splitlines()[0]}")
    console.print(f"data        {wanted.name}: {counted_samples(data)}, fingerprint {data.fingerprint}")
    for line in [*notes, *left_out(data)]:
        console.print(f"            {line}")
    console.print(f"batch size  {training.batch_size}")
    for player, count in record.players.items():
        console.print(f"player      {player}: {count:,} parameters")
    console.print(f"device      {record.device}, {record.precision}")
    for name, *values in schedules(trainer):
        console.print(f"schedule    {name}: {', '.join(f'{value:.4g}' for value in values)} ({WHEN})")
    if (seconds := seconds_per_step(trainer)) > NOTICED:
        errors().print(f"timing whole steps, of about {duration(seconds)} each: {duration(seconds * 4)}")
    found = estimate(trainer)
    parts = ", ".join(f"{what} {_megabytes(size)}" for what, size in found.memory.items() if size)
    console.print(f"memory      about {_megabytes(sum(found.memory.values()))} ({parts})")
    console.print(f"one step    {found.round_seconds * 1000:.1f} ms")
    console.print(f"duration    about {duration(found.total_seconds)} for {training.steps:,} steps")
    settings = [f"{o.name} {o.default}" for v in (*recipe.resolve(chosen).values(), training) for o in rows(v)]
    console.print(f"options     {', '.join(settings)}")


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
