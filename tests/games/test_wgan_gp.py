"""WGAN-GP: the moves of a round, the penalty and the schedule of the authors' code (gan_cifar_resnet.py)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum.games import find
from zerosum.games.wgan_gp import WGANGP
from zerosum.modality import Image, Spec
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

IMAGES = Spec({"x": Image(3, 32, 32)})


def small(**config: Any) -> WGANGP:
    return WGANGP(mlp.Generator(2, (2,), (8,)), mlp.Discriminator((2,), (8,)), WGANGP.Config(latent_dim=2, **config))


class Linear(nn.Module):
    """A critic whose gradient is its weight everywhere."""

    def __init__(self, *weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T


def test_the_settings_are_algorithm_1s():
    config = WGANGP.Config()
    assert (config.critic_steps, config.penalty_weight, config.generator_batches) == (5, 10.0, 1)
    assert config.optimizer == Adam(1e-4, (0.0, 0.9))


def test_the_recipe_has_the_settings_of_the_authors_code():
    """LR 2e-4 that falls linearly to 0 over ITERS 100,000, batches of 64, of G twice as large, N_CRITIC 5, DIM 128."""
    recipe = find("wgan-gp/images")
    config = recipe.options["config"]
    assert (config.critic_steps, config.penalty_weight, config.generator_batches) == (5, 10.0, 2)
    assert config.optimizer == Adam(2e-4, (0.0, 0.9), decay=Decay("linear"))
    assert (recipe.training.batch_size, recipe.training.steps, config.latent_dim) == (64, 100_000, 128)
    game = recipe.build(IMAGES)
    assert sum(p.numel() for p in game.parameters()) == 1_204_483 + 1_053_825
    rates = [config.optimizer.lr * config.optimizer.decay(step, 100_000) for step in (0, 25_000, 99_999)]
    assert rates == pytest.approx([2e-4, 1.5e-4, 2e-9])


def test_both_players_rates_fall_to_zero():
    """2e-4 (1 - round / rounds), of both players; in the authors' code 1 - iteration / ITERS."""
    optimizer = Adam(2e-4, (0.0, 0.9), decay=Decay("linear"))
    trainer = Trainer(small(critic_steps=2, optimizer=optimizer), _Points(), Training(steps=4, precision="fp32"))
    seen: list[tuple[float, float]] = []

    def look(trainer: Trainer) -> None:
        groups = [trainer.optimizers[player].param_groups[0] for player in ("critic", "generator")]
        seen.append((float(groups[0]["lr"]), float(groups[1]["lr"])))
        assert all(group["betas"] == (0.0, 0.9) for group in groups)

    trainer.train([look])
    assert [rate for rate, _ in seen] == pytest.approx([2e-4, 1.5e-4, 1e-4, 0.5e-4])
    assert all(critic == generator for critic, generator in seen)


@pytest.mark.parametrize("critic_steps", [1, 2, 5])
def test_the_critic_moves_so_often_and_g_once_at_the_end(critic_steps: int):
    drawn: list[int] = []

    def draw() -> Tensor:
        drawn.append(len(drawn))
        return torch.randn(4, 2)

    moves = [move.player for move in small(critic_steps=critic_steps).round(draw, 3)]
    assert moves == ["critic"] * critic_steps + ["generator"]
    assert len(drawn) == critic_steps, "a batch of its own for every move of the critic"


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_the_generators_batch_is_a_multiple_of_the_critics(batches: int, monkeypatch: pytest.MonkeyPatch):
    game, asked = small(critic_steps=1, generator_batches=batches), list[int]()
    latents = WGANGP.latents
    monkeypatch.setattr(WGANGP, "latents", lambda self, count: asked.append(count) or latents(self, count))
    list(game.round(lambda: torch.randn(4, 2), 0))
    assert asked == [4, 4 * batches]


@pytest.mark.parametrize(("slope", "penalty"), [((0.6, 0.8), 0.0), ((3.0, 4.0), 16.0), ((0.0, 0.5), 0.25)])
@pytest.mark.parametrize("weight", [10.0, 2.5])
def test_the_penalty_is_of_slopes_above_and_below_one(slope: tuple[float, float], penalty: float, weight: float):
    """lambda (|w| - 1)^2 of a linear critic: eq. 3, two-sided."""
    game = WGANGP(mlp.Generator(2, (2,), (8,)), Linear(*slope), WGANGP.Config(2, penalty_weight=weight))
    move = next(game.round(lambda: torch.randn(6, 2), 0))
    assert list(move.terms) == ["adversarial", "gradient_penalty"]
    assert move.terms["gradient_penalty"].item() == pytest.approx(weight * penalty, abs=1e-5)


def test_the_losses_are_differences_of_means_without_a_log():
    torch.manual_seed(3)
    game, real = small(critic_steps=1), torch.randn(5, 2)
    critic, _ = game.round(lambda: real, 0)
    assert critic.logits is not None
    difference = critic.logits.fake.mean() - critic.logits.real.mean()
    assert critic.terms["adversarial"].item() == pytest.approx(difference.item(), abs=1e-6)
    torch.testing.assert_close(critic.logits.real, game.critic(real))
    torch.manual_seed(1)
    *_, generator = game.round(lambda: real, 0)
    torch.manual_seed(1)
    game.latents(5), torch.rand(5, 1)  # the critic's fakes, and the points between
    assert generator.loss.item() == pytest.approx(-game.critic(game.generate(game.latents(5))).mean().item(), abs=1e-6)


def test_the_critic_sees_a_fake_that_costs_g_no_gradient():
    game = small(critic_steps=1)
    critic = next(game.round(lambda: torch.randn(5, 2), 0))
    slopes = torch.autograd.grad(critic.loss, list(game.generator.parameters()), allow_unused=True)
    assert all(slope is None for slope in slopes)


def test_the_device_is_asked_anew():
    """Where z is drawn follows the weights, wherever they went and however."""
    game = small()
    assert game.latents(3).device.type == "cpu"
    game.generator.to("meta")
    assert game.latents(3).device.type == "meta"
    game.generator = mlp.Generator(2, (2,), (8,))
    assert game.latents(3).device.type == "cpu"
    assert game.to("meta").latents(3).device.type == "meta"
    bare = WGANGP(nn.Sequential(nn.Identity(), nn.Linear(2, 2).to("meta")), nn.Linear(2, 1), WGANGP.Config(2))
    assert bare.latents(1).device == next(bare.parameters()).device


class _Points:
    """A stream of noise."""

    def __call__(self) -> Tensor:
        return torch.randn(8, 2)

    def state(self) -> dict[str, int]:
        return {}

    def restore(self, state: dict[str, int]) -> None: ...
