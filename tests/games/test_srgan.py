"""SRGAN and SRResNet: their losses by hand, the warm-up of D, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zerosum
from zerosum.batches import Paired
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.srgan import SRGAN
from zerosum.modality import Image, Spec


class Twice(nn.Module):
    """Twice as large, by nearest neighbours, and moved up."""

    def __init__(self, shift: float = 0.0):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0) + self.shift


class Mean(nn.Module):
    """A logit: the mean, times a weight."""

    def __init__(self, weight: float = 2.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x.mean((1, 2, 3))[:, None]


PAIR = Paired(torch.full((2, 1, 3, 4), 0.1), torch.full((2, 1, 6, 8), 0.9))


def terms(game: SRGAN, step: int = 0) -> dict[str, dict[str, Tensor]]:
    moves: list[Move] = list(game.round(lambda: PAIR, step))
    return {move.player: {name: term.detach() for name, term in move.terms.items()} for move in moves}


def test_the_loss_is_equation_3():
    played = terms(SRGAN(Twice(0.5), Mean(), SRGAN.Config()))
    real, fake = torch.tensor(1.8), torch.tensor(1.2)
    torch.testing.assert_close(played["discriminator"]["adversarial"], F.softplus(-real) + F.softplus(fake))
    torch.testing.assert_close(played["generator"]["adversarial"], 1e-3 * F.softplus(-fake))
    torch.testing.assert_close(played["generator"]["pixels"], torch.tensor(0.09))  # (0.6 - 0.9)^2
    assert list(played["generator"]) == ["adversarial", "pixels"]
    absolute = terms(SRGAN(Twice(0.5), Mean(), SRGAN.Config(distance="absolute", pixels=2.0)))
    torch.testing.assert_close(absolute["generator"]["pixels"], torch.tensor(0.6))


def test_without_an_adversarial_loss_it_is_srresnet():
    game = SRGAN(Twice(), None, SRGAN.Config(adversarial=0.0))
    assert list(game.players()) == ["generator"] and list(terms(game)) == ["generator"]
    assert SRGAN(Twice(), Mean(), SRGAN.Config(adversarial=0.0)).discriminator is None
    assert list(find("srgan/pixels").build(_spec(4)).players()) == ["generator"]


def test_g_does_not_answer_during_the_warm_up():
    game = SRGAN(Twice(0.5), Mean(), SRGAN.Config(warm_up=3))
    first, last = terms(game, 2), terms(game, 3)
    assert float(first["generator"]["adversarial"]) == 0 < float(last["generator"]["adversarial"])
    assert float(first["discriminator"]["adversarial"]) > 0, "D learns from the beginning"
    assert [game.phase(step) for step in (0, 2, 3)] == ["warm-up", "warm-up", "round"]


def test_the_perceptual_loss_compares_features_of_any_callable():
    config = SRGAN.Config(pixels=0.0, perceptual=2.0)
    game = SRGAN(Twice(0.5), Mean(), config, features=lambda x: 3 * x.mean((2, 3)))
    torch.testing.assert_close(terms(game)["generator"]["features"], torch.tensor(2 * 0.81))  # (3 * 0.3)^2
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    game = SRGAN(Twice(0.5), Mean(), config, features=network)
    move = list(game.round(lambda: PAIR, 0))[-1]
    move.loss.backward()
    assert game.translator.shift.grad is not None and game.translator.shift.grad != 0
    assert all(p.grad is None and not p.requires_grad for p in network.parameters()), "it is frozen"


def test_an_image_is_enlarged_alone_as_among_others():
    torch.manual_seed(0)
    for options in ({}, {"network": {"norm": "batch"}}):
        game = find("srgan/images").build(
            _spec(4), {"network": {"width": 4, "blocks": 2, **options.get("network", {})}}
        )
        nn.init.normal_(game.core.translator.last.weight, std=0.1)
        a = torch.rand(3, 3, 5, 7)
        made = game.eval().core.translate(a)
        assert made.shape == (3, 3, 20, 28)
        torch.testing.assert_close(game.core.translate(a[1:2]), made[1:2], rtol=0, atol=1e-6)


def _spec(factor: int) -> Spec:
    return Spec({"a": Image(3, 8, 6), "b": Image(3, factor * 8, factor * 6)}, 9)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("recipe", ["srgan/images", "srgan/pixels"])
def test_the_factor_is_that_of_the_data(recipe: str, factor: int):
    game = find(recipe).build(_spec(factor), {"network": {"width": 2, "blocks": 1}})
    assert game.core.translate(torch.rand(1, 3, 9, 5)).shape == (1, 3, 9 * factor, 5 * factor)


@pytest.mark.parametrize(
    ("recipe", "options", "b", "message"),
    [
        ("srgan/images", {}, (3, 8, 6), "8x6 and 8x6 pixels: take shrink@4"),
        ("srgan/images", {}, (3, 40, 30), "2, 3 or 4 times"),
        ("srgan/pixels", {}, (3, 16, 18), "8x6 and 16x18"),
        ("srgan/pixels", {"config": {"adversarial": 1e-3}}, (3, 16, 12), "train srgan/images"),
        ("srgan/images", {"config": {"pixels": 0.0}}, (3, 16, 12), "raise one"),
        ("srgan/images", {"config": {"perceptual": 1.0}}, (3, 16, 12), "features"),
    ],
)
def test_what_cannot_be_trained_is_refused(recipe: str, options: Any, b: tuple[int, int, int], message: str):
    with pytest.raises(ZerosumError, match=message):
        find(recipe).build(Spec({"a": Image(3, 8, 6), "b": Image(*b)}, 9), options)


def test_a_run_goes_on_with_its_data(tmp_path: Path):
    """Its images have two sizes, and the larger is the one that was asked for; 28 pixels are cut to 27."""
    small = {"network": {"width": 2, "blocks": 1}, "batch_size": 4, "quiet": True, "health": False}
    zerosum.train("srgan/pixels", "shrink@3:digits", tmp_path / "run", steps=2, **small)
    run = zerosum.resume(tmp_path / "run", steps=3, quiet=True)
    assert run.step == 3 and run.source.size == (9, 9) and run.modality.size == (27, 27)
    zerosum.train("srgan/pixels", "shrink@2:digits", tmp_path / "sized", size=(16, 16), steps=1, **small)
    assert zerosum.resume(tmp_path / "sized", steps=2, quiet=True).modality.size == (16, 16)
