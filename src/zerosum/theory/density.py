"""Exact densities in one and two dimensions, and the grids on which they are integrated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from zerosum.data.points.mixture import Mixture

__all__ = ["Density", "Grid", "Histogram", "Mixture", "Uniform", "mixture", "normal"]


class Density(Protocol):
    """A distribution whose density is known exactly; `Mixture`, `Uniform` and `Histogram` are three."""

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,) log densities (nats) of points (N, D); -inf where there is no mass."""

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """(n, D) points."""


def normal(mean: float | Sequence[float], std: float) -> Mixture:
    """One isotropic Gaussian, in as many dimensions as `mean` has numbers; in float64."""
    means = torch.tensor([[mean] if isinstance(mean, int | float) else list(mean)], dtype=torch.float64)
    return Mixture(means, std)


def mixture(means: Sequence[Sequence[float]], std: Sequence[float], weights: Sequence[float]) -> Mixture:
    """Isotropic Gaussians; in float64."""
    return Mixture(*(torch.tensor(part, dtype=torch.float64) for part in (means, std, weights)))


class Uniform:
    """Equal density in a box, none outside.

    Args:
        low, high: one number a dimension, low < high.
    """

    def __init__(self, low: Sequence[float], high: Sequence[float]) -> None:
        self.low, self.high = (torch.tensor(edge, dtype=torch.float64) for edge in (low, high))
        if self.low.dim() != 1 or self.low.shape != self.high.shape or not bool((self.low < self.high).all()):
            raise ValueError(f"a box needs a low below each high, not {list(low)} and {list(high)}")

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,) log densities (nats): minus the log volume within [low, high), -inf outside."""
        inside = ((x >= self.low) & (x < self.high)).all(1)
        return torch.where(inside, -(self.high - self.low).log().sum(), -math.inf)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """(n, D) points, float64."""
        return torch.lerp(self.low, self.high, torch.rand(n, len(self.low), dtype=torch.float64, generator=generator))


class Histogram:
    """On a line, equal density between neighbouring edges and none outside: a histogram.

    Args:
        edges: (E,), ascending.
        mass: (E - 1,) between them, not negative, scaled to sum to 1.
    """

    def __init__(self, edges: Tensor, mass: Tensor) -> None:
        self.edges, mass = edges.double(), mass.double()
        widths = self.edges.diff()
        if edges.dim() != 1 or mass.shape != widths.shape or not bool((widths > 0).all()):
            raise ValueError(f"{tuple(mass.shape)} masses need one ascending edge more, not {tuple(edges.shape)}")
        if not bool((mass >= 0).all()) or not 0 < float(mass.sum()) < math.inf:
            raise ValueError("masses must be finite, not negative, and not all 0")
        self.mass = mass / mass.sum()  # (E - 1,)
        self.density = self.mass / widths

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,) log densities (nats) of points (N, 1)."""
        step = torch.searchsorted(self.edges, x[:, 0].double().contiguous(), right=True) - 1
        inside = (step >= 0) & (step < len(self.mass))
        return torch.where(inside, self.density[step.clamp(0, len(self.mass) - 1)].log(), -math.inf)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """(n, 1) points, float64."""
        step = torch.multinomial(self.mass, n, replacement=True, generator=generator)
        within = torch.rand(n, dtype=torch.float64, generator=generator)
        return torch.lerp(self.edges[step], self.edges[step + 1], within)[:, None]


@dataclass(frozen=True, eq=False)
class Grid:
    """The midpoints of equal cells that fill a box: sums over them times `volume` are integrals (the midpoint rule)."""

    points: Tensor  # (M, D), float64
    volume: float  # of a cell

    @classmethod
    def box(cls, low: Sequence[float], high: Sequence[float], cells: int) -> Grid:
        """`cells` a dimension between `low` and `high`; those of the last dimension lie side by side.

        ValueError where a low is not below its high, or there are no cells.
        """
        if len(low) != len(high) or not all(a < b for a, b in zip(low, high, strict=True)) or cells < 1:
            raise ValueError(f"a grid needs a low below each high, and cells: not {low}, {high} and {cells}")
        middles = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
        axes = [a + (b - a) * middles for a, b in zip(low, high, strict=True)]
        volume = math.prod((b - a) / cells for a, b in zip(low, high, strict=True))
        return cls(torch.cartesian_prod(*axes).reshape(-1, len(axes)), volume)

    def log_prob(self, density: Density) -> Tensor:
        """(M,) log densities at the points; ValueError if their mass is not 1 within 1e-3, so the grid misses some."""
        log_p = density.log_prob(self.points)
        if log_p.shape != self.points.shape[:1]:
            raise ValueError(f"the density gives {tuple(log_p.shape)} for points {tuple(self.points.shape)}")
        mass = float(self.integral(log_p.detach().exp()))
        if not abs(mass - 1) < 1e-3:
            raise ValueError(f"the grid sees a mass of {mass:.4g} of a density, not 1: make it wider, or finer")
        return log_p

    def prob(self, density: Density) -> Tensor:
        """(M,) densities at the points; ValueError as `log_prob`."""
        return self.log_prob(density).exp()

    def integral(self, values: Tensor) -> Tensor:
        """The integral of a function from its (M,) values at the points."""
        return values.sum() * self.volume
