"""`zerosum show RECIPE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.cli.output import table
from zerosum.games import find
from zerosum.options import Option, rows
from zerosum.recipe import Recipe
from zerosum.util.console import output


@dataclass(frozen=True)
class Arguments:
    recipe: Annotated[
        Positional[str], flag("a recipe, as `zerosum list` names it, or FILE.py:FUNCTION", metavar="RECIPE")
    ]


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "show", "Every option of a recipe, with its source and default.")
    recipe = find(given.recipe)
    console = output()
    console.print(f"[bold]{recipe.name}[/bold]  {recipe.summary}\nTrains on {recipe.data} by default.\n")
    shown = table("flag", "default", "meaning")
    shown.columns[0].no_wrap = True
    for option in options(recipe):
        default = "none" if option.default is None else str(option.default)
        name, source = f"--{option.name.replace('_', '-')}", f" ({option.type}; {option.source})"
        shown.add_row(name, Text(default), Text(option.help).append(source, style="dim"))
    console.print(shown)


def options(recipe: Recipe) -> list[Option]:
    """All options of a recipe, as flags name them."""
    first, *others = recipe.options
    found = [*rows(recipe.options[first]), *(o for name in others for o in rows(recipe.options[name], f"{name}."))]
    return [*found, *rows(recipe.training)]
