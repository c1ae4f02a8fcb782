"""A game for every recipe, small enough to play a round in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from new_kinds import COLLECTIONS, COPIER, PAIRS
from torch import Tensor, nn

from zerosum.contract import case as contract
from zerosum.contract.watching import OnlyOn
from zerosum.data.dataset import Dataset
from zerosum.game import Game
from zerosum.games import RECIPES, find
from zerosum.games.srgan import SRGAN
from zerosum.modality import Behaviour, Image, Modality, Points, Shape, Sound, Spec, Video
from zerosum.recipe import Recipe
from zerosum.training.trainer import Trainer

POINTS = ("ring", "grid", "swiss-roll", "moons", "gaussians")
SMALL = {
    "width": 8,
    "widths": (16, 8),
    "g_width": 4,
    "d_width": 4,
    "generator_width": 8,
    "second_width": 4,
}  # of the option classes of networks, where a recipe has them
PLAIN = {"noise": {"std": 0.0}, "consistency": {"weight": 0.0}}  # of `config`: D sees samples as they are
# Of `config`: every player moves from the first round on, and few times; or all phases come within a few rounds.
BEGUN = {
    "pretrain_refiner": 0,
    "pretrain_discriminator": 0,
    "pretrain_generator": 0,
    "pretrain": 0,
    "d_steps": 1,
    "rollouts": 2,
    "encoder_steps": 3,
    "first_steps": 3,
    "pairs": 4,
    "clone_steps": 1,
    "classifier_steps": 3,
}
IMAGES = (1, 12, 12)
ENLARGED = 2  # how many times games for pairs of two sizes enlarge images
FILMS = 6  # frames of a film
SOUND = Sound(1, 300, 8000)
BEHAVIOUR = Behaviour("CartPole-v0", 4, 2, True, 200, terminated=0.5, absorbed=0.3)  # the quickest there is
TWO_PHASES = {"autoencoder_steps": 3, "start": 2, "free": 3}  # of `config`: both within a few rounds of short films
# Games of further kinds of data: what is asked of every recipe is asked of them.
OTHERS = {f"support/{Path(where).name}": where for where in (COPIER, PAIRS, COLLECTIONS)}


class Case:
    """One recipe and how to build and feed it."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.shape: Shape = (2,) if recipe.data.partition(":")[0] in POINTS else IMAGES
        self.options = {
            name: {k: v for k, v in SMALL.items() if hasattr(recipe.options[name], k)}
            for name in ("network", "patch", "judge")
            if name in recipe.options
        }
        self.films = recipe.data.startswith("scenes")
        if recipe.data.startswith("sounds"):
            self.shape = SOUND.shape
        self.behaves = recipe.data.startswith("demonstrations")
        if self.behaves:
            self.shape = BEHAVIOUR.shape
            self.options["moves"] = {"steps": 200, "epochs": 1, "minibatch": 100}
        if self.films:
            self.options["config"] = TWO_PHASES
        config = recipe.options.get("config")
        self.own = {field.name for field in fields(config)} if config else set()  # options of the game's config
        if begun := {k: v for k, v in BEGUN.items() if k in self.own}:
            self.options["config"] = begun
        self.packs = "packing" in self.own and config.packing > 1  # D judges no single samples

    def plain(self) -> Game[Any]:
        """The game without noise on what D sees, and without views of it."""
        plain = Case(self.recipe)
        plain.options = {**self.options, "config": {k: v for k, v in (PLAIN | BEGUN).items() if k in self.own}}
        return plain.game()

    def of(self, shape: Shape | None = None) -> contract.Case:
        """The case of the package, of samples of this shape."""
        shape = shape or self.shape
        kinds = {1: Points, 2: partial(Sound, rate=SOUND.rate), 3: partial(Video, FILMS) if self.films else Image}
        samples: Modality = BEHAVIOUR if self.behaves else kinds[len(shape)](*shape)
        fields = contract.fields(self.recipe.batch, samples)
        if issubclass(self.recipe.game, SRGAN):
            enlarged = Image(shape[0], *(ENLARGED * side for side in shape[1:]))
            fields = Spec({**fields.fields, "b": enlarged}, fields.count)
        return contract.Case(self.recipe, fields, self.options)

    def spec(self, shape: Shape | None = None) -> Spec:
        """The modalities of data that the game draws."""
        return self.of(shape).spec

    def game(self, shape: Shape | None = None) -> Game[Any]:
        return self.of(shape).game()

    def batch(self, shape: Shape | None = None, device: str = "cpu") -> Any:
        """What a round draws."""
        return self.of(shape).batch(device)

    def z(self, game: Game[Any], device: str = "cpu") -> Tensor:
        """(BATCH, dim) points of a game that generates."""
        return self.of().z(game, device)

    def y(self, game: Game[Any], device: str = "cpu") -> Tensor | None:
        """(BATCH,) the classes that its samples are asked for; None where there is no condition."""
        return self.of().y(game, device)

    def samples(self, game: Game[Any], batch: Any, device: str = "cpu") -> Tensor:
        """What the game makes: of points drawn from its prior, or of the field "a" of a batch."""
        return self.of().samples(game, batch, device)

    def data(self) -> Dataset:
        return self.of().data()

    def trainer(self, **training: Any) -> Trainer:
        return self.of().trainer(**training)


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


@pytest.fixture
def small_trainer() -> Callable[..., Trainer]:
    """A trainer of `gan/toy`; `edit` may change its game first."""

    def make(edit: Callable[[nn.Module], None] = lambda game: None, **training: Any) -> Trainer:
        case = Case(find("gan/toy"))
        game = case.game()
        edit(game)
        return case.of().trainer(game, **training)

    return make
