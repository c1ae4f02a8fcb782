"""Two parallel lines: where only the Wasserstein distance says which way to go; Arjovsky et al., 2017, Example 1.

P_0 is the distribution of (0, Z), P_theta that of (theta, Z), Z uniform on [0, 1]. Lines have no density in the plane,
so divergences are integrated over strips of a small width around them, which share mass only if theta is smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from zerosum.theory import divergence, estimate, figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Grid, Uniform
from zerosum.theory.progress import tell

WIDTH = 0.06  # of a strip
GRID = Grid.box((-1.25, 0.0), (1.25, 1.0), 250)  # six cells across a strip
THETAS = tuple(round(-1 + 0.1 * i, 1) for i in range(21))


class Distances(NamedTuple):
    """Between P_0 and P_theta."""

    kl: float
    js: float
    total_variation: float
    wasserstein: float


def exact(theta: float) -> Distances:
    """What Example 1 says: all but the Wasserstein distance jump at 0 and are flat elsewhere."""
    return Distances(math.inf, math.log(2), 1.0, abs(theta)) if theta else Distances(0.0, 0.0, 0.0, 0.0)


def line(theta: float, n: int, generator: Generator | None = None) -> Tensor:
    """(n, 2) points of P_theta."""
    z = torch.rand(n, dtype=torch.float64, generator=generator)
    return torch.stack([torch.full_like(z, theta), z], 1)


def strip(theta: float) -> Uniform:
    """P_theta, widened to a density."""
    return Uniform([theta - WIDTH / 2, 0.0], [theta + WIDTH / 2, 1.0])


def measure(theta: float, generator: Generator | None = None, n: int = 200) -> Distances:
    """KL, JS and TV of the strips, by integration; W1 of points on the lines themselves, by the best assignment."""
    p, q = strip(0.0), strip(theta)
    return Distances(
        float(divergence.kl(p, q, GRID)),
        float(divergence.js(p, q, GRID)),
        float(divergence.total_variation(p, q, GRID)),
        estimate.wasserstein(line(0.0, n, generator), line(theta, n, generator)),
    )


@dataclass(frozen=True)
class Experiment:
    by_theta: dict[float, Distances]

    def slope(self, name: str) -> float:
        """Of a distance between theta = 0.5 and 1."""
        return (getattr(self.by_theta[1.0], name) - getattr(self.by_theta[0.5], name)) / 0.5


def experiment() -> Experiment:
    random = torch.Generator().manual_seed(0)
    found = {}
    for done, theta in enumerate(THETAS, 1):
        found[theta] = measure(theta, random)
        tell("measuring at each theta", done, len(THETAS))
    return Experiment(found)


def draw(result: Experiment, folder: Path) -> list[Path]:
    """JS and W1 over theta, as in the paper's figure 1."""
    fig, axes = figure.panels(3)
    theta = torch.linspace(-1, 1, 401)
    for one, name, unit in ((axes[1], "wasserstein", "Wasserstein-1: a slope"), (axes[2], "js", "JS (nats): no slope")):
        known = [getattr(exact(float(t)), name) for t in theta]
        one.plot(theta, known, color=figure.ORANGE, linewidth=3, alpha=0.5, label="theory")
        one.plot(
            THETAS, [getattr(d, name) for d in result.by_theta.values()], "o", color=figure.BLUE, ms=4, label="found"
        )
        one.set(xlabel="theta", ylim=(-0.03, 1.03))
        figure.title(one, unit, "lower left")
    random = torch.Generator().manual_seed(0)
    for at, name, color in ((0.0, "P_0", figure.INK), (0.5, "P_theta, theta = 0.5", figure.GREEN)):
        axes[0].plot(*line(at, 40, random).T, "o", color=color, ms=3, label=name)
    axes[0].set(xlim=(-1, 1), ylim=(-0.03, 1.03))
    figure.title(axes[0], "two parallel lines", "lower left")
    return [figure.save(fig, folder / "parallel-lines.png")]


_PAPER = "Arjovsky et al., 2017, Example 1"
LINES: Topic[Experiment] = Topic(
    "parallel-lines",
    "disjoint supports: JS is flat, the Wasserstein distance a straight line",
    experiment,
    (
        Claim("KL at theta = 0.5", _PAPER, math.inf, lambda e: e.by_theta[0.5].kl),
        Claim("TV at theta = 0.5", _PAPER, 1.0, lambda e: e.by_theta[0.5].total_variation, 1e-9),
        Claim("JS at theta = 0.5", _PAPER, math.log(2), lambda e: e.by_theta[0.5].js, 1e-9),
        Claim("JS at theta = 0", _PAPER, 0.0, lambda e: e.by_theta[0.0].js, 1e-9),
        Claim("slope of JS between 0.5 and 1", _PAPER, 0.0, lambda e: e.slope("js"), 1e-9),
        Claim("W1 at theta = 0.5", _PAPER, 0.5, lambda e: e.by_theta[0.5].wasserstein, 0.02),
        Claim("slope of W1 between 0.5 and 1", _PAPER, 1.0, lambda e: e.slope("wasserstein"), 0.05),
    ),
    draw,
)
