"""A discriminator that sees its images only through a random transform."""

from __future__ import annotations

from torch import Tensor, nn


class Augmented(nn.Module):
    """D(T(x)) in training, D(x) otherwise; T is drawn anew for every image, real or fake, and differentiable.

    Every use that a game makes of D, penalties included, is of D(T(x)): no other D exists for it.
    """

    def __init__(self, network: nn.Module, transform: nn.Module):
        super().__init__()
        self.network, self.transform = network, transform

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.transform(x) if self.training else x)
