"""Loss-sensitive GAN: its costs in closed form, WGAN at one end of the slope, and that it learns."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.data import Stream, load
from zerosum.errors import ZerosumError
from zerosum.games.loss_sensitive import LossSensitiveGAN, cost, l1_distance
from zerosum.losses.adversarial import wasserstein
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng

REAL = torch.tensor([[1.0, 2.0], [-3.0, 0.5], [0.0, 1.0]])


def small(config: LossSensitiveGAN.Config) -> LossSensitiveGAN:
    torch.manual_seed(0)
    return LossSensitiveGAN(mlp.Generator(2, (2,), (8,)), mlp.Discriminator((2,), (8,)), config)


def played(game: LossSensitiveGAN) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """D's terms and gradient (as one row) and G's gradient, at equal random numbers."""
    torch.manual_seed(7)
    first, second = game.round(lambda: REAL, 0)
    rows = []
    for move, module in ((first, game.discriminator), (second, game.generator)):
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(move.loss, [*module.parameters()])]))
    return first.terms, rows[0], rows[1]


def logits(game: LossSensitiveGAN) -> tuple[Tensor, Tensor, Tensor]:
    """D of the reals, D of the fakes that `played` draws first, and those."""
    torch.manual_seed(7)
    made = game.generate(game.latents(3)).detach()
    return game.discriminator(REAL).flatten(), game.discriminator(made).flatten(), made


@pytest.mark.parametrize(("slope", "expected"), [
    (0.0, (0.0, 0.0, 2.0)),
    (0.25, (-0.5, 0.0, 2.0)),
    (1.0, (-2.0, 0.0, 2.0)),
    (-1.0, (2.0, 0.0, 2.0)),
    (-0.5, (1.0, 0.0, 2.0)),
])  # fmt: skip
def test_the_cost_bounds_its_argument_from_above_and_is_it_above_zero(slope: float, expected: tuple[float, ...]):
    assert cost(torch.tensor([-2.0, 0.0, 2.0]), slope).tolist() == list(expected)


def test_the_margin_is_the_pairs_distance_summed_over_pixels():
    a, b = torch.zeros(2, 1, 2, 3), torch.ones(2, 1, 2, 3)
    b[1] *= -0.5
    assert l1_distance(a, b).tolist() == [6.0, 3.0]


@pytest.mark.parametrize("slope", [0.0, 0.3, -1.0])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_the_objective_pair_by_pair(slope: float, margin: float):
    game = small(LossSensitiveGAN.Config(slope, margin, real_weight=0.25, latent_dim=2))
    terms, *_ = played(game)
    real, fake, made = logits(game)
    by_hand = 0.0
    for i in range(3):
        loss_real, loss_fake = F.softplus(-real[i]).item(), F.softplus(-fake[i]).item()
        a = margin * (REAL[i] - made[i]).abs().sum().item() + loss_real - loss_fake
        by_hand += (max(a, slope * a) + 0.25 * loss_real) / 3
    assert terms["adversarial"].item() == pytest.approx(by_hand, rel=1e-5)


def test_at_slope_1_it_is_the_wasserstein_objective():
    """The margin is then a number that D cannot change: gone at margin 0, and never in a gradient."""
    for margin in (0.0, 0.7):
        game = small(LossSensitiveGAN.Config(1.0, margin, nonnegative=False, latent_dim=2))
        terms, of_d, of_g = played(game)
        real, fake, made = logits(game)
        value = wasserstein.d(real, fake)
        torch.testing.assert_close(
            terms["adversarial"], value + margin * l1_distance(REAL, made).mean(), rtol=1e-5, atol=1e-6
        )
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(value, [*game.discriminator.parameters()])])
        torch.testing.assert_close(of_d, expected, rtol=1e-5, atol=1e-6)
        assert of_d.abs().max() > 0.01
        torch.manual_seed(7)
        game.latents(3)  # D's
        value = wasserstein.g(game.discriminator(game.generate(game.latents(3))))
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(value, [*game.generator.parameters()])])
        torch.testing.assert_close(of_g, expected, rtol=1e-5, atol=1e-6)
        assert of_g.abs().max() > 0.01


def test_a_hinge_leaves_pairs_alone_that_are_apart_by_their_margin():
    """What sets LS-GAN apart from WGAN: once every fake's loss exceeds its real sample's by the margin, D rests."""

    class Sure(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.tensor(10.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.gain * x[:, :1]  # the fakes are at 0, the reals at 3

    class Zero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.at = nn.Parameter(torch.zeros(2))

        def forward(self, z: Tensor) -> Tensor:
            return self.at.expand(len(z), 2)

    reals = torch.full((4, 2), 3.0)
    for margin, slope, rests in ((1.0, 0.0, True), (1.0, 0.5, False), (10.0, 0.0, False)):
        game = LossSensitiveGAN(Zero(), Sure(), LossSensitiveGAN.Config(slope, margin, nonnegative=False, latent_dim=2))
        move = next(game.round(lambda: reals, 0))
        (gradient,) = torch.autograd.grad(move.loss, [game.discriminator.gain])
        assert (gradient.item() == 0) is rests


def test_a_loss_without_bound_is_not_to_be_minimised():
    with pytest.raises(ZerosumError, match="nonnegative"):
        small(LossSensitiveGAN.Config(real_weight=1.0, nonnegative=False))


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_it_learns_where_two_gaussians_lie(slope: float):
    rng.seed(0)
    adam = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))
    config = LossSensitiveGAN.Config(
        slope, 1.0, penalties={"r1": 0.1}, latent_dim=2, g_optimizer=adam, d_optimizer=adam
    )
    game = LossSensitiveGAN(mlp.Generator(2, (2,), (32, 32)), mlp.Discriminator((2,), (32, 32)), config)
    stream = Stream(load("gaussians:1,0/-1,0@0.2"), 128, seed=0)
    trainer = Trainer(game, stream, Training(steps=300, batch_size=128, average=0.99, precision="fp32"))
    trainer.train()
    with torch.no_grad():
        made = trainer.sampler.generate(game.latents(4000))
    right = made[:, 0] > 0
    assert 0.35 < right.float().mean() < 0.65
    for side, at in ((right, 1.0), (~right, -1.0)):
        torch.testing.assert_close(made[side].mean(0), torch.tensor([at, 0.0]), atol=0.2, rtol=0)
    assert made[:, 1].std() < 0.3
