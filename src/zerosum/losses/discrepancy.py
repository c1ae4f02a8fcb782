"""Maximum mean discrepancy under Gaussian kernels: how far two sets of vectors are apart; Gretton et al., 2012."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, number, shapes

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, in units that `discrepancy` is told


def discrepancy(real: Tensor, fake: Tensor, scale: float = 1.0, bandwidths: Sequence[float] = BANDWIDTHS) -> Tensor:
    """MMD^2 under a mean of Gaussian kernels; Gretton et al., 2012, "A kernel two-sample test".

    The unbiased estimate, E k(x, x') + E k(y, y') - 2 E k(x, y) over pairs of different samples: of two batches of one
    distribution its mean is 0, so it may be below: more often than above, and by less. k(x, y) is the mean of
    exp(-|x - y|^2 / (2 s^2)) over s = `scale` times each of `bandwidths`.

    Args:
        real, fake: vectors (B, F) and (M, F), at least two of each; the gradient reaches both.
        scale: > 0, the distance that is usual between two of them.
        bandwidths: > 0, at least one.

    Returns:
        A scalar of at most 2.

    Raises:
        ArgumentError: other shapes, one vector alone, no bandwidth, or one that is not positive.
    """
    sizes = shapes("B F", real=real)
    shapes("M F", {"F": sizes["F"]}, fake=fake)
    if min(len(real), len(fake)) < 2:
        raise ArgumentError(f"two vectors of each are needed, not {len(real)} real and {len(fake)} fake")
    if not bandwidths or min(number("scale", scale), *(number("bandwidths", s) for s in bandwidths)) <= 0:
        raise ArgumentError(f"scale and bandwidths must be positive, not {scale} and {list(bandwidths)}")
    x, y = to_float32(real), to_float32(fake)
    widths = [scale * s for s in bandwidths]
    within = sum(_without_diagonal(_kernel(own, own, widths)) for own in (x, y))
    return within - 2 * _kernel(x, y, widths).mean()


def _kernel(x: Tensor, y: Tensor, widths: Sequence[float]) -> Tensor:
    """(B, M) of (B, F) and (M, F)."""
    squared = (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)
    return torch.stack([(-squared / (2 * s**2)).exp() for s in widths]).mean(0)


def _without_diagonal(kernel: Tensor) -> Tensor:
    """The mean of (B, B) but for its diagonal."""
    return (kernel.sum() - kernel.trace()) / (len(kernel) * (len(kernel) - 1))
