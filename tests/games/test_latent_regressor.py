"""The latent regressor: E learns z from fakes alone, and G nothing of E."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data import Stream, load
from zerosum.games import find
from zerosum.games.latent_regressor import LatentRegressor
from zerosum.modality import Image, Spec
from zerosum.networks import bigan as networks
from zerosum.networks import mlp
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def game(**config: object) -> LatentRegressor:
    torch.manual_seed(1)
    own = LatentRegressor.Config(3, **config)  # type: ignore[arg-type]
    return LatentRegressor(
        mlp.Generator(3, (2,), (8,)),
        networks.plain_encoder((2,), 3, (8,), bounded=own.prior == "uniform"),
        networks.plain_sample_discriminator((2,), (8,)),
        own,
    )


def batch() -> Tensor:
    return torch.randn(6, 2, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_the_losses(prior: str):
    made = game(prior=prior)
    torch.manual_seed(5)
    d, g, e = list(made.round(batch, 0))
    torch.manual_seed(5)
    fake = made.generator(made.prior.draw(6))
    on_real, on_fake = made.discriminator(batch()), made.discriminator(fake)
    torch.testing.assert_close(d.loss, F.softplus(-on_real).mean() + F.softplus(on_fake).mean())
    z = made.prior.draw(6)
    fake = made.generator(z)
    torch.testing.assert_close(g.loss, F.softplus(-made.discriminator(fake)).mean())
    found = made.encode(fake)
    if prior == "normal":
        expected = (found - z).square().sum(1).mean() / 2
    else:  # probabilities of bits that are 1 in the share (z + 1) / 2
        p, share = (found + 1) / 2, (z + 1) / 2
        expected = -(share * p.log() + (1 - share) * (1 - p).log()).sum(1).mean()
    torch.testing.assert_close(e.loss, expected)


def test_nobody_else_learns_from_the_encoder():
    made = game()
    move = [*made.round(batch, 0)][-1]
    assert move.player == "encoder"
    others = [*made.generator.parameters(), *made.discriminator.parameters()]
    assert all(slope is None for slope in torch.autograd.grad(move.loss, others, allow_unused=True, retain_graph=True))
    assert all(slope is not None for slope in torch.autograd.grad(move.loss, list(made.encoder.parameters())))


def test_every_player_s_weights_decay():
    made, plain = game(weight_decay=0.3, d_weight_decay=0.6), game()
    for module, move in zip((made.discriminator, made.generator, made.encoder), made.round(batch, 0), strict=True):
        squares = sum(float(p.detach().square().sum()) for p in module.parameters())
        weight = 0.6 if move.player == "discriminator" else 0.3
        assert move.terms["weight_decay"].item() == pytest.approx(weight / 2 * squares, rel=1e-5)
    assert all("weight_decay" not in move.terms for move in plain.round(batch, 0))


def test_z_comes_to_be_found():
    """Of the ring, in two numbers: the error of who says 0 is that of the prior's deviation, 1 / sqrt(3)."""
    rng.seed(0)
    recipe, data = find("latent-regressor/toy"), load("ring")
    made = recipe.build(data.spec)
    assert isinstance(made, LatentRegressor)
    Trainer(made, Stream(data, 128, seed=0), Training(steps=500, batch_size=128, average=0.0, precision="fp32")).train()
    with torch.no_grad():
        z = made.prior.draw(2000)
        error = (made.encode(made.generate(z)) - z).square().mean().sqrt()
    assert error < 0.5 / math.sqrt(3)


def test_the_paper_s_encoder_begins_with_nothing():
    """Nor does E see more than G's samples: its first z are the middle of the prior."""
    made = find("latent-regressor/mnist").build(Spec({"x": Image(1, 8, 8)}), {"network": {"width": 8}})
    assert isinstance(made, LatentRegressor) and (made.encode(torch.rand(3, 1, 8, 8)) == 0).all()
