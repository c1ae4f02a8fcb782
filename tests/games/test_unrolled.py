"""Unrolled GAN: the gradient of G through D's steps, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zerosum.data import Stream
from zerosum.data.dataset import dataset
from zerosum.games.gan import GAN
from zerosum.games.unrolled import Unrolled
from zerosum.networks import dcgan, mlp
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng

THETA, W, X, ETA = 0.7, -0.4, 1.3, 0.3


class Point(nn.Module):
    """G puts all samples on one number, whatever z."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(THETA, dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


class Slope(nn.Module):
    """D(x) = w x."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(W, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def ascent(theta: float, w: float) -> float:
    """df/dw of eq. 4 for one real number X and the fake theta: log D = log sigmoid(w x)."""
    return X * sigmoid(-w * X) - theta * sigmoid(w * theta)


def unrolled_gradient(steps: int, generator: str = "minimax") -> tuple[float, Tensor]:
    """G's loss and its gradient, from the game; nobody makes D's move, so D is where it began."""
    game = Unrolled(Point(), Slope(), Unrolled.Config(1, steps, ETA, generator))
    d, g = game.round(lambda: torch.full((3, 1), X, dtype=torch.float64), 0)
    assert (d.player, g.player) == ("discriminator", "generator")
    (gradient,) = torch.autograd.grad(g.loss, game.generator.theta)
    return float(g.loss.detach()), gradient


def f(theta: float, w: float) -> float:
    return -math.log1p(math.exp(-w * X)) - math.log1p(math.exp(w * theta))


def ahead(theta: float, steps: int) -> float:
    w = W
    for _ in range(steps):
        w += ETA * ascent(theta, w)
    return w


def test_one_step_has_both_terms_of_equation_12():
    w1 = W + ETA * ascent(THETA, W)
    s = sigmoid(W * THETA)
    reaction = ETA * (-s - W * THETA * s * (1 - s))  # dw1/dtheta
    expected = -w1 * sigmoid(w1 * THETA) + ascent(THETA, w1) * reaction
    loss, gradient = unrolled_gradient(1)
    assert loss == pytest.approx(f(THETA, w1), rel=1e-12)
    assert float(gradient) == pytest.approx(expected, rel=1e-12)
    assert abs(ascent(THETA, w1) * reaction) > 0.01  # the second term is there to be missed


@pytest.mark.parametrize("steps", [0, 2, 7])
def test_any_number_of_steps_is_the_slope_of_f_k(steps: int):
    h = 1e-6
    slope = (f(THETA + h, ahead(THETA + h, steps)) - f(THETA - h, ahead(THETA - h, steps))) / (2 * h)
    loss, gradient = unrolled_gradient(steps)
    assert loss == pytest.approx(f(THETA, ahead(THETA, steps)), rel=1e-12)
    assert float(gradient) == pytest.approx(slope, rel=1e-7)


def test_the_non_saturating_generator_faces_the_same_discriminator():
    h = 1e-6

    def surprise(theta: float) -> float:
        return math.log1p(math.exp(-ahead(theta, 3) * theta))

    loss, gradient = unrolled_gradient(3, "non-saturating")
    assert loss == pytest.approx(surprise(THETA), rel=1e-12)
    assert float(gradient) == pytest.approx((surprise(THETA + h) - surprise(THETA - h)) / (2 * h), rel=1e-7)


@pytest.mark.parametrize("generator", ["minimax", "non-saturating"])
def test_no_steps_are_the_plain_gan_bit_for_bit(generator: str):
    def play(game: Unrolled | GAN) -> dict[str, Tensor]:
        stream = Stream(dataset("points", torch.randn(50, 2, generator=torch.Generator().manual_seed(1))), 8, seed=3)
        trainer = Trainer(game, stream, Training(average=0.0, precision="fp32"))
        trainer.game.train()
        for _ in range(4):
            trainer.round()
        return trainer.game.state_dict()

    def networks() -> tuple[nn.Module, nn.Module]:
        rng.seed(5)
        return mlp.Generator(3, (2,), (16, 16)), mlp.Discriminator((2,), (16, 16))

    adam = GAN.Config().g_optimizer
    plain = play(GAN(*networks(), GAN.Config(3, generator=generator)))
    unrolled = play(
        Unrolled(*networks(), Unrolled.Config(3, 0, generator=generator, g_optimizer=adam, d_optimizer=adam))
    )
    assert unrolled.keys() == plain.keys()
    assert all(torch.equal(unrolled[name], plain[name]) for name in plain)
    ahead = play(Unrolled(*networks(), Unrolled.Config(3, 2, generator=generator, g_optimizer=adam, d_optimizer=adam)))
    assert not torch.equal(ahead["generator.layers.0.weight"], plain["generator.layers.0.weight"])


def test_looking_ahead_leaves_the_discriminator_as_it_is():
    """Neither its parameters nor the running means of its batch norm move in G's turn."""
    game = Unrolled(dcgan.Generator(4, (1, 8, 8), 4), dcgan.Discriminator((1, 8, 8), 4), Unrolled.Config(4, 3)).train()
    moves = game.round(lambda: torch.randn(4, 1, 8, 8), 0)
    next(moves)
    before = {name: t.detach().clone() for name, t in game.discriminator.state_dict().items()}
    move = next(moves)
    move.loss.backward(inputs=list(game.generator.parameters()))
    assert all(torch.equal(t, before[name]) for name, t in game.discriminator.state_dict().items())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in game.generator.parameters())
