"""`zerosum train ... --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerosum.data.check import counted_samples
from zerosum.options import rows
from zerosum.recipe import Recipe
from zerosum.training.estimate import estimate
from zerosum.util.console import output
from zerosum.util.text import duration
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.train import split


def show_plan(recipe: Recipe, options: Mapping[str, Any], wanted: DataChoice, device: str | None) -> None:
    """Print the resolved run; nothing is written."""
    training, chosen = split(recipe, options)
    trainer, data, record, notes = prepare(recipe, training, chosen, wanted, device, quiet=False)
    console = output()
    console.print(f"recipe      {record.recipe}: {record.summary.splitlines()[0]}")
    console.print(f"data        {wanted.name}: {counted_samples(data)}, fingerprint {data.fingerprint}")
    for line in notes:
        console.print(f"            {line}")
    console.print(f"batch size  {training.batch_size}")
    for player, count in record.players.items():
        console.print(f"player      {player}: {count:,} parameters")
    console.print(f"device      {record.device}, {record.precision}")
    found = estimate(trainer)
    parts = ", ".join(f"{what} {_megabytes(size)}" for what, size in found.memory.items() if size)
    console.print(f"memory      about {_megabytes(sum(found.memory.values()))} ({parts})")
    console.print(f"one step    {found.round_seconds * 1000:.1f} ms")
    console.print(f"duration    about {duration(found.total_seconds)} for {training.steps:,} steps")
    settings = [f"{o.name} {o.default}" for v in (*recipe.resolve(chosen).values(), training) for o in rows(v)]
    console.print(f"options     {', '.join(settings)}")


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
