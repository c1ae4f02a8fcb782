"""Luma, the weights of red, green and blue in grey: ITU-R BT.601."""

from __future__ import annotations

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def luma(x: Tensor) -> Tensor:
    """Colour (..., 3, H, W) to (..., 1, H, W), in the range that it has."""
    return (x * x.new_tensor(LUMA)[:, None, None]).sum(-3, keepdim=True)
