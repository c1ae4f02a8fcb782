"""How `run.json` of older versions is brought to the format of this one, step by step."""

from __future__ import annotations

from typing import Any

from zerosum.games import RENAMED
from zerosum.util.formats import Document, Migrations, rename

# Format 1 -> 2. By the game in a recipe's old name, or "*" for every recipe, its own or not: old dotted names of
# options, from the recipe's parameter on: new ones. Names of `training` begin with "training.".
RENAMED_OPTIONS: dict[str, dict[str, str]] = {
    "bad-gan": {"config.density_rounds": "config.density_steps"},
    "infogan": {
        "config.clusters.sure": "config.clusters.entropy_weight",
        "config.clusters.even": "config.clusters.balance_weight",
    },
}


def _from_1(record: Document) -> Document:
    recipe: str = record["recipe"]
    game = "" if ":" in recipe else recipe.partition("/")[0]  # FILE.py:FUNCTION is of some game of its own
    names = RENAMED_OPTIONS.get("*", {}) | RENAMED_OPTIONS.get(game, {})
    renamed = rename(record, {_path(old): _path(new) for old, new in names.items()})
    renamed["recipe"] = RENAMED.get(recipe, recipe)
    if renamed != record:
        # A command line in old words runs no more; from this one a report works out the call in Python.
        renamed["command"] = "zerosum.train(...)"
    return renamed | {"data": _fields(record["data"])}


def _fields(data: Document) -> Document:
    """Data of format 1 had samples with a shape, images or points, and perhaps classes or vectors."""
    kept = {name: value for name, value in data.items() if name not in ("shape", "classes", "conditions")}
    shape, classes, vectors = data["shape"], data["classes"], data.get("conditions", [])
    fields: dict[str, Any] = {}
    if len(shape) == 1:
        fields["x"] = {"kind": "points", "dim": shape[0]}
    else:
        channels, height, width = shape
        fields["x"] = {"kind": "image", "channels": channels, "height": height, "width": width}
    if classes:
        fields["y"] = {"kind": "classes", "names": classes}
    elif vectors:
        fields["y"] = {"kind": "vector", "size": len(vectors[0])}
    return kept | {"fields": fields, "vectors": vectors}


def _from_2(record: Document) -> Document:
    return _r3gan_without_schedules(record)


def _r3gan_without_schedules(record: Document) -> Document:
    """R3GAN of format 2: every number was constant, nothing was augmented, and D halved by means of 2x2 pixels."""
    if record["recipe"].partition("/")[0] != "r3gan":
        return record
    options = {name: dict(values) for name, values in record["options"].items()}
    config = options.setdefault("config", {})
    optimizer = {"kind": "adam", **config.get("optimizer", {})}
    if optimizer["kind"] == "adam":
        optimizer = {"decay": {"shape": "constant"}, **optimizer, "beta2_start": None}
    constant = {"gamma_decay": {"start": 1.0, "end": 1.0}, "augment": {"start": 0.0, "end": 0.0}}
    options["config"] = {"gamma": 1.0, **config, **constant, "optimizer": optimizer}
    if "network" in options:
        options["network"]["halving"] = "mean"
    return record | {"options": options}


def _path(option: str) -> str:
    return option if option.startswith("training.") else f"options.{option}"


MIGRATIONS: Migrations = {1: _from_1, 2: _from_2}
