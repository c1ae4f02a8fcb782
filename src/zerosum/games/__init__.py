"""Every game of the package, and `find`, which knows their recipes by name. This is the only list of games."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from zerosum.errors import ZerosumError
from zerosum.games import (
    acgan,
    advgan,
    bad_gan,
    bayesian,
    bayesian_sgan,
    began,
    bigan,
    cgan,
    cyclegan,
    dann,
    dialogue,
    driving_simulator,
    gail,
    gan,
    gan_int_cls,
    infogan,
    latent_regressor,
    loss_sensitive,
    malgan,
    pix2pix,
    r3gan,
    reinforced,
    seqgan,
    sgan,
    simgan,
    srgan,
    stackgan,
    stgan,
    textgan,
    two_player,
    unrolled,
    wgan,
    wgan_gp,
)
from zerosum.recipe import RECIPES, Recipe
from zerosum.util import blame, checks

__all__ = [
    "RECIPES",
    "RENAMED",
    "acgan",
    "advgan",
    "bad_gan",
    "bayesian",
    "bayesian_sgan",
    "began",
    "bigan",
    "cgan",
    "cyclegan",
    "dann",
    "dialogue",
    "driving_simulator",
    "find",
    "gail",
    "gan",
    "gan_int_cls",
    "infogan",
    "latent_regressor",
    "loss_sensitive",
    "malgan",
    "pix2pix",
    "r3gan",
    "reinforced",
    "run_file",
    "seqgan",
    "sgan",
    "simgan",
    "srgan",
    "stackgan",
    "stgan",
    "textgan",
    "two_player",
    "unrolled",
    "wgan",
    "wgan_gp",
]

# What recipes were called before: these names go on working, on the command line and in old runs.
RENAMED = {
    **{f"composed/{name}": name for name in two_player.NAMED},
    **{f"composed/{name}": f"two-player/{name}" for name in ("toy", "grid")},
    **{f"ls-gan/{name}": f"loss-sensitive/{name}" for name in ("images", "toy")},
    "conditional-r3gan/images": "r3gan/classes",
    "conditional-r3gan/toy": "r3gan/toy-classes",
}


def find(name: str) -> Recipe:
    """The recipe called `name`: "wgan-gp/mnist", a unique end ("dcgan"), a game's first ("wgan-gp"), "my_gan.py:mnist".

    Raises `ZerosumError` with the nearest names where there is none.
    """
    path, colon, own = checks.text("recipe", name).rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), own)
    name = RENAMED.get(name, name)
    if name in RECIPES:
        return RECIPES[name]
    ends = [r for r in RECIPES.values() if r.name.split("/")[-1] == name]
    firsts = [r for r in RECIPES.values() if r.name.split("/")[0] == name]
    if firsts or len(ends) == 1:
        return (firsts or ends)[0]
    if ends:
        raise ZerosumError(f"several recipes are called {name!r}: {', '.join(r.name for r in ends)}")
    if name.endswith(".py"):
        raise ZerosumError(f"{name} may hold several recipes; name one as {name}:FUNCTION")
    words = sorted({*RECIPES, *(part for known in RECIPES for part in known.split("/"))})
    close = difflib.get_close_matches(name, words, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "`zerosum list` shows them all."
    raise ZerosumError(f"there is no recipe {name!r}; {hint}")


def _from_file(path: Path, own: str) -> Recipe:
    """Run a file of the user's and take the recipe that its function `own` registered."""
    _, found, source = run_file(path)
    if own not in found:
        names = ", ".join(found) or "none; decorate a function with @recipe(data=...)"
        raise ZerosumError(f"{path} has no recipe {own!r}; its recipes: {names}")
    return replace(found[own], name=f"{path}:{own}", source=source)


def run_file(path: Path) -> tuple[ModuleType, dict[str, Recipe], str]:
    """Run a file of the user's: its module, its recipes by the names of their functions, and its sha256.

    Raises:
        ZerosumError: it cannot be read, or does not run; the message has its line.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ZerosumError(f"cannot read {path}: {error.strerror}; give a Python file as FILE.py:FUNCTION") from None
    before = RECIPES.copy()
    RECIPES.clear()  # a copy of one of the package's files may be edited and run beside it
    spec = importlib.util.spec_from_file_location(f"zerosum_file_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ZerosumError(f"{path} does not run: {blame.sentence(error)}") from error
    finally:
        found = {r.function.__name__: r for r in RECIPES.values()}
        RECIPES.clear()
        RECIPES.update(before)
    return module, found, hashlib.sha256(source).hexdigest()
