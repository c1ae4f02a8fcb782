"""WGAN with weight clipping: the schedule, the bound on the weights, and that it learns."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.augment import InstanceNoise
from zerosum.data import Stream, load
from zerosum.data.points import mixture
from zerosum.games.wgan import WGAN
from zerosum.networks import dcgan, mlp
from zerosum.optim import Decay, RMSprop
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def small(**config: object) -> WGAN:
    chosen = WGAN.Config(latent_dim=2, **config)  # type: ignore[arg-type]
    return WGAN(mlp.Generator(2, (2,), (8,)), mlp.Discriminator((2,), (8,)), chosen)


def largest(module: nn.Module) -> float:
    return max(float(p.detach().abs().max()) for p in module.parameters())


def moves(game: WGAN, step: int) -> list[str]:
    return [move.player for move in game.round(lambda: torch.randn(3, 2), step)]


def test_the_settings_are_the_papers():
    config = WGAN.Config()
    assert (config.critic_steps, config.weight_clip, config.optimizer) == (5, 0.01, RMSprop(5e-5))


def test_the_schedule_of_the_authors_code():
    """100 critic moves in the first 25 rounds and in every 500th, else 5; the generator moves once, at the end."""
    game = small()
    for step, critic in ((0, 100), (24, 100), (25, 5), (499, 5), (500, 100), (501, 5), (1000, 100)):
        assert moves(game, step) == ["critic"] * critic + ["generator"]
    own = small(critic_steps=2, long_steps=7, long_first=3, long_every=4)
    assert [len(moves(own, step)) - 1 for step in range(10)] == [7, 7, 7, 2, 7, 2, 2, 2, 7, 2]


def test_long_rounds_and_fading_noise_are_not_recorded():
    game = small(noise=InstanceNoise(0.1, steps=30))
    assert [game.phase(step) for step in (0, 24, 25, 29, 30, 499, 500)] == [None] * 4 + ["round", "round", None]


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_critics_weights_stay_within_the_clip(norm: dcgan.Norm):
    """From the start, and after every one of its moves; the generator's weights are free."""
    torch.manual_seed(0)
    config = WGAN.Config(2, long_steps=3, weight_clip=0.02, optimizer=RMSprop(0.5))
    game = WGAN(dcgan.Generator(2, (1, 12, 12), 4), dcgan.Discriminator((1, 12, 12), 4, norm), config)
    assert largest(game.critic) <= 0.02 < largest(game.generator)
    trainer = Trainer(game, _Images(), Training(steps=1, precision="fp32"))
    for move in game.round(trainer.stream, 0):
        assert largest(game.critic) <= 0.02
        trainer.play(move)
        if move.player == "critic":
            assert largest(game.critic) > 0.1, "such a rate leaves the bounds, before the weights are clipped"
    assert largest(game.critic) <= 0.02


class _Images:
    """A stream of noise."""

    def __call__(self) -> torch.Tensor:
        return torch.randn(4, 1, 12, 12)

    def state(self) -> dict[str, int]:
        return {}

    def restore(self, state: dict[str, int]) -> None: ...


def test_the_losses():
    game = small(long_steps=1)
    critic, generator = game.round(lambda: torch.ones(3, 2), 0)
    assert critic.loss.item() == pytest.approx(critic.logits.fake.mean().item() - critic.logits.real.mean().item())
    torch.manual_seed(1)
    *_, generator = game.round(lambda: torch.ones(3, 2), 0)
    torch.manual_seed(1)
    game.latents(3)  # the critic's
    assert generator.loss.item() == pytest.approx(-game.critic(game.generate(game.latents(3))).mean().item(), abs=1e-6)


def test_the_critic_of_clipped_weights_is_linear_in_the_shift():
    """A linear critic within [-c, c] estimates the distance of two shifted sets as c times their L1 distance."""
    torch.manual_seed(0)
    game = WGAN(nn.Linear(2, 3), nn.Linear(3, 1), WGAN.Config(2, weight_clip=0.01, optimizer=RMSprop(1e-2)))
    trainer = Trainer(game, _Images(), Training(steps=1, precision="fp32"))
    data = torch.randn(64, 3) + torch.tensor([3.0, -2.0, 5.0])
    with torch.no_grad():
        made = game.generate(game.latents(64))
    for move in game.round(lambda: data, 0):
        if move.player == "critic":
            trainer.play(move)
    shift = (data.mean(0) - made.mean(0)).abs().sum()
    estimate = game.critic(data).mean() - game.critic(made).mean()
    torch.testing.assert_close(estimate, 0.01 * shift, rtol=0.1, atol=0)


def test_it_learns_where_a_gaussian_lies():
    rng.seed(0)
    config = WGAN.Config(
        2, critic_steps=2, long_steps=10, weight_clip=0.2, optimizer=RMSprop(2e-3, decay=Decay("linear"))
    )
    game = WGAN(mlp.Generator(2, (2,), (32, 32)), mlp.Discriminator((2,), (32, 32)), config)
    training = Training(steps=1500, batch_size=128, average=0.99, precision="fp32")
    trainer = Trainer(game, Stream(load("gaussians:1,-2@0.5"), 128, seed=0), training)
    trainer.train()
    with torch.no_grad():
        made = trainer.sampler.generate(game.latents(4000))
    torch.testing.assert_close(made.mean(0), torch.tensor([1.0, -2.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(made.std(0), torch.tensor([0.5, 0.5]), atol=0.15, rtol=0)
    assert mixture.Mixture(torch.tensor([[1.0, -2.0]]), 0.5).log_prob(made).mean() > -1.6  # the data's is -1.45
