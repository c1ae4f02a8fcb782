"""Finding recipes by name and in a user's own file, and what is said where there is none."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from zerosum.errors import ZerosumError
from zerosum.games import RENAMED, find
from zerosum.games.gan import GAN
from zerosum.modality import Points, Spec
from zerosum.recipe import RECIPES, Training, recipe

OWN = '''
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt
from zerosum.game import Game
from zerosum.games.gan import GAN
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.recipe import recipe


@dataclass(frozen=True)
class Network:
    width: Annotated[int, Gt(0), "hidden units"] = 16


@recipe(data="ring", batch_size=32, steps=7)
def tiny(data: Spec, config: GAN.Config = GAN.Config(latent_dim=3), network: Network = Network()) -> GAN:
    """A small one."""
    hidden, shape = (network.width,), data.x.shape
    return GAN(mlp.Generator(config.latent_dim, shape, hidden), mlp.Discriminator(shape, hidden), config)
'''


def test_names():
    assert find("wgan-gp/toy").name == "wgan-gp/toy"
    assert find("dcgan").name == "dcgan"
    assert find("tutorial").name == "gan/tutorial"  # a unique end
    assert find("r3gan").name == "r3gan/images"  # a game's first
    assert find("gan").name == "gan/tutorial"


@pytest.mark.parametrize(("name", "told"), [
    ("dcgam", "there is no recipe 'dcgam'; did you mean 'dcgan'"),
    ("gan/tutorials", "did you mean 'gan/tutorial'"),
    ("qqqqqq", "there is no recipe 'qqqqqq'; `zerosum list` shows them all."),
    ("", "there is no recipe ''"),
])  # fmt: skip
def test_a_name_that_is_none(name: str, told: str):
    with pytest.raises(ZerosumError) as error:
        find(name)
    assert told in str(error.value)


def test_an_end_that_several_share_is_told_with_all_of_them():
    with pytest.raises(ZerosumError, match=r"several recipes are called 'toy': .*gan/toy.*r3gan/toy"):
        find("toy")


def test_a_recipe_of_ones_own_file(tmp_path: Path):
    file = tmp_path / "my_gan.py"
    file.write_text(OWN)
    before = dict(RECIPES)
    found = find(f"{file}:tiny")
    assert found.name == f"{file}:tiny" and found.summary == "A small one." and found.data == "ring"
    assert found.training == Training(batch_size=32, steps=7)
    assert found.source == hashlib.sha256(OWN.encode()).hexdigest()
    game = found.build(Spec({"x": Points(2)}), {"network": {"width": 5}, "config": {"latent_dim": 4}})
    assert isinstance(game, GAN) and sum(p.numel() for p in game.parameters()) == (4 * 5 + 5 + 12) + (15 + 6)
    assert before == RECIPES, "a file's recipes do not stay"
    assert find(f"{file}:tiny").training == found.training  # twice is no clash


def test_a_copy_of_a_game_of_the_package_is_ones_own(tmp_path: Path):
    file = tmp_path / "gan.py"
    file.write_text(Path(sys.modules["zerosum.games.gan"].__file__).read_text())
    found = find(f"{file}:toy")
    assert found.name == f"{file}:toy" and found.function is not RECIPES["gan/toy"].function
    assert RECIPES["gan/toy"].name == "gan/toy"


@pytest.mark.parametrize(("text", "own", "told"), [
    (None, "tiny", "cannot read"),
    ("def f(:", "f", "does not run: SyntaxError"),
    ("1 / 0", "f", "does not run: ZeroDivisionError: division by zero"),
    ("x = 1", "f", "has no recipe 'f'; its recipes: none; decorate a function"),
    (OWN, "tinny", "has no recipe 'tinny'; its recipes: tiny"),
    (OWN.replace("-> GAN:", ":"), "tiny", "does not run: ValueError: the recipe 'tiny' must say which game it returns"),
    (OWN.replace("-> GAN:", "-> Game:"), "tiny", "the recipe 'tiny' must say which game it returns: -> MyGAN"),
    (OWN.replace("-> GAN:", "-> Game[Any]:"), "tiny", "the recipe 'tiny' must say which game it returns: -> MyGAN"),
    (OWN.replace(" = Network()", " = 3"), "tiny", "ValueError: the recipe 'tiny' needs a default for 'network'"),
    (OWN.replace("data: Spec", "shape: tuple").replace("data.x.", ""), "tiny",
     "the recipe 'tiny' takes (data: Spec, ...), and data.x.shape is the shape"),
    (OWN.replace("network: Network", "techniques: Network").replace("network.width", "techniques.width"), "tiny",
     "'techniques' is added to every recipe; call that parameter otherwise"),
    (OWN.replace("steps=7", "step=7"), "tiny", "there is no option 'step'; did you mean 'steps'"),
    (OWN.replace("steps=7", "steps=0"), "tiny", "steps: should be greater than 0, got 0"),
])  # fmt: skip
def test_files_that_hold_none(tmp_path: Path, text: str | None, own: str, told: str):
    file = tmp_path / "broken.py"
    if text is not None:
        file.write_text(text)
    before = dict(RECIPES)
    with pytest.raises(ZerosumError) as error:
        find(f"{file}:{own}")
    assert told in str(error.value) and "broken.py" in str(error.value)
    assert before == RECIPES


def test_a_file_without_a_function_says_how_to_name_one(tmp_path: Path):
    file = tmp_path / "my_gan.py"
    file.write_text(OWN)
    with pytest.raises(ZerosumError, match=r"my_gan\.py:FUNCTION"):
        find(str(file))


def test_two_recipes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two recipes are called 'gan/toy'"):

        @recipe(data="ring")
        def toy(data: Spec) -> GAN:
            raise AssertionError


@pytest.mark.parametrize(("old", "new"), [
    ("composed/dcgan", "dcgan"), ("composed/demo", "demo"), ("composed/toy", "two-player/toy"),
    ("composed/grid", "two-player/grid"), ("ls-gan/images", "loss-sensitive/images"),
    ("conditional-r3gan/images", "r3gan/classes"), ("conditional-r3gan/toy", "r3gan/toy-classes"),
])  # fmt: skip
def test_old_names_go_on_working(old: str, new: str):
    assert find(old) is RECIPES[new] and old not in RECIPES


def test_what_was_renamed_is_there():
    assert set(RENAMED.values()) <= RECIPES.keys() and not RENAMED.keys() & RECIPES.keys()
