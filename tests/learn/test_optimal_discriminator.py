"""A discriminator trained against a frozen generator on known densities finds p / (p + q); Goodfellow et al., 2014.

Proposition 1: the best D is p / (p + q). Theorem 1: the value is then -log 4 + 2 JSD(p, q).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.data.density import Mixture
from zerosum.game import Game, Move, Player
from zerosum.networks import mlp
from zerosum.objectives import non_saturating
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.trainer import Trainer

CASES = {
    "1-D": (
        Mixture(torch.tensor([[-1.0], [1.5]]), torch.tensor([0.5, 0.3]), torch.tensor([0.6, 0.4])),
        Mixture(torch.tensor([[0.3]]), 1.0),
    ),
    "2-D": (
        Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.6),
        Mixture(torch.tensor([[0.0, -0.5], [0.5, 1.0]]), torch.tensor([0.8, 0.5])),
    ),
}


class Frozen(Game[Tensor]):
    """D against samples of q that no one moves."""

    name = "frozen"

    def __init__(self, q: Mixture, discriminator: nn.Module):
        super().__init__()
        self.q, self.discriminator, self.prior = q, discriminator, latent.Normal(1)

    def players(self) -> dict[str, Player]:
        return {"discriminator": Player(Adam(5e-3, (0.9, 0.999), decay=Decay("cosine")), (self.discriminator,))}

    def round(self, draw, step: int) -> Iterator[Move]:
        real = draw()
        made = self.sample(real)
        yield Move("discriminator", x=non_saturating.d(self.discriminator(real), self.discriminator(made)))

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.q.sample(len(like))


class Draws:
    def __init__(self, p: Mixture, batch: int):
        self.p, self.batch = p, batch

    def __call__(self) -> Tensor:
        return self.p.sample(self.batch)

    def state(self) -> dict[str, int]:
        return {}

    def restore(self, state: dict[str, int]) -> None: ...


def grid(dim: int) -> tuple[Tensor, float]:
    """Points that cover both densities, and the volume that each stands for."""
    axis = torch.linspace(-5, 5, 2001 if dim == 1 else 201)
    points = axis[:, None] if dim == 1 else torch.cartesian_prod(axis, axis)
    return points, (axis[1] - axis[0]).item() ** dim


@pytest.mark.parametrize("name", list(CASES))
def test_the_best_discriminator(name: str, record_property):
    p, q = CASES[name]
    points, volume = grid(p.means.shape[1])
    density_p, density_q = p.log_prob(points).exp(), q.log_prob(points).exp()
    assert (density_p.sum() * volume).item() == pytest.approx(1, abs=1e-3), "the grid misses some of p"
    assert (density_q.sum() * volume).item() == pytest.approx(1, abs=1e-3), "the grid misses some of q"
    middle = (density_p + density_q) / 2
    best = density_p / (density_p + density_q)

    def kl(a: Tensor) -> Tensor:
        return (torch.xlogy(a, a / middle).nan_to_num() * volume).sum()

    jsd = (kl(density_p) + kl(density_q)) / 2
    assert 0.1 < jsd < math.log(2) - 0.1  # neither equal nor apart

    discriminator = mlp.Discriminator((p.means.shape[1],), (64, 64))
    training = Training(steps=700, average=0.0, precision="fp32")
    trainer = Trainer(Frozen(q, discriminator), Draws(p, 512), training)

    @torch.no_grad()
    def found() -> tuple[float, float]:
        """Mean absolute error of D where the data and the fakes are, and the value of the game, by integration."""
        logits = discriminator(points)[:, 0]
        error = ((logits.sigmoid() - best).abs() * middle * volume).sum()
        value = (density_p * -nn.functional.softplus(-logits) - density_q * nn.functional.softplus(logits)) * volume
        return error.item(), value.sum().item()

    untrained, _ = found()
    assert untrained > 0.1
    trainer.train()
    error, value = found()
    target = -math.log(4) + 2 * jsd.item()
    record_property("found", f"{name}: error {error:.4f}, value {value:.4f}, target {target:.4f}")
    print(f"{name}: error {error:.4f} (untrained {untrained:.3f}), value {value:.4f}, target {target:.4f}")
    assert error < 0.02
    assert value == pytest.approx(target, abs=0.01)
    assert value <= target + 1e-3  # no D does better than the best
