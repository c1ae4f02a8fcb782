"""Games that name their own fields: what they make is compared, what they draw stays, and what does not fit is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from new_kinds import write_pairs

import zerosum
from zerosum.batches import samples_of
from zerosum.errors import ZerosumError
from zerosum.evaluation import real_data, targets
from zerosum.pictures.png import save
from zerosum.pictures.render import renderer

OWN = """
from typing import NamedTuple

from torch import Tensor, nn
from zerosum import latent
from zerosum.batches import Paired, Unpaired
from zerosum.game import Logits, Move
from zerosum.games.gan import GAN
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import non_saturating
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.recipe import recipe


class Drawn(NamedTuple):
    b: Tensor
    a: Tensor


class Own(TwoPlayerGame[Drawn]):
    name, makes = "own", "a"

    def __init__(self, shape, batch=None, makes="a"):
        super().__init__()
        self.config, self.prior, self.makes = GAN.Config(), latent.Normal(2), makes
        self.batch = batch or type(self).batch
        self.generator, self.discriminator = mlp.Generator(2, shape, (4,)), mlp.Discriminator(shape, (4,))

    def round(self, draw, step):
        real = getattr(draw(), self.makes)
        logits = Logits(self.discriminator(real), self.discriminator(self.generate(self.latents(len(real)))))
        yield Move("discriminator", loss=non_saturating.d(*logits), logits=logits)
        fake = self.generate(self.latents(len(real)))
        yield Move("generator", loss=non_saturating.g(self.discriminator(fake)))


@recipe(data="pairs:photos", batch_size=4, steps=2)
def of_a(data: Spec, config: GAN.Config = GAN.Config()) -> Own:
    return Own(data.a.shape)


@recipe(data="pairs:photos")
def other(data: Spec, config: GAN.Config = GAN.Config()) -> Own:
    return Own(data.a.shape, Unpaired)


@recipe(data="pairs:photos")
def forgot(data: Spec, config: GAN.Config = GAN.Config()) -> Own:
    return Own(data.a.shape, makes="x")


class WithVectors(NamedTuple):
    x: Tensor
    vectors: Tensor


@recipe(data="ring", batch=WithVectors, batch_size=4, steps=2)
def vectors(data: Spec, config: GAN.Config = GAN.Config()) -> Own:
    return Own(data.x.shape, WithVectors, "x")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    write_pairs(tmp_path / "photos", 12)
    return str(tmp_path / "own.py")


def test_what_a_game_makes_is_what_it_is_compared_with(own: str) -> None:
    run = zerosum.train(f"{own}:of_a", "pairs:photos", "run", quiet=True)
    a = zerosum.data.load("pairs:photos").fields["a"].stored
    real = real_data.load(targets.of_run(run, None), None, None, None)
    assert torch.equal(real.x, a) and real.samples == "a"
    draw = renderer(run.modality)
    assert draw.nearest is not None
    save(draw.nearest(run.sample(draw.count(1), 1)[:8], a), Path("expected.png"))
    assert Path("run", "neighbours.png").read_bytes() == Path("expected.png").read_bytes()
    batch = run.game.batch(b=torch.zeros(1), a=torch.ones(1))
    assert samples_of(batch, run.game.makes) is batch.a


def test_fields_that_are_drawn_stay(own: str) -> None:
    x, conditions = np.zeros((8, 2), np.float32), np.ones((8, 3), np.float32)
    np.savez("data.npz", samples=x, labels=np.arange(8) % 2, conditions=conditions)
    run = zerosum.train(f"{own}:vectors", "data.npz", "run", quiet=True)
    assert set(run.record.data.fields) == {"x", "vectors"}


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("other", r"other builds a game that draws Unpaired, and its recipe says Drawn; .*batch=Unpaired"),
        ("forgot", r"own makes x, and the data has a, b; set `makes`"),
    ],
)
def test_a_game_that_does_not_fit_its_recipe_or_the_data(own: str, recipe: str, says: str) -> None:
    with pytest.raises(ZerosumError, match=says):
        zerosum.train(f"{own}:{recipe}", "pairs:photos", "run", quiet=True)
