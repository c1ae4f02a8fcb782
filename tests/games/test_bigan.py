"""BiGAN against its paper: the value of eq. 3, its optimum (Theorem 1), and that E comes to invert G (Theorem 2)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from zerosum.data import Stream
from zerosum.data.dataset import dataset
from zerosum.game import Move
from zerosum.games.bigan import BiGAN
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.networks import bigan as networks
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng

MIX = torch.tensor([[1.5, 0.5], [-0.5, 1.0]])  # data are MIX z + SHIFT, z ~ N(0, I)
SHIFT = torch.tensor([0.5, -1.0])


class Sum(nn.Module):
    """A discriminator whose logits are known: the sum of all numbers of a pair, times a scale."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.scale * (x.sum(1, keepdim=True) + z.sum(1, keepdim=True))


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(2, 2)
    layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
    return layer


def encoder(weight: Tensor, bias: Tensor) -> networks.Encoder:
    return networks.Encoder(nn.Identity(), linear(weight, bias), bounded=False)


def moves(game: BiGAN, data: Tensor) -> list[Move]:
    torch.manual_seed(4)
    return list(game.round(lambda: data, 0))


def known(**config: object) -> tuple[BiGAN, Tensor, Tensor, Tensor]:
    """A game of known logits; a batch; and its logits of pairs (x, E(x)) and (G(z), z)."""
    torch.manual_seed(0)
    game = BiGAN(
        linear(torch.randn(2, 2), torch.randn(2)),
        encoder(torch.randn(2, 2), torch.randn(2)),
        Sum(),
        replace(BiGAN.Config(latent_dim=2), **config),
    )
    x = torch.randn(6, 2)
    torch.manual_seed(4)
    z = torch.rand(6, 2) * 2 - 1
    return game, x, (x + game.encode(x)).sum(1), (game.generator(z) + z).sum(1)


def test_d_ascends_the_value_of_equation_3():
    game, x, real, fake = known()
    d, _ = moves(game, x)
    value = torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean()
    assert d.player == "discriminator" and list(d.terms) == ["adversarial"]
    assert d.loss.item() == pytest.approx(-value.item(), rel=1e-5)
    assert torch.allclose(d.logits.real.flatten(), real) and torch.allclose(d.logits.fake.flatten(), fake)


def test_g_and_e_have_the_labels_swapped_or_descend_the_value():
    game, x, real, fake = known()
    swapped = (1 - torch.sigmoid(real)).log().mean() + torch.sigmoid(fake).log().mean()
    assert moves(game, x)[1].loss.item() == pytest.approx(-swapped.item(), rel=1e-5)
    game, x, real, fake = known(generator="minimax")
    value = torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean()
    move = moves(game, x)[1]
    assert move.player == "generator" and move.loss.item() == pytest.approx(value.item(), rel=1e-5)
    move.loss.backward()
    for module in (game.generator, game.encoder):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_labels_and_weight_decay():
    game, x, real, fake = known(targets=LabelSmoothing(real=0.9), weight_decay=0.02)
    d, g = moves(game, x)
    smooth = 0.9 * torch.sigmoid(real).log() + 0.1 * (1 - torch.sigmoid(real)).log()
    assert d.terms["adversarial"].item() == pytest.approx(
        -(smooth.mean() + (1 - torch.sigmoid(fake)).log().mean()).item(), rel=1e-5
    )
    assert d.terms["weight_decay"].item() == pytest.approx(0.01)  # of a single weight of 1
    own = [p for module in (game.generator, game.encoder) for p in module.parameters()]
    squares = torch.stack([p.square().sum() for p in own]).sum()
    assert g.terms["weight_decay"].item() == pytest.approx(0.01 * float(squares.detach()), rel=1e-5)


