"""How far apart two known densities are, by integration on a grid; logarithms are natural, so divergences are in nats.

p is the data's density, q the generator's. Each function raises ValueError where the grid misses mass of p or q. All
are differentiable in what p and q are made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.theory.density import Density, Grid


def optimal_discriminator(p: Density, q: Density, x: Tensor) -> Tensor:
    """(N,) D*(x) = p(x) / (p(x) + q(x)) in [0, 1] at points (N, D); Goodfellow et al., 2014, Proposition 1.

    1/2 where neither has mass: there every D is as good.
    """
    return optimal_logits(p, q, x).sigmoid()


def optimal_logits(p: Density, q: Density, x: Tensor) -> Tensor:
    """(N,) log p(x) - log q(x), the logits of D*; infinite where only one has mass, 0 where none has."""
    return (p.log_prob(x) - q.log_prob(x)).nan_to_num(nan=0.0, posinf=math.inf, neginf=-math.inf)


def value(p: Density, q: Density, discriminator: Callable[[Tensor], Tensor], grid: Grid) -> Tensor:
    """V(D, G) = E_p log D + E_q log(1 - D), at most 0; Goodfellow et al., 2014, eq. 1.

    `discriminator` maps the grid's points, (M, D) float64, to logits (M,) or (M, 1): `logits_of(network)` does.
    """
    logits = discriminator(grid.points).reshape(-1)
    on_p = _times(grid.prob(p), F.logsigmoid(logits))
    return grid.integral(on_p + _times(grid.prob(q), F.logsigmoid(-logits)))


def error(p: Density, q: Density, logits: Tensor, target: Tensor | float, grid: Grid) -> float:
    """E |D(x) - target(x)| for x from (p + q) / 2, in [0, 1]; `logits` (M,) are those of D at the grid's points."""
    mean = (grid.prob(p) + grid.prob(q)) / 2
    return float(grid.integral((logits.sigmoid() - target).abs() * mean))


def best_value(p: Density, q: Density, grid: Grid) -> Tensor:
    """C(G) = max_D V(D, G) = -log 4 + 2 JS(p, q), in [-log 4, 0]; Goodfellow et al., 2014, Theorem 1."""
    return 2 * js(p, q, grid) - math.log(4)


def logits_of(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """A float32 network as a discriminator for `value`: logits (N,), float64, of points (N, D); without gradients."""

    @torch.no_grad()
    def logits(x: Tensor) -> Tensor:
        return network(x.float()).double().flatten()

    return logits


def kl(p: Density, q: Density, grid: Grid) -> Tensor:
    """KL(p || q) = E_p log(p / q), in [0, inf]: inf where p has mass that q has not."""
    log_p = grid.log_prob(p)
    return grid.integral(_times(log_p.exp(), log_p - grid.log_prob(q)))


def js(p: Density, q: Density, grid: Grid) -> Tensor:
    """JS(p, q) = (KL(p || m) + KL(q || m)) / 2 for m = (p + q) / 2, in [0, log 2]: log 2 where they share no mass."""
    log_p, log_q = grid.log_prob(p), grid.log_prob(q)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return grid.integral(_times(log_p.exp(), log_p - log_m) + _times(log_q.exp(), log_q - log_m)) / 2


def total_variation(p: Density, q: Density, grid: Grid) -> Tensor:
    """TV(p, q) = 1/2 integral |p - q|, in [0, 1]: the largest difference in the probability of any event."""
    return grid.integral((grid.prob(p) - grid.prob(q)).abs()) / 2


def wasserstein(p: Density, q: Density, grid: Grid) -> Tensor:
    """W1(p, q) in one dimension: integral |P - Q| of the distribution functions, in units of x.

    In more dimensions there is no such formula (ValueError): `estimate.wasserstein` takes samples.
    """
    if grid.points.shape[1] != 1:
        raise ValueError(f"distribution functions are of one dimension, not of {grid.points.shape[1]}; take samples")
    mass = (grid.prob(p) - grid.prob(q)) * grid.volume  # (M,) of each cell
    return grid.integral(mass.cumsum(0).abs())


def _times(mass: Tensor, log: Tensor) -> Tensor:
    """mass * log, and 0 without mass, whatever the log is."""
    empty = mass == 0
    return torch.where(empty, 0.0, mass * torch.where(empty, 0.0, log))  # twice: 0 * inf has no gradient either
