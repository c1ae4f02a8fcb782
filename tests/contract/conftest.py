"""A game for every recipe, small enough to play a round in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from new_kinds import COLLECTIONS, COPIER, PAIRS
from torch import Tensor, nn

from zerosum.batches import PartlyLabelled, field_names
from zerosum.data import Stream
from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.game import Game
from zerosum.games import RECIPES, find
from zerosum.modality import Classes, Image, Lengths, Modality, Points, Shape, Spec, Tokens
from zerosum.recipe import Recipe, Training
from zerosum.roles import Generates, Translates, has_role, in_role
from zerosum.training.trainer import Trainer

POINTS = ("ring", "grid", "swiss-roll", "moons", "gaussians")
SMALL = {
    "width": 8,
    "widths": (16, 8),
    "g_width": 4,
    "d_width": 4,
}  # of the option class `network`, where a recipe has one
PLAIN = {"noise": {"std": 0.0}, "consistency": {"weight": 0.0}}  # of `config`: D sees samples as they are
BATCH, ROWS = 4, 11
CLASSES = ("a", "b", "c")
TOKENS = Tokens(("<unk>", "<eos>", "x", "y"), 5)
IMAGES = (1, 12, 12)
# Games of further kinds of data: what is asked of every recipe is asked of them.
OTHERS = {f"support/{Path(where).name}": where for where in (COPIER, PAIRS, COLLECTIONS)}


class Case:
    """One recipe and how to build and feed it."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.shape: Shape = (2,) if recipe.data.partition(":")[0] in POINTS else IMAGES
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

    def spec(self, shape: Shape | None = None) -> Spec:
        """The modalities of data that the game draws."""
        shape = shape or self.shape
        samples: Modality = Image(*shape) if len(shape) == 3 else Points(*shape)
        known = {"y": Classes(CLASSES), "ids": TOKENS, "lengths": Lengths(TOKENS.length)}
        names = [name for name in field_names(self.recipe.batch) if name != "unlabelled"]  # which are the same samples
        return Spec({name: known.get(name, samples) for name in names}, count=100)

    def game(self, shape: Shape | None = None) -> Game[Any]:
        return self.recipe.build(self.spec(shape), self.options)

    def batch(self, shape: Shape | None = None, device: str = "cpu") -> Any:
        """What a round draws."""
        spec = self.spec(shape)
        seed = int(torch.randint(2**31, (), device="cpu"))
        drawn = _drawn(spec, BATCH, seed)
        if self.recipe.batch is PartlyLabelled:
            drawn["unlabelled"] = _drawn(spec, BATCH, seed + 1)["x"]
        modalities = {**spec.fields, "unlabelled": spec.fields.get("x")}
        loaded = [modalities[n].load(drawn[n]).to(device) for n in field_names(self.recipe.batch)]
        return loaded[0] if self.recipe.batch is Tensor else self.recipe.batch(*loaded)

    def z(self, game: Game[Any], device: str = "cpu") -> Tensor:
        """(BATCH, dim) points of a game that generates."""
        return in_role(game, Generates).prior.draw(BATCH, device)

    def y(self, game: Game[Any], device: str = "cpu") -> Tensor | None:
        """(BATCH,) the classes that its samples are asked for; None where there is no condition."""
        return None if in_role(game, Generates).condition is None else torch.arange(BATCH, device=device) % len(CLASSES)

    def samples(self, game: Game[Any], batch: Any, device: str = "cpu") -> Tensor:
        """What the game makes: of points drawn from its prior, or of the field "a" of a batch."""
        if has_role(game, Translates):
            return in_role(game, Translates).translate(batch.a)
        return in_role(game, Generates).generate(self.z(game, device), self.y(game, device))

    def data(self) -> Dataset:
        spec = self.spec()
        stored = _drawn(spec, ROWS, 7)
        if self.recipe.batch is PartlyLabelled:
            stored["y"][[2, 5]] = -1  # the others are enough for the monitor, which looks at classes of four samples
        return dataset_of("eleven", {name: Field(spec.fields[name], x) for name, x in stored.items()})

    def trainer(self, **training: Any) -> Trainer:
        stream = Stream(self.data(), BATCH, seed=1, batch=self.recipe.batch)
        settings = {"steps": 100, "batch_size": BATCH, "average": 0.9, "precision": "fp32", **training}
        return Trainer(self.game(), stream, Training(**settings))


def _drawn(spec: Spec, count: int, seed: int) -> dict[str, Tensor]:
    """Random rows of each field, as they are stored; classes take turns."""
    generator, made = torch.Generator().manual_seed(seed), dict[str, Tensor]()
    for name, modality in spec.fields.items():
        if isinstance(modality, Classes):
            made[name] = torch.arange(count) % modality.size
        elif isinstance(modality, Lengths):
            made[name] = TOKENS.lengths(made["ids"])
        else:
            box = torch.tensor([[-1.0], [1.0]]).expand(2, modality.shape[-1])
            made[name] = modality.noise(count, generator, box)
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        every = RECIPES | {name: find(where) for name, where in OTHERS.items()}
        metafunc.parametrize("case", [Case(r) for r in every.values()], ids=list(every))


@pytest.fixture
def case_of() -> Callable[[str], Case]:
    return lambda name: Case(find(name))


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
        case = Case(find("gan/toy"))
        game = case.game()
        edit(game)
        settings = {"steps": 100, "batch_size": BATCH, "average": 0.9, "precision": "fp32", **training}
        return Trainer(game, Stream(case.data(), BATCH, seed=1), Training(**settings))

    return make
