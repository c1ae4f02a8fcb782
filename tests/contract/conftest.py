"""A game for every recipe, small enough to play a round in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zerosum.games  # noqa: F401  registers the recipes
from zerosum.data import Stream
from zerosum.data.dataset import Dataset, dataset
from zerosum.game import Condition, Game, Labelled, Semi, Shape
from zerosum.recipe import RECIPES, Recipe, Training
from zerosum.training.trainer import Trainer

POINTS = ("ring", "grid", "swiss-roll", "moons", "gaussians")
SMALL = {"width": 8, "widths": (16, 8)}  # of the option class `network`, where a recipe has one
PLAIN = {"noise": {"std": 0.0}, "consistency": {"weight": 0.0}}  # of `config`: D sees samples as they are
BATCH = 4
CLASSES = ("a", "b", "c")


class Case:
    """One recipe and how to build and feed it."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.shape: Shape = (2,) if recipe.data.partition(":")[0] in POINTS else (1, 12, 12)
        network = recipe.options.get("network")
        self.options = {"network": {k: v for k, v in SMALL.items() if hasattr(network, k)}} if network else {}
        config = recipe.options.get("config")
        self.own = {field.name for field in fields(config)} if config else set()  # options of the game's config
        self.packs = "packing" in self.own and config.packing > 1  # D judges no single samples

    def plain(self) -> Game[Any]:
        """The game without noise on what D sees, and without views of it."""
        plain = Case(self.recipe)
        plain.options = {**self.options, "config": {k: v for k, v in PLAIN.items() if k in self.own}}
        return plain.game()

    def game(self, shape: Shape | None = None) -> Game[Any]:
        condition = Condition(len(CLASSES)) if self.recipe.labelled else None
        return self.recipe.build(shape or self.shape, self.options, condition)

    def batch(self, shape: Shape | None = None, device: str = "cpu") -> Any:
        """What a round draws."""
        x, more = (torch.rand(BATCH, *(shape or self.shape), device=device) * 2 - 1 for _ in range(2))
        y = torch.arange(BATCH, device=device) % len(CLASSES)
        return {Labelled: Labelled(x, y), Semi: Semi(x, y, unlabelled=more)}.get(self.recipe.batch, x)

    def like(self, game: Game[Any], shape: Shape | None = None, device: str = "cpu") -> Any:
        """What samples are asked for by."""
        x = torch.rand(BATCH, *(shape or self.shape), device=device) * 2 - 1
        y = torch.arange(BATCH, device=device) % len(CLASSES)
        return Labelled(x, y) if game.condition else x

    def data(self) -> Dataset:
        generator = torch.Generator().manual_seed(7)
        if len(self.shape) == 3:
            x = torch.randint(256, (11, *self.shape), generator=generator, dtype=torch.uint8)
        else:
            x = torch.randn(11, *self.shape, generator=generator)
        if not self.recipe.labelled:
            return dataset("eleven", x)
        labels = torch.arange(11) % len(CLASSES)
        if self.recipe.batch is Semi:
            labels[[2, 5]] = -1  # the others are enough for the monitor, which looks at classes of four samples
        return dataset("eleven", x, labels, CLASSES)

    def trainer(self, **training: Any) -> Trainer:
        stream = Stream(self.data(), BATCH, seed=1, batch=self.recipe.batch)
        settings = {"steps": 100, "batch_size": BATCH, "average": 0.9, "precision": "fp32", **training}
        return Trainer(self.game(), stream, Training(**settings))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", [Case(r) for r in RECIPES.values()], ids=list(RECIPES))


@pytest.fixture
def case_of() -> Callable[[str], Case]:
    return lambda name: Case(RECIPES[name])


@pytest.fixture
def every_op() -> Callable[..., Any]:
    return OnlyOn


class OnlyOn(torch.utils._python_dispatch.TorchDispatchMode):
    """Fails at the first operation that makes a tensor (not a single number) on another device."""

    def __init__(self, device: str):
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            assert tensor.dim() == 0 or tensor.device.type == self.device, (
                f"{function} made a tensor on {tensor.device}"
            )
        return out


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _tensors(inner)


@pytest.fixture
def small_trainer() -> Callable[..., Trainer]:
    """A trainer of `gan/toy`; `edit` may change its game first."""

    def make(edit: Callable[[nn.Module], None] = lambda game: None, **training: Any) -> Trainer:
        case = Case(RECIPES["gan/toy"])
        game = case.game()
        edit(game)
        settings = {"steps": 100, "batch_size": BATCH, "average": 0.9, "precision": "fp32", **training}
        return Trainer(game, Stream(case.data(), BATCH, seed=1), Training(**settings))

    return make
