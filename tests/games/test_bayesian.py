"""The Bayesian GAN: what its posteriors are made of, and that their samples differ."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zerosum import data
from zerosum.games import bayesian
from zerosum.games.bayesian import Bayesian
from zerosum.modality import Points, Spec
from zerosum.networks import mlp
from zerosum.optim import SGHMC
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng

G, D = SGHMC(0.01, temperature=0.5, data_points=1000), SGHMC(0.01, data_points=100)
CONFIG = Bayesian.Config(3, generators=3, discriminators=2, prior_std=0.5, g_optimizer=G, d_optimizer=D)


def game(config: Bayesian.Config = CONFIG) -> Bayesian:
    torch.manual_seed(4)
    generators = [mlp.Generator(config.latent_dim, (2,), (8,)) for _ in range(config.generators)]
    return Bayesian(generators, [mlp.Discriminator((2,), (8,)) for _ in range(config.discriminators)], config)


def test_z_says_which_generator_makes_a_sample():
    made = game()
    z = made.prior.draw(30)
    assert z.shape == (30, 3 + 3)
    points = made.generate(z)
    for row, point in zip(z, points, strict=True):
        member = made.generator.members[int(row[3:].argmax())]
        assert torch.allclose(member(row[None, :3])[0], point, atol=1e-6)
    assert len({int(row[3:].argmax()) for row in z}) == 3


def test_the_score_is_the_mean_of_the_probabilities():
    made, x = game(), torch.randn(7, 2)
    first, second = (member(x).sigmoid()[:, 0] for member in made.discriminator.members)
    assert torch.allclose(made.score(x), (first + second) / 2)
    assert made.discriminator(x).shape == (7, 2)


def test_the_losses_are_minus_the_log_posteriors():
    """Eq. 1 and 2, of each network, over the number of data points, whatever the temperature that is sampled at."""
    made, x = game(), torch.randn(5, 2)
    torch.manual_seed(9)
    discriminator, generator = list(made.round(lambda: x, 0))

    torch.manual_seed(9)
    fakes = [member(torch.randn(5, 3)) for member in made.generator.members]
    expected = torch.zeros(())
    for member in made.discriminator.members:
        on_fakes = torch.stack([F.logsigmoid(-member(fake)).mean() for fake in fakes]).mean()
        squares = sum(p.square().sum() for p in member.parameters())
        expected -= F.logsigmoid(member(x)).mean() + on_fakes - squares / (2 * 0.5**2) / 100
    assert discriminator.loss.item() == pytest.approx(expected.item(), rel=1e-5)

    fakes = [member(torch.randn(5, 3)) for member in made.generator.members]
    expected = torch.zeros(())
    for member, fake in zip(made.generator.members, fakes, strict=True):
        on_fake = torch.stack([F.logsigmoid(d(fake)).mean() for d in made.discriminator.members]).mean()
        squares = sum(p.square().sum() for p in member.parameters())
        expected -= on_fake - squares / (2 * 0.5**2) / 1000
    assert generator.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_network_meets_its_own_posterior_alone():
    """The gradient of one generator is the same whichever generators are beside it."""
    whole = game()
    torch.manual_seed(9)
    *_, move = whole.round(lambda: torch.zeros(5, 2), 0)
    gradients = torch.autograd.grad(move.loss, list(whole.generator.members[0].parameters()))

    torch.manual_seed(9)
    _ = [torch.randn(5, 3) for _ in whole.generator.members]  # for D's move
    member = whole.generator.members[0]
    on_fake = whole.discriminator(member(torch.randn(5, 3)))
    squares = sum(p.square().sum() for p in member.parameters())
    own = -F.logsigmoid(on_fake).mean() + squares / (2 * 0.5**2) / 1000
    for ours, expected in zip(gradients, torch.autograd.grad(own, list(member.parameters())), strict=True):
        assert torch.allclose(ours, expected, atol=1e-6)


def test_more_batches_of_z_are_more_fakes():
    config = Bayesian.Config(3, generators=2, discriminators=1, z_batches=4, g_optimizer=G, d_optimizer=D)
    move = next(game(config).round(lambda: torch.zeros(5, 2), 0))
    assert move.logits.real.shape == (5, 1) and move.logits.fake.shape == (2 * 4 * 5, 1)


def test_as_many_networks_as_the_config_says():
    with pytest.raises(ValueError, match="1 generators, 2 discriminators"):
        Bayesian([nn.Linear(3, 2)], [nn.Linear(2, 1)] * 2, CONFIG)


def test_samples_of_the_posterior_differ():
    """Trained side by side, the generators make points of one z that lie as far apart as points of different z."""
    rng.seed(0)
    sampler = SGHMC(2e-3, 0.5, adaptive=True, data_points=10_000)
    config = Bayesian.Config(2, generators=3, discriminators=1, g_optimizer=sampler, d_optimizer=sampler)
    ring = data.load("ring", seed=0)
    settings = Training(200, 64, average=0.0, precision="fp32")
    trainer = Trainer(bayesian.toy(Spec({"x": Points(2)}), config), data.Stream(ring, 64, seed=0), settings)
    trainer.train()
    z = torch.randn(500, 2)
    with torch.no_grad():
        points = torch.stack([member(z) for member in trainer.game.eval().generator.members])  # (3, 500, 2)
    of_one_z = torch.stack([(points[i] - points[j]).norm(dim=1).mean() for i, j in ((0, 1), (0, 2), (1, 2))])
    of_others = torch.stack([(made - made.roll(1, 0)).norm(dim=1).mean() for made in points]).mean()
    assert float(of_one_z.min()) > 0.8 * float(of_others)
