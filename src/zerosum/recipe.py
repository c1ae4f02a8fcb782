"""Recipes: a game, its networks and its training settings under one name.

A recipe is a function from the modalities of the data, and options, to a game:

    @recipe(data="mnist", batch_size=64, steps=40_000)
    def mnist(data: Spec, config: WGANGP.Config = WGANGP.Config()) -> WGANGP: ...

registers "wgan-gp/mnist". Each parameter after `data` is a frozen dataclass whose fields are flags: the first one's at
the top level (`--critic-steps`), a further one's under its name (`--network.width`). Every recipe takes `techniques`,
too (`--techniques.feature-matching`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

from annotated_types import Ge, Gt, Lt

from zerosum.batches import field_names
from zerosum.game import Game
from zerosum.modality import Spec
from zerosum.optim import NEVER, Cosine
from zerosum.optim.data_points import for_data
from zerosum.options import Checked, parse
from zerosum.techniques import NONE, Techniques
from zerosum.techniques.apply import with_techniques

TECHNIQUES = "techniques"  # the parameter that every recipe has
_rebuilding: ContextVar[bool] = ContextVar("_rebuilding", default=False)


@dataclass(frozen=True)
class Training(Checked):
    """How any game is trained: what the trainer and its hooks need to know."""

    steps: Annotated[int, Gt(0), "training steps (in one step every player moves)"] = 10_000
    batch_size: Annotated[int, Gt(0), "samples in a batch"] = 64
    seed: Annotated[int, Ge(0), Lt(2**63), "random seed for initialisation, noise and data order"] = 0
    average: Annotated[float, Ge(0), Lt(1), "EMA decay of the generator weights; 0 disables"] = 0.999
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], "numeric precision; auto: bf16 where the processor is fast at it"
    ] = "auto"
    clip: Annotated[float | None, Gt(0), "max gradient norm per player"] = None
    flip: Annotated[bool, "random horizontal flips of images"] = False
    truncation: Annotated[
        float | None, Gt(0), "truncate z of samples at this many standard deviations: typical samples, less variety"
    ] = None
    health: Annotated[bool, "monitor the training, and say when it fails"] = True
    graphs: Annotated[bool, "on a GPU, record repeating steps as CUDA graphs and replay them"] = True
    retries: Annotated[int, Ge(0), "rollbacks after a divergence, each halves the learning rates"] = 3
    log_every: Annotated[int, Gt(0), "steps between lines of metrics.jsonl"] = 50
    sample_every: Annotated[int, Gt(0), "steps between sample pictures"] = 500
    checkpoint_every: Annotated[int, Gt(0), "steps between checkpoints"] = 1000
    keep: Annotated[int, Gt(0), "checkpoints to keep"] = 3
    half_life: Annotated[
        Cosine, "half-life of the EMA weights in samples, in place of `average` where it is not 0 to 0"
    ] = NEVER


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
    side: int | None = None  # the longest side of images, in pixels, that it learns unless told a size
    drawn: bool = False  # whether images that are drawn at any size have that side, too
    milestones: Mapping[int, str] = field(default_factory=dict)  # after so many steps: what to expect of samples

    @property
    def labelled(self) -> bool:
        """Whether the game learns from classes or vectors."""
        return "y" in field_names(self.batch)

    @property
    def game(self) -> type[Game[Any]]:
        """The game that it builds."""
        found: type[Game[Any]] = get_type_hints(self.function)["return"]
        return found

    def build(self, data: Spec, options: Mapping[str, Mapping[str, Any]] | None = None) -> Game[Any]:
        """The game for data of these modalities; `options` are plain values by parameter, over the recipe's own.

        Raises:
            ValueError: the data has no field that the networks are built for, or of another kind.
        """
        chosen = self.resolve(options or {})
        if data.count is not None:
            chosen = {name: for_data(values, data.count) for name, values in chosen.items()}
        techniques = chosen.pop(TECHNIQUES)
        game = self.function(data, **chosen)
        if game.makes not in data.fields:
            raise ValueError(f"{game.name} makes {game.makes}, and the data has {', '.join(data)}; set `makes`")
        return with_techniques(game, techniques, data.fields[game.makes])

    def rebuild(self, data: Spec, options: Mapping[str, Mapping[str, Any]] | None = None) -> Game[Any]:
        """As `build`, of a run whose weights a checkpoint is to fill: files that options name may be gone, or others.

        Raises:
            ValueError: as `build`.
        """
        token = _rebuilding.set(True)
        try:
            return self.build(data, options)
        finally:
            _rebuilding.reset(token)

    def resolve(self, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Every parameter's dataclass, with `options` over the defaults; `OptionError` for what does not fit."""
        return {name: parse(default, options.get(name, {})) for name, default in self.options.items()}


RECIPES: dict[str, Recipe] = {}


def is_rebuilding() -> bool:
    """Whether the game that a recipe builds now gets all its weights from a checkpoint: then it reads none of files."""
    return _rebuilding.get()


def recipe(
    *,
    data: str,
    name: str | None = None,
    batch: type | None = None,
    techniques: Techniques = NONE,
    side: int | None = None,
    drawn: bool = False,
    milestones: Mapping[int, str] | None = None,
    **training: Any,
) -> Callable[[Callable[..., Game[Any]]], Callable[..., Game[Any]]]:
    """Register a function as the recipe "game/function"; `training` are fields of `Training`.

    Args:
        data: where it trains by default.
        name: if not "game/function".
        batch: what it draws, of a game that can draw several things.
        techniques: that it takes by default.
        side: the longest side of images, in pixels, that it learns unless told a size; by default any.
        drawn: whether data that is drawn at any size has that side, too, unless told a size.
        milestones: what to expect of its samples after so many steps.
    """

    def register(function: Callable[..., Game[Any]]) -> Callable[..., Game[Any]]:
        game = get_type_hints(function).get("return")
        if game is Game or not (isinstance(game, type) and issubclass(game, Game)):  # Game[Any] is no class
            raise ValueError(f"the recipe {function.__name__!r} must say which game it returns: -> MyGAN")
        first, *parameters = inspect.signature(function).parameters.values()
        if first.name != "data":
            raise ValueError(f"the recipe {function.__name__!r} takes (data: Spec, ...), and data.x.shape is the shape")
        for p in parameters:
            if not is_dataclass(p.default):
                raise ValueError(f"the recipe {function.__name__!r} needs a default for {p.name!r}: a frozen dataclass")
            if p.name == TECHNIQUES:
                raise ValueError(f"{TECHNIQUES!r} is added to every recipe; call that parameter otherwise")
        registered = Recipe(
            name=name or f"{game.name}/{function.__name__.replace('_', '-')}",
            summary=inspect.getdoc(function) or (inspect.getdoc(game) or "").split("\n")[0],
            data=data,
            batch=batch or game.batch,
            training=parse(Training(), training),
            options={p.name: p.default for p in parameters} | {TECHNIQUES: techniques},
            function=function,
            side=side,
            drawn=drawn,
            milestones=milestones or {},
        )
        if registered.name in RECIPES:
            raise ValueError(f"two recipes are called {registered.name!r}")
        RECIPES[registered.name] = registered
        return function

    return register
