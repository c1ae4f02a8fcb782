"""Gaussian mixtures: points to train on whose density is known exactly."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Mixture:
    """A mixture of isotropic Gaussians in D dimensions.

    Args:
        means: (K, D).
        std: one standard deviation for all, or (K,).
        weights: (K,), positive, scaled to sum to 1; equal by default.
    """

    def __init__(self, means: Tensor, std: float | Tensor, weights: Tensor | None = None) -> None:
        if means.dim() != 2:
            raise ValueError(f"means must be (K, D), not {tuple(means.shape)}")
        count = means.shape[0]
        self.means = means
        self.std = torch.as_tensor(std, dtype=means.dtype).expand(count)  # (K,)
        weights = means.new_ones(count) if weights is None else weights
        if weights.shape != (count,) or not bool((weights > 0).all()) or not bool((self.std > 0).all()):
            raise ValueError(f"weights must be {count} positive numbers, and so must std")
        self.weights = weights / weights.sum()  # (K,)

    def __repr__(self) -> str:
        # Rounded, so that the same mixture reads the same on every processor; + 0.0 turns -0.0 into 0.0.
        means, std, weights = (
            ((v.double() * 1e5).round() / 1e5 + 0.0).tolist() for v in (self.means, self.std, self.weights)
        )
        return f"Mixture({means=}, {std=}, {weights=})"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, D) points."""
        return self.sample_labelled(n, generator)[0]

    def sample_labelled(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(n, D) points and (n,) int64, the component each was drawn from."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # (n,)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[k] + self.std[k, None] * noise, k

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,) log densities (nats) of the points (N, D): log sum_k w_k N(x; mean_k, std_k^2 I)."""
        dim = self.means.shape[1]
        square = (x[:, None] - self.means).square().sum(2) / self.std.square()  # (N, K)
        log_norm = dim * (self.std.log() + 0.5 * math.log(2 * math.pi))  # (K,)
        return torch.logsumexp(self.weights.log() - log_norm - 0.5 * square, 1)


def ring() -> Mixture:
    """Eight Gaussians of std 0.05 on the unit circle: the usual test of mode coverage, well inside [-1.2, 1.2]^2."""
    angle = torch.arange(8) * (2 * math.pi / 8)
    return Mixture(torch.stack((angle.cos(), angle.sin()), 1), 0.05)


def grid() -> Mixture:
    """Twenty-five Gaussians of std 0.05 at {-4, -2, 0, 2, 4}^2."""
    axis = torch.arange(-4.0, 5.0, 2.0)
    return Mixture(torch.cartesian_prod(axis, axis), 0.05)
