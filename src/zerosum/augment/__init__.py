"""What happens to D's input before D sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Lt
from torch import Tensor


@dataclass(frozen=True)
class InstanceNoise:
    """Gaussian noise on D's input, real and fake alike, annealed linearly to none.

    It gives the two distributions overlapping supports; Arjovsky and Bottou, 2017, section 3; Sønderby et al., 2017.
    """

    std: Annotated[float, Ge(0), "standard deviation at the start; images span [-1, 1]"] = 0.0
    steps: Annotated[int | None, Gt(0), "anneal to zero over this many training steps; none: constant noise"] = None

    def settled(self, step: int) -> bool:
        """Whether the noise is the same in every round from `step` on."""
        return not self.std or self.steps is None or step >= self.steps

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """x, (B, *shape), with the noise of round `step` (from 0)."""
        std = self.std * (max(1 - step / self.steps, 0.0) if self.steps else 1.0)
        return x + std * torch.randn_like(x) if std else x


@dataclass(frozen=True)
class Views:
    """Random views of images that keep their class: moved, turned, slanted and stretched a little; edges repeat."""

    shift: Annotated[float, Ge(0), Lt(1), "largest move, as a share of the image's side"] = 0.1
    warp: Annotated[
        float, Ge(0), Lt(1), "largest change of each entry of the 2x2 matrix; 0.3 turns or slants by up to 17 degrees"
    ] = 0.3

    def __call__(self, x: Tensor) -> Tensor:
        """A view of each image, (B, C, H, W)."""
        height, width = x.shape[2:]
        rows, columns = (torch.arange(n, device=x.device).add(0.5).mul(2 / n).sub(1) for n in (height, width))
        matrix = self.warp * (2 * torch.rand(4, len(x), 1, 1, device=x.device) - 1)
        move = 2 * self.shift * (2 * torch.rand(2, len(x), 1, 1, device=x.device) - 1)  # the image is 2 wide and high
        # Without a product of matrices, which autocast would round: in bf16 a place is off by up to a pixel.
        across = (1 + matrix[0]) * columns + matrix[1] * rows[:, None] + move[0]  # (B, H, W)
        down = matrix[2] * columns + (1 + matrix[3]) * rows[:, None] + move[1]
        places = torch.stack([across, down], dim=-1)
        return F.grid_sample(x.float(), places, padding_mode="border", align_corners=False)
