"""Roles: a command asks a game for what it can do, and a game that cannot is refused in words."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Game, Player
from zerosum.games import RECIPES, find
from zerosum.latent import Normal
from zerosum.latent_game import LatentGame, TwoPlayerGame
from zerosum.modality import Classes, Image, Points, Spec, Vector
from zerosum.optim import Adam
from zerosum.roles import (
    CANNOT,
    Acts,
    Answers,
    Attacks,
    Classifies,
    Completes,
    Discriminates,
    Drafts,
    Encodes,
    Generates,
    Illustrates,
    Predicts,
    Translates,
    TranslatesBack,
    has_role,
    in_role,
)
from zerosum.techniques import Techniques
from zerosum.techniques.apply import with_techniques

AffinePair: Any = find(f"{Path(__file__).parent / 'support' / 'affine_pair.py'}:pairs").game
ROLES = (
    *(Generates, Illustrates, Drafts, Answers, Translates, TranslatesBack),
    *(Predicts, Acts, Completes, Classifies, Attacks, Discriminates, Encodes),
)
POINTS = Spec({"x": Points(2), "y": Classes.numbered(3)})


class Nothing(Game[Tensor]):
    """It plays, and can do nothing."""

    name = "nothing"

    def players(self) -> dict[str, Player]:
        return {}

    def round(self, draw: Any, step: int) -> Any:
        yield from ()


@pytest.mark.parametrize(("role", "sentence"), [
    (Generates, "nothing cannot generate from z; choose another recipe for that"),
    (Illustrates, "nothing draws nothing between texts; choose another recipe for that"),
    (Drafts, "nothing makes no smaller samples first; choose another recipe for that"),
    (Answers, "nothing answers no questions; choose another recipe for that"),
    (Translates, "nothing is not an image-to-image model; choose another recipe for that"),
    (TranslatesBack, "nothing does not translate in both directions; choose another recipe for that"),
    (Predicts, "nothing makes no films; choose another recipe for that"),
    (Acts, "nothing does not act in an environment; choose another recipe for that"),
    (Completes, "nothing completes no texts; choose another recipe for that"),
    (Classifies, "nothing learns no classifier; choose another recipe for that"),
    (Attacks, "nothing attacks no classifier; choose another recipe for that"),
    (Discriminates, "nothing has no discriminator that scores single samples; choose another recipe for that"),
    (Encodes, "nothing has no encoder; choose another recipe for that"),
])  # fmt: skip
def test_a_game_without_a_role_is_refused_in_a_sentence(role: type, sentence: str):
    assert not has_role(Nothing(), role)
    with pytest.raises(ZerosumError, match=f"^{re.escape(sentence)}$"):
        in_role(Nothing(), role)


def test_every_role_has_its_sentence():
    assert set(CANNOT) == set(ROLES)


def test_a_role_of_ones_own():
    class Sings(ABC):
        @abstractmethod
        def sing(self) -> str: ...

    class Singer(Nothing, Sings):
        name = "singer"

        def sing(self) -> str:
            return "la"

    assert in_role(Singer(), Sings).sing() == "la" and has_role(Singer(), Sings)
    with pytest.raises(ZerosumError, match=r"^nothing is no Sings; choose another recipe for that$"):
        in_role(Nothing(), Sings)


@pytest.mark.parametrize("role", ROLES)
def test_a_game_that_claims_a_role_must_fill_it(role: type):
    claimed = type("Claims", (Nothing, role), {})
    with pytest.raises(TypeError, match="abstract"):
        claimed()


@pytest.mark.parametrize(("name", "roles"), [
    ("gan/toy", {Generates, Discriminates}),
    ("cgan/toy", {Generates, Discriminates}),
    ("acgan/toy", {Generates, Discriminates, Classifies}),
    ("sgan/toy", {Generates, Discriminates, Classifies}),
    ("bad-gan/images", {Generates, Discriminates, Classifies}),
    ("bigan/toy", {Generates, Discriminates, Encodes}),
    ("infogan/toy", {Generates, Discriminates}),
    ("pix2pix/images", {Translates}),
    ("advgan/images", {Translates, Classifies, Attacks}),
    ("cyclegan/images", {Translates, TranslatesBack}),
])  # fmt: skip
def test_what_games_of_the_package_can_do(name: str, roles: set[type]):
    recipe = find(name)
    image = Image(1, 8, 8)
    spec = (
        POINTS if "digits" not in recipe.data else Spec({"x": image, "y": Classes.numbered(3), "a": image, "b": image})
    )
    game = recipe.build(spec)
    assert {role for role in ROLES if has_role(game, role)} == roles
    assert {role for role in ROLES if issubclass(recipe.game, role)} == roles, "a list of recipes need not build them"


def test_a_translator_makes_no_samples_from_z():
    game = AffinePair(1, paired=True)
    assert {role for role in ROLES if has_role(game, role)} == {Translates} and game.makes == "b"
    assert torch.equal(in_role(game, Translates).translate(x := torch.rand(2, 1, 4, 4)), x), "it begins as the identity"
    with pytest.raises(ZerosumError, match="affine-pair cannot generate from z"):
        in_role(game, Generates)


def test_a_game_in_a_wrapper_has_the_roles_of_the_game():
    inner = find("gan/toy").build(POINTS)
    game = with_techniques(inner, Techniques(historical_averaging=0.1), Points(2))
    assert game is not inner and game.core is inner and in_role(game, Generates) is inner
    assert {role for role in ROLES if has_role(game, role)} == {Generates, Discriminates}
    with pytest.raises(ZerosumError, match=r"^gan has no encoder"):
        in_role(game, Encodes)


class Small(TwoPlayerGame[Tensor]):
    """A game that is all plumbing."""

    name = "small"

    class Config:
        g_optimizer = Adam(1e-3)
        d_optimizer = Adam(2e-3)

    def __init__(self, condition: Any = None):
        super().__init__()
        size = 0 if condition is None else condition.size
        self.config, self.prior, self.condition = self.Config(), Normal(2), condition
        self.generator, self.discriminator = Joint(2 + size, 2), Joint(2 + size, 1)

    def round(self, draw: Any, step: int) -> Any:
        yield from ()


class Joint(nn.Linear):
    """A linear layer of all its inputs beside each other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(torch.cat(inputs, 1))


