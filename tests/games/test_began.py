"""BEGAN's loss, its control of k, and its networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zerosum.games.began import BEGAN, reconstruction_loss
from zerosum.networks import began as networks


class Scale(nn.Module):
    """Reconstructs v as a * v, so that L(v) = |1 - a| times the mean of |v|."""

    def __init__(self, a: float):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, v: Tensor) -> Tensor:
        return self.a * v


class Constant(nn.Module):
    """Makes one point (c, -c) of every z."""

    def __init__(self, c: float):
        super().__init__()
        self.c = nn.Parameter(torch.tensor(c))

    def forward(self, z: Tensor) -> Tensor:
        return self.c * torch.tensor([1.0, -1.0]).expand(len(z), 2)


DATA = torch.tensor([[1.0, -3.0], [2.0, 2.0]])  # L(x) = 2 |1 - a|
CONFIG = BEGAN.Config(latent_dim=1, gamma=0.5, k_rate=0.1)


def game(a: float = 0.75, c: float = 1.0, k: float = 0.4) -> BEGAN:
    made = BEGAN(Constant(c), Scale(a), CONFIG)
    made.k.fill_(k)
    return made


def test_the_loss_is_the_mean_absolute_error_of_each_sample():
    v = torch.tensor([[[[1.0, 2.0]]], [[[0.0, -4.0]]]])
    assert torch.equal(reconstruction_loss(v, torch.zeros_like(v)), torch.tensor([1.5, 2.0]))
    half = reconstruction_loss(v, torch.zeros_like(v, dtype=torch.bfloat16))
    assert half.dtype == torch.float32


def test_the_losses_of_both_moves():
    """L_D = L(x) - k L(G(z)), L_G = L(G(z))."""
    discriminator, generator = list(game().round(lambda: DATA, 0))
    assert discriminator.loss.item() == pytest.approx(0.25 * 2 - 0.4 * 0.25 * 1)
    assert generator.loss.item() == pytest.approx(0.25)
    assert torch.allclose(discriminator.logits.real, torch.tensor([-0.5, -0.5]))  # higher is more real
    assert torch.allclose(discriminator.logits.fake, torch.tensor([-0.25, -0.25]))


@pytest.mark.parametrize(("k", "c", "expected"), [
    (0.4, 1.0, 0.4),  # gamma L(x) = L(G(z)) = 0.25: at rest
    (0.4, 0.2, 0.42),  # L(G(z)) = 0.05: G is ahead, so D minds fakes more
    (0.4, 3.0, 0.35),  # L(G(z)) = 0.75: G is behind
    (0.01, 3.0, 0.0),
    (0.99, 0.2, 1.0),
])  # fmt: skip
def test_k_follows_the_balance_within_0_and_1(k: float, c: float, expected: float):
    played = game(k=k, c=c)
    moves = played.round(lambda: DATA, 0)
    next(moves), next(moves)
    assert played.k.item() == pytest.approx(k), "k waits until G's move is made"
    assert next(moves, None) is None
    assert played.k.item() == pytest.approx(expected)
    assert "k" in played.state_dict()


@pytest.mark.parametrize(("c", "expected"), [(1.0, 0.5), (0.2, 0.5 + 0.2), (3.0, 0.5 + 0.5)])
def test_the_measure_of_convergence(c: float, expected: float):
    """M = L(x) + |gamma L(x) - L(G(z))|."""
    _, generator = list(game(c=c).round(lambda: DATA, 0))
    assert generator.log["convergence"].item() == pytest.approx(expected)


def test_d_spoils_what_it_can_of_a_fake():
    """With k = 1 and a fake of its own, D's gradient is that of L(x) less that of L(G(z))."""
    played = game(a=0.5, c=1.0, k=1.0)
    move = next(played.round(lambda: DATA, 0))
    (gradient,) = torch.autograd.grad(move.loss, [played.discriminator.a])
    assert gradient.item() == pytest.approx(-2.0 + 1.0)  # d/da of |1 - a| (2 - 1)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 16, 16), (2, 9, 15), (1, 5, 5), (3, 64, 48)], ids=str)
def test_the_networks_fit_every_image(shape):
    x = torch.randn(2, *shape)
    encoder, decoder = networks.Encoder(6, shape, 4), networks.Decoder(6, shape, 4)
    assert encoder(x).shape == (2, 6) and decoder(encoder(x)).shape == x.shape
    assert networks.convolutional(6, shape, 4)(x).shape == x.shape


def test_filters_grow_linearly_and_sizes_halve_to_seven():
    encoder = networks.Encoder(8, (1, 28, 28), width=4)
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [4, 4, 4, 8, 8, 8, 12, 12, 12]
    assert encoder.layers[-1].in_features == 12 * 7 * 7
    decoder = networks.Decoder(8, (1, 28, 28), width=4)
    assert {m.out_channels for m in decoder.modules() if isinstance(m, nn.Conv2d)} == {4, 1}
    assert not any(isinstance(m, (nn.Tanh, nn.BatchNorm2d)) for m in [*encoder.modules(), *decoder.modules()])


def test_the_perceptron_has_a_bottleneck():
    autoencoder = networks.perceptron(1, (2,), (16, 8))
    widths = [m.out_features for m in autoencoder if isinstance(m, nn.Linear)]
    assert widths == [16, 8, 1, 8, 16, 2]
    x = torch.randn(50, 2)
    assert autoencoder(x).shape == (50, 2)
