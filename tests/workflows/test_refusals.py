"""What cannot be trained as it was asked is refused before a run is begun: no directory is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn

import zerosum
from zerosum import data
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.games import find
from zerosum.games.loss_sensitive import LossSensitiveGAN
from zerosum.games.r3gan import R3GAN
from zerosum.games.wgan_gp import WGANGP
from zerosum.networks import mlp
from zerosum.optim import Cosine
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

R1: dict[str, Any] = {"penalties": {"r1": 1.0}}
BATCH_NORM: dict[str, Any] = {"network": {"norm": "batch"}}


@pytest.mark.parametrize(("recipe", "options", "message"), [
    ("dcgan", R1 | BATCH_NORM, "batch norm ties"),
    ("two-player/toy", BATCH_NORM, "batch norm ties"),
    ("cgan", R1 | BATCH_NORM, "batch norm ties"),
    ("dcgan", R1 | BATCH_NORM | {"techniques": {"feature_matching": True}}, "batch norm ties"),
    ("sgan/images", {"initial_images": 10}, "leave initial_images at 0"),
    ("r3gan/images", {"average": 0.9}, r"average 0\.9 would count nothing"),
    ("gan/toy", {"average": 0.9, "half_life": {"end": 100.0}}, r"average 0\.9 would count nothing"),
    ("gan/toy", {"average": 0.0, "half_life": Cosine(0.0, 100.0)}, "half_life would count nothing"),
    ("demo", {"penalties": None, "penalty_every": 4}, "^penalty_every has no effect while penalties is none: change"),
    ("gan/toy", {"half_life": {"images": 9}}, r"^half_life\.images has no effect while half_life\.end is 0\.0"),
    ("gan/toy", {"techniques": {"layer_noise": {"steps": 5}}}, r"^techniques\.layer_noise\.steps has no eff"),
])  # fmt: skip
def test_nothing_is_begun(recipe: str, options: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(ZerosumError, match=message):
        zerosum.train(recipe, out=tmp_path / "run", quiet=True, **{"steps": 1, "device": "cpu"} | options)
    assert not (tmp_path / "run").exists()


def normed() -> tuple[mlp.Generator, nn.Module]:
    """For points: a generator, and a discriminator with batch norm."""
    return mlp.Generator(2, (2,), (4,)), mlp.Discriminator((2,), (4, 4), "batch")


@pytest.mark.parametrize("game", [
    lambda: R3GAN(*normed(), R3GAN.Config(latent_dim=2)),
    lambda: WGANGP(*normed(), WGANGP.Config(latent_dim=2)),
    lambda: LossSensitiveGAN(*normed(), LossSensitiveGAN.Config(latent_dim=2, penalties={"r1": 1.0})),
])  # fmt: skip
def test_networks_of_ones_own_are_looked_at_too(game: Any):
    made: Game[Any] = game()
    with pytest.raises(ZerosumError, match="batch norm ties"):
        Trainer(made, data.Stream(data.load("ring"), 8, seed=0), Training(steps=1))


def test_virtual_batch_norm_ties_nothing_together(tmp_path: Path):
    """It stands in place of batch norm once techniques are on, so the game is looked at with them."""
    options = R1 | BATCH_NORM | {"techniques": {"virtual_batch_norm": 4}, "batch_size": 4}
    run = zerosum.train("two-player/toy", out=tmp_path / "run", quiet=True, steps=1, device="cpu", **options)
    assert run.step == 1


def test_a_game_that_is_only_sampled_is_not_asked():
    """Runs of older versions may have what is no longer trained: they load."""
    ring = data.load("ring")
    find("two-player/toy").build(ring.spec, {"config": R1, **BATCH_NORM})
    with pytest.raises(ZerosumError, match="batch norm ties"):
        find("two-player/toy").build(ring.spec, {"config": R1, **BATCH_NORM}).check()


def test_average_0_keeps_no_ema_weights_whatever_their_half_life():
    trainer = Trainer(
        R3GAN(*mlp.toy_pair(2, (2,)), R3GAN.Config(latent_dim=2)),
        data.Stream(data.load("ring"), 8, seed=0),
        Training(steps=1, average=0.0, half_life=Cosine(0.0, 100.0)),
    )
    assert trainer.average is None and "half_life" not in trainer.schedule(0)
