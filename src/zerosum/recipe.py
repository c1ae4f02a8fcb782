"""Recipes: a game, its networks and its training settings under one name.

A recipe is a function from a sample's shape, and options, to a game:

    @recipe(data="mnist", batch_size=64, steps=40_000)
    def mnist(shape: Shape, config: WGANGP.Config = WGANGP.Config()) -> WGANGP: ...

registers "wgan-gp/mnist". Each parameter after `shape` is a frozen dataclass whose fields are flags: the first one's at
the top level (`--critic-steps`), a further one's under its name (`--network.width`). Every recipe takes `techniques`,
too (`--techniques.feature-matching`).
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from annotated_types import Ge, Gt, Lt

from zerosum.errors import ZerosumError
from zerosum.game import Condition, Game, Labelled, Semi, Shape
from zerosum.options import parse
from zerosum.techniques import Techniques
from zerosum.techniques.apply import with_techniques

TECHNIQUES = "techniques"  # the parameter that every recipe has


@dataclass(frozen=True)
class Training:
    """How any game is trained: what the trainer and its hooks need to know."""

    steps: Annotated[int, Gt(0), "rounds to play"] = 10_000
    batch_size: Annotated[int, Gt(0), "samples in a batch"] = 64
    seed: Annotated[int, Ge(0), "of weights, noise and the order of the data"] = 0
    average: Annotated[float, Ge(0), Lt(1), "decay of the averaged weights a round; 0 keeps none"] = 0.999
    precision: Annotated[Literal["auto", "fp32", "bf16"], "auto: bf16 where the processor is fast at it"] = "auto"
    clip: Annotated[float | None, Gt(0), "largest norm of a player's gradient"] = None
    flip: Annotated[bool, "mirror images left to right at random"] = False
    truncation: Annotated[
        float | None, Gt(0), "samples keep z within this many standard deviations: typical ones, less variety"
    ] = None
    health: Annotated[bool, "watch the vital signs, and say when training fails"] = True
    graphs: Annotated[bool, "on a GPU, record rounds that repeat as CUDA graphs, and replay them"] = True
    retries: Annotated[int, Ge(0), "rollbacks after a divergence, each with half the learning rates"] = 3
    log_every: Annotated[int, Gt(0), "rounds between lines of metrics.jsonl"] = 50
    sample_every: Annotated[int, Gt(0), "rounds between sample pictures"] = 500
    checkpoint_every: Annotated[int, Gt(0), "rounds between checkpoints"] = 1000
    keep: Annotated[int, Gt(0), "checkpoints to keep"] = 3


@dataclass(frozen=True)
class Recipe:
    """What `train` needs to know about a GAN."""

    name: str  # "wgan-gp/mnist", or "my_gan.py:mnist" from outside the package
    summary: str
    data: str  # where it trains unless told otherwise
    batch: type  # what the game draws
    training: Training
    options: Mapping[str, Any]  # parameter -> its default, a dataclass instance
    function: Callable[..., Game[Any]]
    source: str = ""  # sha256 of the file of a recipe from outside the package

    @property
    def labelled(self) -> bool:
        """Whether the game learns from classes or vectors."""
        return self.batch in (Labelled, Semi)

    @property
    def classifies(self) -> bool:
        """Whether the game learns a classifier, too."""
        learnt: bool = get_type_hints(self.function)["return"].classifier is not Game.classifier
        return learnt

    def build(
        self,
        shape: Shape,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        condition: Condition | None = None,
    ) -> Game[Any]:
        """The game for samples of `shape`; `options` are plain values by parameter, over the recipe's own.

        `condition` says what the labels of the data are, for a game that learns from them.
        """
        chosen = self.resolve(options or {})
        techniques = chosen.pop(TECHNIQUES)
        if not self.labelled:
            return with_techniques(self.function(shape, **chosen), techniques, shape)
        if condition is None:
            raise ValueError(f"{self.name} learns from classes: say how many there are, condition=Condition(10)")
        return with_techniques(self.function(shape, condition, **chosen), techniques, shape)

    def resolve(self, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Every parameter's dataclass, with `options` over the defaults; `OptionError` for what does not fit."""
        return {name: parse(default, options.get(name, {})) for name, default in self.options.items()}


RECIPES: dict[str, Recipe] = {}


def recipe(
    *, data: str, name: str | None = None, **training: Any
) -> Callable[[Callable[..., Game[Any]]], Callable[..., Game[Any]]]:
    """Register a function as the recipe "game/function"; `training` are fields of `Training`."""

    def register(function: Callable[..., Game[Any]]) -> Callable[..., Game[Any]]:
        game = get_type_hints(function).get("return")
        if game is Game or not (isinstance(game, type) and issubclass(game, Game)):  # Game[Any] is no class
            raise ValueError(f"the recipe {function.__name__!r} must say which game it returns: -> MyGAN")
        _, *parameters = inspect.signature(function).parameters.values()
        if game.batch in (Labelled, Semi):
            if not parameters or parameters[0].name != "condition":
                raise ValueError(f"the recipe {function.__name__!r} of a game of classes takes (shape, condition, ...)")
            parameters = parameters[1:]
        for p in parameters:
            if not is_dataclass(p.default):
                raise ValueError(f"the recipe {function.__name__!r} needs a default for {p.name!r}: a frozen dataclass")
            if p.name == TECHNIQUES:
                raise ValueError(f"{TECHNIQUES!r} is added to every recipe; call that parameter otherwise")
        made = Recipe(
            name=name or f"{game.name}/{function.__name__.replace('_', '-')}",
            summary=inspect.getdoc(function) or (inspect.getdoc(game) or "").split("\n")[0],
            data=data,
            batch=game.batch,
            training=parse(Training(), training),
            options={p.name: p.default for p in parameters} | {TECHNIQUES: Techniques()},
            function=function,
        )
        if made.name in RECIPES:
            raise ValueError(f"two recipes are called {made.name!r}")
        RECIPES[made.name] = made
        return function

    return register


def find(name: str) -> Recipe:
    """The recipe called `name`: "wgan-gp/mnist", a unique end ("dcgan"), a game's first ("wgan-gp"), "my_gan.py:mnist".

    Raises `ZerosumError` with the nearest names where there is none.
    """
    path, colon, own = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), own)
    import zerosum.games  # noqa: F401  registers the recipes of the package

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
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ZerosumError(f"cannot read {path}: {error.strerror}; give a Python file as FILE.py:FUNCTION") from None
    import zerosum.games  # noqa: F401  so that only the file's own recipes are new

    before = RECIPES.copy()
    RECIPES.clear()  # a copy of one of the package's files may be edited and run beside it
    spec = importlib.util.spec_from_file_location(f"zerosum_file_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ZerosumError(f"{path} does not run: {type(error).__name__}: {error}") from error
    finally:
        found = {r.function.__name__: r for r in RECIPES.values()}
        RECIPES.clear()
        RECIPES.update(before)
    if own not in found:
        names = ", ".join(found) or "none; decorate a function with @recipe(data=...)"
        raise ZerosumError(f"{path} has no recipe {own!r}; its recipes: {names}")
    return replace(found[own], name=f"{path}:{own}", source=hashlib.sha256(source).hexdigest())