@pytest.mark.parametrize(("condition", "y"), [
    (None, None), (Classes.numbered(3), torch.tensor([0, 2, 1])), (Vector(2), torch.tensor([[0.5, 1], [2, 3], [4, 5]])),
])  # fmt: skip
def test_the_plumbing_of_two_players(condition: Any, y: Tensor | None):
    game = Small(condition)
    z, x = game.latents(3), torch.randn(3, 2)
    assert z.shape == (3, 2) and isinstance(game, LatentGame)
    beside = () if y is None else (condition.vector(y),)
    assert torch.equal(game.generate(z, y), game.generator(z, *beside))
    assert torch.equal(game.score(x, y), game.discriminator(x, *beside)[:, 0])
    players = game.players()
    assert [*players] == ["generator", "discriminator"]
    assert [player.averaged for player in players.values()] == [True, False]
    assert [player.optimizer.lr for player in players.values()] == [1e-3, 2e-3]
    if condition is not None:
        for ask in (lambda: game.generate(z), lambda: game.score(x)):
            with pytest.raises(ValueError, match=r"^small is conditional: pass y$"):
                ask()


def test_points_of_z_are_drawn_where_the_game_is():
    with torch.device("meta"):
        game = Small()
    assert game.latents(4).device.type == "meta" and game.generate(game.latents(4)).shape == (4, 2)


def test_all_recipes_say_what_they_build():
    assert all(
        issubclass(recipe.game, (Generates, Translates, Predicts, Acts, Classifies)) for recipe in RECIPES.values()
    )
