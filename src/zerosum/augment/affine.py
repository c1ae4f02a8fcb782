"""Random affine maps of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor

from zerosum.options import Checked
from zerosum.util.checks import shapes


@dataclass(frozen=True)
class RandomAffine(Checked):
    """Random affine maps of images that keep their class: small translation, rotation, shear and scaling; edges repeat.

    Not for what a gradient penalty sees: `grid_sample` cannot be differentiated twice (`adaptive.warp` can).
    """

    shift: Annotated[float, Ge(0), Lt(1), "largest translation, as a fraction of the image's side"] = 0.1
    warp: Annotated[
        float, Ge(0), Lt(1), "largest change of each entry of the 2x2 matrix; 0.3 turns or slants by up to 17 degrees"
    ] = 0.3

    def __call__(self, x: Tensor) -> Tensor:
        """Each image, (B, C, H, W), under a map of its own; in float32."""
        shapes("B C H W", x=x)
        height, width = x.shape[2:]
        rows, columns = (torch.arange(n, device=x.device).add(0.5).mul(2 / n).sub(1) for n in (height, width))
        matrix = self.warp * (2 * torch.rand(4, len(x), 1, 1, device=x.device) - 1)
        move = 2 * self.shift * (2 * torch.rand(2, len(x), 1, 1, device=x.device) - 1)  # the image is 2 wide and high
        # Without a product of matrices, which autocast would step: in bf16 a place is off by up to a pixel.
        across = (1 + matrix[0]) * columns + matrix[1] * rows[:, None] + move[0]  # (B, H, W)
        down = matrix[2] * columns + (1 + matrix[3]) * rows[:, None] + move[1]
        places = torch.stack([across, down], dim=-1)
        return F.grid_sample(x.float(), places, padding_mode="border", align_corners=False)
