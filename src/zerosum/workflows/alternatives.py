"""Where a training would take long: what else could be trained on the data, with durations that are measured here."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from zerosum.data.dataset import Dataset
from zerosum.data.stream import Stream
from zerosum.errors import ZerosumError
from zerosum.modality import Image
from zerosum.recipe import RECIPES, Recipe, Training
from zerosum.roles import CANNOT
from zerosum.training.estimate import pace_of
from zerosum.training.trainer import Trainer
from zerosum.util import rng
from zerosum.workflows.session import DAY, ON_CPU

MOST = 3  # of them that are named
PROBE = 1.5  # seconds that each is measured for, at most
POINTS = ("ring", "grid", "moons")  # recipes for these are no recipes for images
SIDES = (128, 64, 32)  # of smaller images, in pixels, that are tried


class Alternative(NamedTuple):
    """What fits: another recipe, or the same one on smaller images."""

    recipe: Recipe
    size: tuple[int, int] | None  # (H, W), where it is other than that of the data
    steps: int
    seconds: float  # of the whole training


def alternatives(
    asked: Recipe,
    training: Training,
    options: dict[str, Any],
    data: Dataset,
    device: torch.device,
    patience: float,
) -> list[Alternative]:
    """At most `MOST` trainings of at most a `DAY` on this data, each timed here, found within about `patience` seconds.

    They are of recipes that draw and can do what the asked one does, and of that one on smaller images.

    Args:
        data: as the asked recipe learns from it.
    """
    ends, found = time.monotonic() + patience, list[Alternative]()
    for recipe, settings, chosen, size in _candidates(asked, training, options, data):
        if any(recipe is other.recipe for other in found):
            continue
        if len(found) == MOST or time.monotonic() > ends:
            break
        # What cannot be built for this data, or played, is no alternative.
        with suppress(ZerosumError, ValueError, RuntimeError), rng.fork_rng(device):
            pace = pace_of(_trainer(recipe, settings, chosen, data, size, device), min(PROBE, patience))
            seconds = pace.seconds * settings.steps
            if seconds <= DAY:
                found.append(Alternative(recipe, size, settings.steps, seconds))
    return found


def steps_in_a_day(seconds: float) -> int:
    """Steps of so many seconds each that fit into a day, in two digits."""
    steps = DAY / seconds
    digits = 10 ** max(0, math.floor(math.log10(max(steps, 1))) - 1)
    return int(steps // digits * digits)


def _candidates(
    asked: Recipe, training: Training, options: dict[str, Any], data: Dataset
) -> Iterator[tuple[Recipe, Training, dict[str, Any], tuple[int, int] | None]]:
    """In the order in which they are looked at: the default on a CPU, the asked recipe on smaller images, other recipes
    of its game, those of the game of that default, and all others.
    """
    roles = {role for role in CANNOT if issubclass(asked.game, role)}
    usual = RECIPES[ON_CPU]
    others = [r for r in RECIPES.values() if r.batch is asked.batch and r.name != asked.name]
    if isinstance(data.modality, Image):
        others = [r for r in others if r.data not in POINTS]
    others = [r for r in others if roles <= {role for role in CANNOT if issubclass(r.game, role)}]
    others.sort(key=lambda r: (r is not usual, r.game is not asked.game, r.game is not usual.game))
    sizes = _smaller(data)
    for recipe in others:
        own = [smaller for smaller in sizes if recipe.side and max(smaller) <= recipe.side][:1]
        yield recipe, recipe.training, {}, own[0] if own else None
        if recipe is usual:
            yield from ((asked, training, options, smaller) for smaller in sizes)


def _smaller(data: Dataset) -> list[tuple[int, int]]:
    """(H, W) of smaller images; none of other data."""
    if not isinstance(data.modality, Image):
        return []
    height, width = data.modality.size
    factors = [side / max(height, width) for side in SIDES if side < max(height, width)]
    return [(max(1, round(height * factor)), max(1, round(width * factor))) for factor in factors]


def _trainer(
    recipe: Recipe,
    training: Training,
    options: dict[str, Any],
    data: Dataset,
    size: tuple[int, int] | None,
    device: torch.device,
) -> Trainer:
    """A trainer of this recipe on the first samples, enough of them for two batches."""
    count = 2 * training.batch_size
    few = replace(data, fields={name: field.at(slice(count)) for name, field in data.fields.items()})
    if size is not None and isinstance(data.modality, Image):
        small = F.interpolate(few.x.float(), size, mode="area").to(torch.uint8)
        few = few.with_samples(Image(data.modality.channels, *size), small, data.fingerprint)
    game = recipe.build(few.spec, options)
    stream = Stream(few, training.batch_size, seed=training.seed, device=device, batch=recipe.batch)
    return Trainer(game, stream, training, device)