def gaussian(generator: nn.Module, own: networks.Encoder) -> Trainer:
    """A game on the affine image of a Gaussian."""
    x = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1)) @ MIX.T + SHIFT
    adam = Adam(1e-2, (0.0, 0.99), decay=Decay("linear"))
    config = BiGAN.Config(latent_dim=2, prior="normal", g_optimizer=adam, d_optimizer=adam)
    game = BiGAN(generator, own, networks.PlainDiscriminator((2,), 2, (64, 64)), config)
    stream = Stream(dataset("affine", x), 256, seed=0)
    return Trainer(game, stream, Training(1200, 256, average=0.0, precision="fp32"))


def value_of_best_d(own: networks.Encoder) -> float:
    """V(D, E, G) after training D alone, where G is true to the data."""
    rng.seed(0)
    trainer = gaussian(linear(MIX, SHIFT), own)
    values = []
    for step in range(400):
        for move in trainer.game.round(trainer.stream, step):
            if move.player == "discriminator":
                values.append(-move.loss.item())
                trainer.play(move)
    return sum(values[-100:]) / 100


def test_at_the_optimum_no_d_does_better_than_chance():
    """V is -log 4 where E is G's inverse (Theorem 1), and above it where E has the right marginal, but is not."""
    inverse = MIX.inverse()
    assert value_of_best_d(encoder(inverse, -inverse @ SHIFT)) == pytest.approx(-math.log(4), abs=0.01)
    other = -inverse  # -z is as normal as z
    assert value_of_best_d(encoder(other, -other @ SHIFT)) > -math.log(4) + 0.5


def test_e_learns_to_invert_g():
    rng.seed(0)
    trainer = gaussian(nn.Linear(2, 2), networks.Encoder(nn.Identity(), nn.Linear(2, 2), bounded=False))
    game = trainer.game
    assert isinstance(game, BiGAN)
    x, z = trainer.stream(), torch.randn(1000, 2)

    def errors() -> tuple[float, float]:
        """Of G(E(x)) and of E(G(z)), in standard deviations."""
        with torch.no_grad():
            there, back = game.generate(game.encode(x)) - x, game.encode(game.generate(z)) - z
        return float((there.square().mean(0) / x.var(0)).mean().sqrt()), float(back.square().mean().sqrt())

    assert min(errors()) > 0.5, "untrained networks already invert each other"
    trainer.train()
    assert max(errors()) < 0.1
    with torch.no_grad():
        made = game.generate(game.latents(20_000))
    assert torch.allclose(made.T.cov(), MIX @ MIX.T, atol=0.2) and torch.allclose(made.mean(0), SHIFT, atol=0.1)


def test_both_pairs_in_one_forward_are_judged_as_apart():
    torch.manual_seed(0)
    real, fake = (torch.randn(5, 1, 4, 4), torch.randn(5, 3)), (torch.randn(5, 1, 4, 4), torch.randn(5, 3))
    plain = networks.PlainDiscriminator((1, 4, 4), 3)
    for together, apart in zip(discriminate(plain, real, fake), (plain(*real), plain(*fake)), strict=True):
        assert torch.allclose(together, apart, atol=1e-6)
    normed = networks.Discriminator((1, 4, 4), 3, width=8)  # its batch norm must see them apart
    for together, apart in zip(discriminate(normed, real, fake), (normed(*real), normed(*fake)), strict=True):
        assert torch.equal(together, apart)


def test_the_encoder_of_images():
    torch.manual_seed(0)
    own = networks.encoder((1, 6, 6), 5, width=16)
    x = torch.rand(32, 1, 6, 6) * 2 - 1
    features = own.features(x)
    assert features.shape == (32, 16) and own(x).shape == (32, 5) and own(x).abs().max() < 1
    assert torch.equal(own(x), own.code(features))
    back = torch.where(features > 0, features, features / 0.2)  # before the LeakyReLU: normalised over the batch
    assert torch.allclose(back.mean(0), torch.zeros(16), atol=1e-5)
    assert torch.allclose(back.std(0, correction=0), torch.ones(16), atol=0.05)
    assert not [name for name, _ in own.named_parameters() if "bias" in name or "norm" in name]
