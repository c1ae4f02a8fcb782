"""`zerosum list [FOLDER]`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.cli.output import table
from zerosum.data import SOURCES
from zerosum.data.sources import OF_FOLDERS, TWO
from zerosum.errors import ZerosumError
from zerosum.recipe import RECIPES, Recipe
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint
from zerosum.util.console import output


@dataclass(frozen=True)
class Arguments:
    folder: Annotated[Positional[Path], flag("where to look for runs", metavar="[FOLDER]")] = Path("runs")


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "list", "The recipes, the known data sets, and the runs below a folder.")
    import zerosum.games  # noqa: F401  registers the recipes

    console = output()
    recipes = table("recipe", "GAN", "paper", "data", "what for")
    for name, recipe in sorted(RECIPES.items()):
        gan, paper, purpose = described(recipe)
        recipes.add_row(name, gan, paper, recipe.data.partition(":")[0], purpose)
    console.print(recipes)
    forms = {name: f"{name}:{'A,B' if 'pair' in name else 'FOLDER'}" for name in OF_FOLDERS}
    forms |= {name: two.example for name, two in TWO.items()}
    known = ", ".join(forms.get(name, name) for name in SOURCES)
    files = "a folder of images, or a file (.npy, .npz, .txt: one text a line)"
    console.print(Text.assemble("\n", ("data", "bold"), f"  {known}, {files}\n"))
    found = sorted(path.parent for path in given.folder.glob("**/run.json"))
    if not found:
        console.print(f"no runs below {given.folder}")
        return
    runs = table("run", "recipe", "data", "steps", "started")
    for path in found:
        runs.add_row(*_row(RunDirectory(path)))
    console.print(runs)


def described(recipe: Recipe) -> tuple[str, str, str]:
    """(GAN, paper, what the recipe is for), by the docstrings of the recipe and of its game's module.

    Either may begin as "DCGAN; Radford et al., 2016: strided convolutions ..." does.
    """
    module = inspect.getdoc(sys.modules[recipe.function.__module__]) or ""
    for text in (recipe.summary, module):
        if head := re.match(r"([^;:,]+)[^;]*; ([^;:(]+?, \d{4})[:. ]*", text):
            purpose = recipe.summary.removeprefix(head[0]) or recipe.summary
            return head[1], head[2], purpose[0].upper() + purpose[1:]
    return re.split("[;:,.]", module)[0], "", recipe.summary


def _row(directory: RunDirectory) -> tuple[str, ...]:
    try:
        record = directory.read()
        newest = checkpoint.newest(directory.checkpoints)
        step = checkpoint.step_of(newest) if newest else 0
    except ZerosumError as error:
        return str(directory.path), str(error), "", "", ""
    steps = f"{step:,} of {record.training.steps:,}"
    return str(directory.path), record.recipe, record.data.name, steps, record.created[:16].replace("T", " ")
