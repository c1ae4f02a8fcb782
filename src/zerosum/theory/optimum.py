"""The best discriminator of a given generator, and what the game is worth against it; Goodfellow et al., 2014.

D* = p / (p + q); the value is then C(G) = -log 4 + 2 JS(p, q), and least, -log 4, where the generator is the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.theory import estimate, figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Density, Grid, Mixture, Uniform, mixture, normal
from zerosum.theory.divergence import best_value, error, js, logits_of, optimal_discriminator, optimal_logits, value
from zerosum.theory.frozen import FrozenGenerator, trainer_on
from zerosum.theory.progress import tell, telling
from zerosum.util import rng


class Pair(NamedTuple):
    """A data density, a frozen generator's, and a grid that covers both."""

    p: Density
    q: Density
    grid: Grid


_LINE, _PLANE = Grid.box((-10.0,), (10.0,), 2000), Grid.box((-10.0, -10.0), (10.0, 10.0), 240)
_TURNS = torch.arange(8, dtype=torch.float64) * (math.pi / 4)
PAIRS = {
    "1-D, two modes against one": Pair(mixture([[-1.0], [1.5]], [0.5, 0.3], [0.6, 0.4]), normal(0.3, 1.0), _LINE),
    "1-D, narrow against wide": Pair(normal(-0.5, 0.4), normal(0.5, 1.2), _LINE),
    "1-D, a mode is missing": Pair(
        mixture([[-2.0], [0.0], [2.0]], [0.4] * 3, [1.0] * 3), mixture([[-2.0], [0.0]], [0.4] * 2, [1.0] * 2), _LINE
    ),
    "2-D, two modes against two": Pair(
        mixture([[-1.0, 0.0], [1.0, 0.5]], [0.6] * 2, [1.0] * 2),
        mixture([[0.0, -0.5], [0.5, 1.0]], [0.8, 0.5], [1.0] * 2),
        _PLANE,
    ),
    "2-D, a ring against one Gaussian": Pair(
        Mixture(2 * torch.stack([_TURNS.cos(), _TURNS.sin()], 1), 0.4), normal((0.0, 0.0), 1.5), _PLANE
    ),
}
LINE, PLANE = "1-D, two modes against one", "2-D, two modes against two"  # those of the claims and the picture


@dataclass(frozen=True)
class Comparison:
    """A discriminator beside the best one."""

    error: float  # E |D(x) - D*(x)| for x from (p + q) / 2, in [0, 1]
    value: float  # V(D, G)
    best: float  # C(G)

    @property
    def above_best(self) -> float:
        return self.value - self.best


def train_discriminator(pair: Pair, seed: int, steps: int, batch_size: int = 512) -> nn.Module:
    """A small network, trained in `steps` steps to tell fresh samples of `pair.p` from those of `pair.q`."""
    rng.seed(seed)
    network = mlp.Discriminator((pair.grid.points.shape[1],), (64, 64))
    game = FrozenGenerator(pair.q.sample, network, Adam(5e-3, (0.9, 0.999), decay=Decay("cosine")))
    trainer_on(pair.p, game, steps, batch_size, seed).train([telling("training a discriminator")])
    return network


def compare(pair: Pair, logits: Callable[[Tensor], Tensor]) -> Comparison:
    """A discriminator beside D*, by integration over the grid."""
    p, q, grid = pair
    off = error(p, q, logits(grid.points), optimal_discriminator(p, q, grid.points), grid)
    return Comparison(off, float(value(p, q, logits, grid)), float(best_value(p, q, grid)))


@dataclass(frozen=True)
class Experiment:
    identity: float  # the largest |V(D*, G) - C(G)| over all pairs
    gain: float  # the most that a D other than D* gains over it
    equal: float  # C(G) where the generator is the data
    apart: float  # C(G) where p and q share no mass
    at: float  # by how much the best of many shifted generators is shifted
    networks: dict[str, nn.Module]
    comparisons: dict[str, Comparison]
    bound: float  # of the JS divergence, from the trained D on fresh samples
    js: float  # the divergence itself


