"""A discriminator trained against a frozen generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.game import Draw, Game, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import Objective
from zerosum.losses.penalties import Discriminator
from zerosum.optim import Optimizer
from zerosum.theory.density import Density

Penalty = Callable[[Discriminator, Tensor, Tensor], Tensor]


class FrozenGenerator(Game[Tensor]):
    """Algorithm 1 of Goodfellow et al., 2014, without its generator's step: D against fresh fakes, (B, D) points.

    Args:
        fakes: n to n fakes, as `Density.sample`.
        discriminator: points to logits (B, 1).
        objective: whose loss of D is minimised.
        penalty: is added to it.
    """

    name = "frozen"

    def __init__(
        self,
        fakes: Callable[[int], Tensor],
        discriminator: nn.Module,
        optimizer: Optimizer,
        objective: Objective = adversarial.minimax,
        penalty: Penalty | None = None,
    ):
        super().__init__()
        self.fakes, self.discriminator, self.optimizer = fakes, discriminator, optimizer
        self.objective, self.penalty, self.prior = objective, penalty, latent.Normal(1)

    def players(self) -> dict[str, Player]:
        return {"discriminator": Player(self.optimizer, (self.discriminator,))}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        real = draw()  # (B, D)
        fake = self.sample(real)
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        terms = {"penalty": self.penalty(self.discriminator, real, fake)} if self.penalty else {}
        log = {"real": real_logits, "fake": fake_logits}
        yield Move("discriminator", adversarial=self.objective.d(real_logits, fake_logits), **terms, log=log)

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            return self.fakes(len(like)).to(like)


class DensityStream:
    """Endless batches (B, D) of a density, float32. Batch n follows from the seed and n: a position is one number."""

    def __init__(self, density: Density, batch_size: int, seed: int, device: str | torch.device = "cpu"):
        self.density, self.batch_size, self.seed, self.device = density, batch_size, seed, device
        self.drawn = 0

    def __call__(self) -> Tensor:
        # The generator takes 32 bits; steps of the golden ratio keep the batches of different seeds far apart.
        generator = torch.Generator().manual_seed((self.seed * 0x9E3779B1 + self.drawn) % 2**32)
        self.drawn += 1
        return self.density.sample(self.batch_size, generator).float().to(self.device)

    def state(self) -> dict[str, int]:
        return {"drawn": self.drawn}

    def restore(self, state: dict[str, int]) -> None:
        self.drawn = state["drawn"]
