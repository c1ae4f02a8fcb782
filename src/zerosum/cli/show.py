"""`zerosum show RECIPE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from zerosum.cli.flags import parse
from zerosum.options import Option, rows
from zerosum.recipe import Recipe, find


@dataclass(frozen=True)
class Arguments:
    recipe: Annotated[Positional[str], arg(help="a recipe, as `zerosum list` names it, or FILE.py:FUNCTION")]


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "show", "Every option of a recipe, with its source and default.")
    recipe = find(given.recipe)
    console = Console(highlight=False)
    console.print(f"[bold]{recipe.name}[/bold]  {recipe.summary}\nTrains on {recipe.data} unless told otherwise.\n")
    table = Table(box=None, pad_edge=False)
    for column in ("flag", "type", "default", "source"):
        table.add_column(column, overflow="fold", no_wrap=column == "flag")
    table.add_column("meaning", overflow="fold", min_width=20)
    for option in options(recipe):
        default = "none" if option.default is None else str(option.default)
        flag = f"--{option.name.replace('_', '-')}"
        table.add_row(flag, option.type, default, option.source, option.help)
    console.print(table)


def options(recipe: Recipe) -> list[Option]:
    """All options of a recipe, as flags name them."""
    first, *others = recipe.options
    found = [*rows(recipe.options[first]), *(o for name in others for o in rows(recipe.options[name], f"{name}."))]
    return [*found, *rows(recipe.training)]
