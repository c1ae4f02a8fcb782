"""Start-up notes on the data: classes and counts, and which labels the game will not use."""

from __future__ import annotations

import torch

from zerosum.batches import Labelled, PartlyLabelled
from zerosum.data import Dataset
from zerosum.data.check import labels
from zerosum.games import RECIPES
from zerosum.modality import Spec
from zerosum.recipe import Recipe
from zerosum.util import rng
from zerosum.util.text import abbreviate


def data_notes(recipe: Recipe, whole: Dataset, loaded: Dataset, kept: int | None = None) -> list[str]:
    """Lines about the labels of data.

    Args:
        whole: with all labels that there are.
        loaded: as the recipe learns from it.
        kept: how many labels were kept, where not all were.
    """
    if not recipe.labelled:
        return [*labels(whole), *_ignored(recipe, whole)]
    lines = labels(loaded)
    if kept is not None and whole.y is not None:
        known = int((whole.y >= 0).sum())
        lines.append(f"labels: {kept:,} of {known:,} kept, as many of each class, by the seed")
    left = int((loaded.y < 0).sum()) if loaded.y is not None else 0
    if left and recipe.batch is Labelled:
        note = f"note: {recipe.name} learns from the {len(loaded) - left:,} labelled samples alone"
        users = fitting(loaded, PartlyLabelled)
        lines.append(f"{note}; {', '.join(abbreviate(users))} would use the {left:,} others too" if users else note)
    if loaded.y is not None and loaded.vectors is not None:
        lines.append(f"note: {recipe.name} uses the classes of {loaded.name} and not its vectors, as it has both")
    return lines


def _ignored(recipe: Recipe, whole: Dataset) -> list[str]:
    if whole.condition is None:
        return []
    what = f"{len(whole.classes)} classes" if whole.classes else "vectors"
    note = f"note: {recipe.name} does not use the {what} of {whole.name}"
    users = fitting(whole, Labelled, PartlyLabelled)
    return [f"{note}; {', '.join(abbreviate(users))} would" if users else note]


def fitting(data: Dataset, *batches: type) -> list[str]:
    """Of each game of the package that draws one of `batches`, a recipe that can learn the labels of such data."""
    found: dict[str, str] = {}
    for recipe in sorted(RECIPES.values(), key=lambda recipe: recipe.data != data.name):  # those made for it first
        game = recipe.game.name
        if recipe.batch in batches and game not in found and _fits(recipe, data.spec):
            found[game] = recipe.name
    return sorted(found.values())


def _fits(recipe: Recipe, data: Spec) -> bool:
    try:
        with torch.device("meta"), rng.fork_rng(torch.device("cpu")):  # nothing is computed, nothing disturbed
            recipe.build(data)
    except ValueError:
        return False
    return True
