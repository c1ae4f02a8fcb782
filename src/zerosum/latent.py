"""Latent distributions: what z is drawn from, how to walk between two points, how to stay near the middle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor


class Prior(Protocol):
    """The distribution of z."""

    @property
    def dim(self) -> int: ...

    def draw(self, like: Tensor, generator: Generator | None = None) -> Tensor:
        """One z for each element of `like`: (B, dim) on its device."""

    def between(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The point at t in [0, 1] of a path from a to b along which z stays typical."""

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """z moved towards the middle: less variety, more typical samples; `limit` > 0."""


@dataclass(frozen=True)
class Normal:
    """z ~ N(0, I)."""

    dim: int

    def draw(self, like: Tensor, generator: Generator | None = None) -> Tensor:
        return torch.randn(len(like), self.dim, device=like.device, generator=generator)

    def between(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        # A straight line would pass near 0, where N(0, I) has almost no mass; on this arc z stays N(0, I).
        return math.cos(t * math.pi / 2) * a + math.sin(t * math.pi / 2) * b

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """The normal distribution cut off at |z| = limit, by inverting its distribution function."""
        half = math.erf(limit / math.sqrt(2))
        # erfinv(±1) is infinite, and float32 rounds the tails of erf to ±1: there the bound takes over.
        bound = z.abs().clamp_max(limit)
        return (torch.erfinv(torch.erf(z / math.sqrt(2)) * half) * math.sqrt(2)).clamp(-bound, bound)


@dataclass(frozen=True)
class Uniform:
    """z ~ U(-1, 1) in each coordinate."""

    dim: int

    def draw(self, like: Tensor, generator: Generator | None = None) -> Tensor:
        return torch.rand(len(like), self.dim, device=like.device, generator=generator) * 2 - 1

    def between(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        return torch.lerp(a, b, t)  # a cube is convex

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """U(-limit, limit); a limit above 1 changes nothing."""
        return z * min(limit, 1.0)
