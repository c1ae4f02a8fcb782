"""Instance noise: Gaussian noise on D's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from zerosum.util.checks import floating


@dataclass(frozen=True)
class InstanceNoise:
    """Gaussian noise on D's input, real and fake alike, annealed linearly to none.

    It gives the two distributions overlapping supports; Arjovsky and Bottou, 2017, section 3; Sønderby et al., 2017.
    """

    std: Annotated[float, Ge(0), "standard deviation at the start; images span [-1, 1]"] = 0.0
    steps: Annotated[int | None, Gt(0), "anneal to zero over this many steps; none: constant noise"] = None

    def settled(self, step: int) -> bool:
        """Whether the noise is the same in every step from `step` on."""
        return not self.std or self.steps is None or step >= self.steps

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """x, (B, *shape), with the noise of `step` (from 0)."""
        floating("x", x)
        std = self.std * (max(1 - step / self.steps, 0.0) if self.steps else 1.0)
        return x + std * torch.randn_like(x) if std else x


DiscriminatorNoise = Annotated[InstanceNoise, "Gaussian noise on D's input, real and fake"]
