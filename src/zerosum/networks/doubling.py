"""Images doubled by nearest neighbours and then convolved: Odena, Dumoulin and Olah, 2016, "Deconvolution and
checkerboard artifacts".

Of the 9 pixels that a 3x3 convolution then looks at at most 4 are different ones. Where that pays, the weights of equal
pixels are added up first: a transposed convolution of stride 2 with 4x4 weights, which makes the same of 4/9 of the
multiplications, and never holds the doubled image.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.util.tracing import is_exporting

Edges = Literal["zeros", "reflect"]

# Which of the three weights of a side each of the four is the sum of, mirrored, as transposed convolutions have them.
SIDE = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], device="cpu")  # whatever the default device is
MIXING = torch.einsum("ak,bl->klab", SIDE, SIDE).reshape(9, 16)
ENOUGH = 256  # pixels of a batch from which on the multiplications cost more than the weights do


class DoublingConv2d(nn.Conv2d):
    """(B, before, h, w) to (B, after, 2h, 2w): nearest neighbours, then a 3x3 convolution, edges padded."""

    def __init__(self, before: int, after: int, *, bias: bool = True, edges: Edges = "zeros"):
        super().__init__(before, after, 3, padding=1, bias=bias, padding_mode=edges)

    def forward(self, x: Tensor) -> Tensor:
        if not _pays(x):
            return super().forward(F.interpolate(x, scale_factor=2.0))
        if self.padding_mode == "zeros":
            return F.conv_transpose2d(x, summed(self.weight), self.bias, stride=2, padding=1)
        # What is reflected at the edge of a doubled image is the twin of the pixel at the edge.
        widened = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv_transpose2d(widened, summed(self.weight), self.bias, stride=2, padding=3)


def doubling(before: int, after: int, *, bias: bool = True, edges: Edges = "zeros") -> list[nn.Module]:
    """The layer, at its place of when doubling was a layer before it: by this number the weights of runs are named."""
    return [nn.Identity(), DoublingConv2d(before, after, bias=bias, edges=edges)]


def summed(weight: Tensor) -> Tensor:
    """Weights (after, before, 3, 3) for a doubled image as those of a transposed convolution of stride 2 for the image
    itself, (before, after, 4, 4)."""
    after, before = weight.shape[:2]
    mixed = weight.reshape(-1, 9) @ MIXING.to(weight)  # one product, which is faster than sums of slices
    return mixed.view(after, before, 4, 4).transpose(0, 1)


def _pays(x: Tensor) -> bool:
    """Measured on processors in single precision alone (`python -m benchmarks.doubling`)."""
    if is_exporting() or not x.is_cpu or torch.is_autocast_enabled("cpu"):
        return False
    return len(x) * x.shape[2] * x.shape[3] >= ENOUGH
