"""`zerosum train ... --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zerosum.options import rows
from zerosum.recipe import Recipe
from zerosum.training.estimate import estimate
from zerosum.util.console import output
from zerosum.util.text import duration
from zerosum.workflows.notes import data_notes
from zerosum.workflows.train import prepare, split


def show_plan(
    recipe: Recipe,
    options: Mapping[str, Any],
    name: str,
    size: int | tuple[int, int] | None,
    labels: int | None,
    data_dir: Path | None,
    device: str | None,
) -> None:
    """Print the resolved run; nothing is written."""
    training, chosen = split(recipe, options)
    trainer, loaded, record, whole = prepare(
        recipe, training, chosen, name, size, data_dir, device, quiet=False, labels=labels
    )
    console = output()
    console.print(f"recipe      {record.recipe}: {record.summary.splitlines()[0]}")
    console.print(f"data        {name}: {len(loaded):,} samples, fingerprint {loaded.fingerprint}")
    for line in data_notes(recipe, whole, loaded, labels):
        console.print(f"            {line}")
    console.print(f"shape       {' x '.join(map(str, loaded.shape))}, batches of {training.batch_size}")
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
