"""`zerosum show RECIPE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from rich.console import Console
from rich.table import Table
from rich.text import Text
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
    for column in ("flag", "default", "meaning"):
        table.add_column(column, overflow="fold", no_wrap=column == "flag")
    for option in options(recipe):
        default = "none" if option.default is None else str(option.default)
        flag, source = f"--{option.name.replace('_', '-')}", f" ({option.type}; {option.source})"
        table.add_row(flag, Text(default), Text(option.help).append(source, style="dim"))
    console.print(table)


def options(recipe: Recipe) -> list[Option]:
    """All options of a recipe, as flags name them."""
    first, *others = recipe.options
    found = [*rows(recipe.options[first]), *(o for name in others for o in rows(recipe.options[name], f"{name}."))]
    return [*found, *rows(recipe.training)]
