"""The studies of stacked digits, in small: their code, not their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.games.two_player import TwoPlayer
from zerosum.modality import Image, Spec
from zerosum.networks import small
from zerosum.recipe import Training
from zerosum.studies import find, stacked_mnist
from zerosum.studies.stacked_mnist import (
    CONTESTANTS,
    DCGAN,
    PAC2,
    PAC4,
    PUBLISHED,
    R3GAN,
    STACKED_MNIST,
    STACKED_MNIST_OWN,
    Contestant,
    coverage,
    run,
    run_published,
    train,
)
from zerosum.training.trainer import Trainer


def _small(spec: Spec) -> TwoPlayer:
    shape = spec.x.shape
    return TwoPlayer(small.Generator(4, shape, 4), small.Discriminator(shape, 4), TwoPlayer.Config(latent_dim=4))


TINY = Contestant(_small, Training(40, 8, average=0.9))


@pytest.fixture(scope="module")
def stacks() -> Dataset:
    """Stacks of the packaged digits: 600, each with its mode."""
    digits = data.load("digits")
    chosen = torch.randint(len(digits), (600, 3), generator=torch.Generator().manual_seed(0))
    modes = digits.y[chosen] @ torch.tensor([100, 10, 1])
    return dataset("stacks", digits.x[:, 0][chosen], modes, tuple(map(str, range(1000))))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, stacks: Dataset) -> None:
    monkeypatch.setitem(CONTESTANTS, "dcgan", TINY)
    monkeypatch.setitem(PUBLISHED, DCGAN, TINY)
    monkeypatch.setattr(stacked_mnist, "IMAGES", 60)
    monkeypatch.setattr(stacked_mnist, "CHECKPOINTS", 4)
    monkeypatch.setattr(data, "load", lambda name, seed: stacks)


def test_the_contestants_are_played_at_their_size():
    """Each makes its first move on stacked digits, and a sample."""
    for name, contestant in (CONTESTANTS | PUBLISHED).items():
        game = contestant.build(Spec({"x": Image(3, 28, 28)}))
        move = next(game.round(lambda: torch.rand(2, 3, 28, 28) * 2 - 1, 0))
        assert move.loss.isfinite() and game.generate(game.latents(2)).shape == (2, 3, 28, 28), name
        assert contestant.training.batch_size >= 64


@pytest.mark.usefixtures("tiny")
def test_a_part_is_measured_as_it_learns(tmp_path: Path):
    figures = run("dcgan", 1, 0.25, tmp_path)  # 10 of 40 rounds, a look every 3
    assert [point["round"] for point in figures["series"]] == [3, 6, 9, 10] and figures["rounds"] == 10
    last = figures["series"][-1]
    assert (figures["modes"], figures["kl"]) == (last["modes"], last["kl"])
    assert 1 <= last["modes"] <= 60 and 0 <= last["kl"] <= 6.91 and 0 <= last["clear"] <= 1
    again = run("dcgan", 1, 0.25, tmp_path)  # nothing is left to play
    assert again == figures
    assert run_published(DCGAN, 1, 0.25, tmp_path / "published") == figures | {"part": DCGAN}


@pytest.mark.usefixtures("tiny")
def test_a_part_that_was_cut_off_goes_on(tmp_path: Path, stacks: Dataset, monkeypatch: pytest.MonkeyPatch):
    whole = train(TINY, stacks, 0, 0.2, tmp_path / "whole", 30)
    looked: list[int] = []
    once = Trainer.round

    def until_five(trainer: Trainer) -> None:
        looked.append(trainer.step)
        if trainer.step == 5 and looked.count(5) == 1:
            raise KeyboardInterrupt
        once(trainer)

    monkeypatch.setattr(Trainer, "round", until_five)
    with pytest.raises(KeyboardInterrupt):
        train(TINY, stacks, 0, 0.2, tmp_path / "cut", 30)
    before = json.loads((tmp_path / "cut" / "series.json").read_bytes())
    assert [point["round"] for point in before] == [2, 4]
    assert train(TINY, stacks, 0, 0.2, tmp_path / "cut", 30) == whole
    assert looked == [0, 1, 2, 3, 4, 5, 4, 5, 6, 7]


@pytest.mark.usefixtures("tiny")
def test_real_images_are_the_anchor(tmp_path: Path):
    figures = run("real", 0, 1.0, tmp_path)
    assert figures["modes"] > 50 and figures["kl"] < 3.0  # 60 images can reach no more than 60 modes: KL >= 2.8
    assert figures["clear"] > 0.9


def test_one_look_counts_modes_and_divergence(stacks: Dataset):
    found = coverage(stacks.x[:1].expand(5, -1, -1, -1) / 127.5 - 1)
    assert found["modes"] == 1 and found["kl"] == pytest.approx(6.90776, abs=1e-4)


def test_published_networks_are_their_authors():
    """G moves twice a round; D judges packs; z is uniform; no bias at the start."""
    for name, packing in ((DCGAN, 1), (PAC2, 2), (PAC4, 4)):
        game = PUBLISHED[name].build(Spec({"x": Image(3, 28, 28)}))
        assert isinstance(game, TwoPlayer) and game.config.packing == packing
        moves = [move.player for move in game.round(lambda: torch.rand(2, 3, 28, 28) * 2 - 1, 0)]
        assert moves == ["discriminator", "generator", "generator"]
        assert not any(value.any() for key, value in game.named_parameters() if key.endswith(".bias"))
        z = game.latents(500)
        assert z.shape == (500, 100) and -1 <= z.min() < -0.9 and 0.9 < z.max() <= 1


def part(name: str, seed: int, modes: int, kl: float) -> dict[str, Any]:
    found = {"part": name, "seed": seed, "modes": modes, "kl": kl}
    return found if name == "real" else found | {"series": [], "rounds": 1}


def test_the_recipe_with_the_smallest_divergence_is_the_result():
    kls = {"dcgan": 3.0, "wgan-gp": 0.7, "pacgan": 0.06, "r3gan": 0.025, "r3gan, DCGAN's networks": 0.04, "real": 0.023}
    parts = [
        part(name, seed, 1000 - (name == "dcgan"), kl + seed / 1000) for seed in (0, 1, 2) for name, kl in kls.items()
    ]
    figures = STACKED_MNIST_OWN.summarise(parts)
    assert figures["best"] == "r3gan" and figures["values"] == [1000] * 3
    assert figures["kl"] == pytest.approx(0.026) and figures["real_kl"] == pytest.approx(0.024)
    assert figures["recipes"]["dcgan"]["modes"] == [999] * 3
    assert STACKED_MNIST_OWN.extra_check(figures) and not STACKED_MNIST_OWN.extra_check(figures | {"kl": 0.0291})
    assert find("stacked-mnist-own") is STACKED_MNIST_OWN and set(STACKED_MNIST_OWN.parts(0)) == set(kls)


def test_the_published_row_is_judged_by_r3gan_and_pacgan():
    kls = {DCGAN: 3.0, PAC2: 0.06, PAC4: 0.07, R3GAN: 0.029, "real": 0.021}
    parts = [part(name, 0, 99 if name == DCGAN else 1000, kl) for name, kl in kls.items()]
    result = STACKED_MNIST.summarise(parts)
    assert result["values"] == [1000] and result["kl"] == 0.029 and result["real_kl"] == 0.021
    assert result["recipes"][DCGAN]["modes"] == [99] and STACKED_MNIST.reached(result)
    worse = ((R3GAN, 1000, 0.031), (R3GAN, 999, 0.029), (PAC2, 1000, 0.081), (PAC4, 999, 0.06), (PAC4, 1000, 0.091))
    for name, modes, kl in worse:
        other = [part(name, 0, modes, kl), *(row for row in parts if row["part"] != name)]
        assert not STACKED_MNIST.reached(STACKED_MNIST.summarise(other)), (name, modes, kl)
    told = STACKED_MNIST.ours(result)
    assert "PacDCGAN2 1000, 0.060" in told and told.endswith("(real images 0.021)")
    assert find("stacked-mnist") is STACKED_MNIST and set(STACKED_MNIST.parts(0)) == set(kls)
