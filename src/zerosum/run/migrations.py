"""How `run.json` of older versions is brought to the format of this one, step by step."""

from __future__ import annotations

from zerosum.util.formats import Document, Migrations, rename

# Format 1 -> 2. Old name of a recipe: new name.
RENAMED_RECIPES: dict[str, str] = {}
# By the game in a recipe's old name ("infogan"), or "*" for every recipe, its own or not: old dotted names of options,
# from the recipe's parameter on ("config.clusters.sure"): new ones. Names of `training` begin with "training.".
RENAMED_OPTIONS: dict[str, dict[str, str]] = {}


def _from_1(record: Document) -> Document:
    recipe: str = record["recipe"]
    game = "" if ":" in recipe else recipe.partition("/")[0]  # FILE.py:FUNCTION is of some game of its own
    names = RENAMED_OPTIONS.get("*", {}) | RENAMED_OPTIONS.get(game, {})
    renamed = rename(record, {_path(old): _path(new) for old, new in names.items()})
    renamed["recipe"] = RENAMED_RECIPES.get(recipe, recipe)
    # A command line in old words runs no more; from this one a report works out the call in Python.
    return renamed if renamed == record else renamed | {"command": "zerosum.train(...)"}


def _path(option: str) -> str:
    return option if option.startswith("training.") else f"options.{option}"


MIGRATIONS: Migrations = {1: _from_1}