def experiment() -> Experiment:
    random = torch.Generator().manual_seed(0)
    identity, gain = 0.0, -math.inf
    for done, (p, q, grid) in enumerate(PAIRS.values()):
        tell("integrating V(D, G)", done, len(PAIRS))
        best = optimal_logits(p, q, grid.points)
        top = float(value(p, q, _constant(best), grid))
        identity = max(identity, abs(top - float(best_value(p, q, grid))))
        for size in (0.01, 0.1, 1.0):
            wave = (grid.points @ torch.randn(grid.points.shape[1], 4, generator=random, dtype=torch.float64)).sin()
            gain = max(gain, float(value(p, q, _constant(best + size * wave.sum(1)), grid)) - top)
    shifts = [i / 20 for i in range(-20, 21)]
    shifted = [float(best_value(normal(0.0, 1.0), normal(shift, 1.0), _LINE)) for shift in shifts]
    networks = {name: train_discriminator(PAIRS[name], seed=0, steps=800) for name in (LINE, PLANE)}
    comparisons = {name: compare(PAIRS[name], logits_of(network)) for name, network in networks.items()}
    p, q, grid = PAIRS[LINE]
    logits = logits_of(networks[LINE])
    return Experiment(
        identity=identity,
        gain=gain,
        equal=float(best_value(p, p, grid)),
        apart=float(best_value(Uniform([-2.0], [-1.0]), Uniform([1.0], [3.0]), grid)),
        at=shifts[shifted.index(min(shifted))],
        networks=networks,
        comparisons=comparisons,
        bound=estimate.js_bound(logits(p.sample(20_000, random)), logits(q.sample(20_000, random))),
        js=float(js(p, q, grid)),
    )


def _constant(logits: Tensor) -> Callable[[Tensor], Tensor]:
    """A discriminator whose logits on the grid are known already."""
    return lambda x: logits


def draw(result: Experiment, folder: Path) -> list[Path]:
    """D and D* in one dimension, and in the plane."""
    fig, (line, best, own) = figure.panels(3)
    p, q, grid = PAIRS[LINE]
    x = grid.points[:, 0]
    line.plot(x, grid.prob(p), ":", color=figure.INK, label="p")
    line.plot(x, grid.prob(q), color=figure.GREEN, label="q")
    line.plot(x, optimal_discriminator(p, q, grid.points), color=figure.ORANGE, linewidth=3, alpha=0.5, label="D*")
    line.plot(x, logits_of(result.networks[LINE])(grid.points).sigmoid(), "--", color=figure.BLUE, label="D")
    line.set(xlim=(-4, 4), ylim=(0, 1.02))
    figure.title(line, f"D is {result.comparisons[LINE].error:.3f} from D* on average", "upper left")
    p, q, grid = PAIRS[PLANE]
    side = round(len(grid.points) ** 0.5)
    shown = (optimal_discriminator(p, q, grid.points), logits_of(result.networks[PLANE])(grid.points).sigmoid())
    mass = (grid.prob(p) + grid.prob(q)).view(side, side).T
    for axes, heights, name in ((best, shown[0], "D* of two modes against two"), (own, shown[1], "D, trained")):
        reach = float(grid.points.abs().max())
        extent = (-reach, reach, -reach, reach)
        axes.imshow(heights.view(side, side).T, extent=extent, origin="lower", cmap="RdBu", vmin=0, vmax=1)
        axes.contour(mass, extent=extent, levels=[0.01, 0.1], colors=figure.INK, linewidths=0.6)
        axes.set(xlim=(-3, 3), ylim=(-3, 3))
        figure.title(axes, name)
    return [figure.save(fig, folder / "optimum.png")]


_P1, _T1 = (f"Goodfellow et al., 2014, {what}" for what in ("Proposition 1", "Theorem 1"))
OPTIMUM: Topic[Experiment] = Topic(
    "optimum",
    "the best discriminator, and what the game is worth against it",
    experiment,
    (
        Claim("V(D*, G) = -log 4 + 2 JS(p, q)", _T1, 0.0, lambda e: e.identity, 1e-9),
        Claim("no other D gains on D*", _P1, 0.0, lambda e: e.gain, 0.0, "<="),
        Claim("C(G) where the generator is the data", _T1, -math.log(4), lambda e: e.equal, 1e-9),
        Claim("C(G) where supports are apart", _T1, 0.0, lambda e: e.apart, 1e-9),
        Claim("C(G) is least at the data, of 41 shifts", _T1, 0.0, lambda e: e.at, 1e-6),
        Claim("E |D - D*| of a D trained in 1-D", _P1, 0.0, lambda e: e.comparisons[LINE].error, 0.02),
        Claim("E |D - D*| of a D trained in 2-D", _P1, 0.0, lambda e: e.comparisons[PLANE].error, 0.02),
        Claim("V(D, G) of the D trained in 2-D, less C(G)", _T1, 0.0, lambda e: e.comparisons[PLANE].above_best, 0.01),
        Claim("JS bound by the D trained in 1-D, less JS", _T1, 0.0, lambda e: e.bound - e.js, 0.01),
    ),
    draw,
)
