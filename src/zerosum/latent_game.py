"""What games of a generator share: z, samples of it, and the plumbing of two players. Abstract: games are final."""

from __future__ import annotations

from abc import ABC
from typing import Annotated, Literal, Protocol

import torch
from torch import Tensor, nn

from zerosum.batches import B
from zerosum.game import Game, Player
from zerosum.modality import Tokens
from zerosum.optim import Optimizer
from zerosum.roles import Discriminates, Generates, Illustrates, in_role

Order = Annotated[
    Literal["alternating", "simultaneous"],
    "how the players move: D, then G against the moved D; or both at once, on the same fakes",
]


class LatentGame(Game[B], Generates, ABC):
    """A game with a generator of z, and of a condition where there is one."""

    generator: nn.Module

    def latents(self, count: int) -> Tensor:
        """(count, prior.dim) from the prior, on the game's device."""
        return self.prior.draw(count, _device_of(self) or "cpu")

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.generator(z, *self.conditions(y))

    def conditions(self, y: Tensor | None) -> tuple[Tensor, ...]:
        """What networks see of y, after z or x: of texts what they mean; nothing where there is no condition."""
        if self.condition is None:
            return ()
        if y is None:
            raise ValueError(f"{self.name} is conditional: pass y")
        if isinstance(self.condition, Tokens):
            return (in_role(self, Illustrates).embed(y),)
        return (self.condition.vector(y),)


def _device_of(module: nn.Module) -> torch.device | None:
    """That of the first parameter, as `next(module.parameters()).device`, without a walk through all modules' names."""
    for parameter in module._parameters.values():
        if parameter is not None:
            return parameter.device
    for child in module._modules.values():
        if child is not None and (device := _device_of(child)) is not None:
            return device
    return None


class TwoOptimizers(Protocol):
    """Options of a game of two players."""

    @property
    def g_optimizer(self) -> Optimizer: ...
    @property
    def d_optimizer(self) -> Optimizer: ...


class TwoPlayerGame(LatentGame[B], Discriminates, ABC):
    """A generator against a discriminator that gives each sample one logit."""

    discriminator: nn.Module
    config: TwoOptimizers

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x, *self.conditions(y)).flatten()
