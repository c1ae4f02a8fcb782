"""`zerosum list [FOLDER]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from zerosum.cli.flags import parse
from zerosum.data import SOURCES
from zerosum.errors import ZerosumError
from zerosum.recipe import RECIPES
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint


@dataclass(frozen=True)
class Arguments:
    folder: Annotated[Positional[Path], arg(help="where to look for runs")] = Path("runs")


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "list", "The recipes, the known data sets, and the runs below a folder.")
    import zerosum.games  # noqa: F401  registers the recipes

    console = Console(highlight=False)
    recipes = _table("recipe", "data", "what it is")
    for name, recipe in sorted(RECIPES.items()):
        recipes.add_row(name, recipe.data, recipe.summary)
    console.print(recipes)
    console.print(f"\n[bold]data[/bold]  {', '.join(SOURCES)}, or a folder of images\n")
    found = sorted(path.parent for path in given.folder.glob("**/run.json"))
    if not found:
        console.print(f"no runs below {given.folder}")
        return
    runs = _table("run", "recipe", "data", "rounds", "begun")
    for path in found:
        runs.add_row(*_row(RunDirectory(path)))
    console.print(runs)


def _row(directory: RunDirectory) -> tuple[str, ...]:
    try:
        record = directory.read()
        saved = checkpoint.find(directory.checkpoints)
        played = checkpoint.step_of(saved[-1]) if saved else 0
    except ZerosumError as error:
        return str(directory.path), str(error), "", "", ""
    rounds = f"{played:,} of {record.training.steps:,}"
    return str(directory.path), record.recipe, record.data.name, rounds, record.created[:16].replace("T", " ")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
