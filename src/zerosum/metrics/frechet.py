"""The Fréchet distance between two Gaussians fitted to features."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.metrics.statistics import Moments


def frechet(real: Moments, fake: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), >= 0; FID where features are Inception's; Heusel et al., 2017.

    ValueError where dimensions differ, a side has fewer than two rows, or a feature is not finite.
    """
    if real.dim != fake.dim:
        raise ValueError(f"real features have {real.dim} dimensions and fake ones {fake.dim}")
    for name, moments in (("real", real), ("fake", fake)):
        if moments.count < 2:
            raise ValueError(f"the Fréchet distance needs at least 2 {name} rows, not {moments.count}")
        if not bool(moments.mean.isfinite().all() and moments.covariance.isfinite().all()):
            raise ValueError(f"the {name} features are not all finite")
    first, second = real.covariance, fake.covariance
    means = (real.mean - fake.mean).square().sum()
    return max(0.0, float(means + first.trace() + second.trace() - 2 * _trace_root(first, second)))


def _trace_root(first: Tensor, second: Tensor) -> Tensor:
    """tr (S1 S2)^(1/2) of two covariances, (F, F) each."""
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp_min(0).sqrt()
    return torch.linalg.svdvals(root.T @ _root(second)).sum()


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp_min(0).sqrt()
