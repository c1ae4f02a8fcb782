"""How `run.json` of older versions is brought to the format of this one, step by step."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from zerosum.games import RENAMED
from zerosum.util.formats import Document, Migrations, rename

# In place of a command line that would now train something else, or not run: from it a report works out the call.
PYTHON = "zerosum.train(...)"

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
        renamed["command"] = PYTHON
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
    return _mathematics(_of_old_wgan_gp(_r3gan_without_schedules(record))) | {"draw": "batches"}


def _of_old_wgan_gp(record: Document) -> Document:
    """WGAN-GP's residual blocks had no convolution on the shortcut, and G's batches were as large as the critic's."""
    if record["recipe"] not in ("wgan-gp/images", "wgan-gp/toy"):
        return record
    copy = deepcopy(record)
    copy["options"].setdefault("config", {})["generator_batches"] = 1
    if record["recipe"] == "wgan-gp/images":
        copy["options"].setdefault("network", {})["shortcut"] = "identity"
    return copy


def _from_3(record: Document) -> Document:
    """D moved before G, the papers' GAN and CGAN had one momentum, GAN's samples began anywhere, InfoGAN's networks
    were those of its table, and minibatch discrimination was not calibrated: old runs go on as they were.
    """
    before, record = record, deepcopy(record)
    recipe, options = record["recipe"], record["options"]
    if options.get("techniques", {}).get("minibatch_discrimination"):
        options["techniques"].setdefault("minibatch_calibrated", False)
    if recipe in ("gan/paper", "bigan/mnist"):
        options.setdefault("config", {}).setdefault("order", "alternating")
    if recipe == "gan/paper":
        options["config"].setdefault("initial_samples", 0)
    if recipe in ("gan/paper", "cgan/mnist"):
        for player in ("g_optimizer", "d_optimizer"):
            own = options.setdefault("config", {}).setdefault(player, {})
            if own.get("kind", "sgd") == "sgd":
                own.setdefault("momentum_end", None)
    if recipe == "infogan/mnist":
        options.setdefault("network", {}).setdefault("source", "table")
    return record if record == before else record | {"command": PYTHON}


def _mathematics(record: Document) -> Document:
    """What is new in how games compute: old runs go on as they were.

    Samplers said a temperature over N in one number, features were matched by the squared norm alone, D's first weights
    never followed the data, and the bad GAN's density counted in every Nth step.
    """
    options = _samplers(record["options"])
    game = record["recipe"].partition("/")[0]
    config, techniques = options.get("config"), options.get("techniques")
    if ":" not in record["recipe"] and game in ("sgan", "bad-gan") and config is not None:
        options["config"] = {"feature_distance": "squared-norm", "initial_images": 0, **config}
        if game == "bad-gan":
            options["config"] = {"density_random": False, **options["config"]}
    if techniques is not None and techniques.get("feature_matching"):
        options["techniques"] = {"feature_distance": "squared-norm", **techniques}
    return record | {"options": options}


def _samplers(tree: Any) -> Any:
    """A copy of nested options in which SGHMC's temperature t is 1 of 1/t data points; one of 0 had no prior."""
    if not isinstance(tree, dict):
        return tree
    copy = {name: _samplers(value) for name, value in tree.items()}
    if copy.get("kind") == "sghmc" and "temperature" in copy and "data_points" not in copy:
        points = round(1 / copy["temperature"]) if copy["temperature"] else 10**12
        points = max(points, 1)
        copy |= {"temperature": copy["temperature"] * points, "data_points": points}
    return copy


def _r3gan_without_schedules(record: Document) -> Document:
    """R3GAN of format 2: every number was constant, nothing was augmented, and D halved by means of 2x2 pixels."""
    if record["recipe"].partition("/")[0] != "r3gan":
        return record
    options = {name: dict(values) for name, values in record["options"].items()}
    config = options.setdefault("config", {})
    optimizer = {"kind": "adam", **config.get("optimizer", {})}
    if optimizer["kind"] == "adam":
        decay = {"shape": "constant", **optimizer.get("decay", {}), "images": None}
        optimizer |= {"decay": decay, "beta2_start": None}
    constant = {"gamma_decay": {"start": 1.0, "end": 1.0}, "augment": {"start": 0.0, "end": 0.0}}
    options["config"] = {"gamma": 1.0, **config, **constant, "optimizer": optimizer}
    if "network" in options:
        options["network"]["halving"] = "mean"
    return record | {"options": options}


def _path(option: str) -> str:
    return option if option.startswith("training.") else f"options.{option}"


MIGRATIONS: Migrations = {1: _from_1, 2: _from_2, 3: _from_3}
