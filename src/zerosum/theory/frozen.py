"""Games on samples of known densities: a discriminator against a frozen generator, and how they are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import Objective
from zerosum.losses.penalties import Discriminator
from zerosum.optim import Optimizer
from zerosum.recipe import Training
from zerosum.theory.density import Density
from zerosum.training.trainer import Trainer

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
        self.objective, self.penalty = objective, penalty

    def players(self) -> dict[str, Player]:
        return {"discriminator": Player(self.optimizer, (self.discriminator,))}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        real = draw()  # (B, D)
        with torch.no_grad():
            fake = self.fakes(len(real)).to(real)
        logits = Logits(self.discriminator(real), self.discriminator(fake))
        terms = {"adversarial": self.objective.d(*logits)}
        if self.penalty:
            terms["penalty"] = self.penalty(self.discriminator, real, fake)
        yield Move("discriminator", logits=logits, log={}, **terms)


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

    def state(self) -> dict[str, int | Tensor]:
        return {"drawn": self.drawn}

    def restore(self, state: Mapping[str, int | Tensor]) -> None:
        self.drawn = int(state["drawn"])


def trainer_on(density: Density, game: Game[Any], steps: int, batch_size: int, seed: int) -> Trainer:
    """Plays `steps` steps of a game on fresh samples of a density; its last weights count."""
    stream = DensityStream(density, batch_size, seed)
    return Trainer(game, stream, Training(steps=steps, average=0.0, precision="fp32"))
