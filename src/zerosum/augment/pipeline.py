"""R3GAN's augmentation: the transforms of ADA with a probability that a schedule gives; Huang et al., 2024."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.augment.adaptive import affine, color
from zerosum.augment.diff_augment import cutout

COLOR = 0.5  # the share of p that colour transforms have, in all of the authors' presets


def pipeline(x: Tensor, p: Tensor) -> Tensor:
    """Images (B, C, H, W) to the same shape; each transform comes with the probability p, a scalar, for each image.

    Those of `AdaptiveAugment`, of colour at half of p, and cutout, as in the authors' code. It can be differentiated
    twice, as gradient penalties need.
    """
    x = color(affine(x, p), COLOR * p)
    chosen = torch.rand(len(x), 1, 1, 1, device=x.device) < p
    return torch.where(chosen, cutout(x), x)
