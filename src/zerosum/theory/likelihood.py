"""One Gaussian against two modes: what maximum likelihood fits, and what a GAN fits.

Maximum likelihood minimises KL(p || q), which is infinite wherever q misses data: it covers both modes, and what lies
between them. With the best D, a GAN minimises JS(p, q) (Goodfellow et al., 2014, section 4.1), which forgives a missed
mode: here it fits the heavy one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.game import Game, Move, Player
from zerosum.games.gan import GAN
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Density, Grid, Mixture, mixture, normal
from zerosum.theory.divergence import js, kl
from zerosum.theory.frozen import trainer_on
from zerosum.theory.progress import telling
from zerosum.util import rng

GRID = Grid.box((-12.0,), (12.0,), 800)
DATA = mixture([[-1.0], [2.0]], [0.5, 0.5], [0.8, 0.2])
Distance = Callable[[Density, Density, Grid], Tensor]


class Gaussian(NamedTuple):
    """A fit in one dimension."""

    mean: float
    std: float

    def density(self) -> Mixture:
        return normal(self.mean, self.std)


def moments(data: Mixture) -> Gaussian:
    """The Gaussian of maximum likelihood, in closed form: it has the mean and the variance of the data."""
    means, weights = data.means[:, 0], data.weights
    mean = float((weights * means).sum())
    return Gaussian(mean, math.sqrt(float((weights * (data.std.square() + (means - mean).square())).sum())))


def maximum_likelihood(samples: Tensor) -> Gaussian:
    """The Gaussian of maximum likelihood for samples (N, 1)."""
    return Gaussian(float(samples.mean()), float(samples.std(correction=0)))


class GaussianGenerator(nn.Module):
    """The density q of G(z) = mean + std z."""

    def __init__(self, start: Gaussian):
        super().__init__()
        self.mean = nn.Parameter(torch.tensor([start.mean], dtype=torch.float64))
        self.log_std = nn.Parameter(torch.tensor([start.std], dtype=torch.float64).log())

    def density(self) -> Mixture:
        """q, differentiable in both parameters."""
        return Mixture(self.mean[:, None], self.log_std.exp())


class Descent(Game[Tensor]):
    """A game of one player: G descends on the exact distance of its density from p."""

    name = "descent"

    def __init__(self, p: Density, distance: Distance, generator: GaussianGenerator, grid: Grid):
        super().__init__()
        self.p, self.distance, self.generator, self.grid = p, distance, generator, grid

    def players(self) -> dict[str, Player]:
        return {"generator": Player(Adam(0.05, (0.9, 0.999), decay=Decay("cosine")), (self.generator,))}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        yield Move("generator", distance=self.distance(self.p, self.generator.density(), self.grid))


def nearest(p: Density, distance: Distance, start: Gaussian, grid: Grid, steps: int = 300) -> Gaussian:
    """The Gaussian q where descent from `start` on `distance(p, q)` ends: a minimum, not always the least."""
    generator = GaussianGenerator(start)
    trainer_on(p, Descent(p, distance, generator, grid), steps, batch_size=1, seed=0).train(
        [telling("descending on a divergence")]
    )
    return Gaussian(generator.mean.item(), generator.log_std.exp().item())


def fit_gan(p: Density, start: Gaussian, steps: int = 1500, seed: int = 0) -> Gaussian:
    """What a real GAN fits: G(z) = mean + std z, by the minimax loss, so that G descends on JS if D keeps up."""
    rng.seed(seed)
    generator = nn.Linear(1, 1)
    with torch.no_grad():
        generator.weight.fill_(start.std)
        generator.bias.fill_(start.mean)
    adam = Adam(1e-2, (0.5, 0.99), decay=Decay("linear"))
    config = GAN.Config(latent_dim=1, generator="minimax", g_optimizer=adam, d_optimizer=adam)
    game = GAN(generator, mlp.Discriminator((1,), (32, 32)), config)
    trainer_on(p, game, steps, 256, seed).train([telling("training a GAN")])
    return Gaussian(generator.bias.item(), abs(generator.weight.item()))


@dataclass(frozen=True)
class Experiment:
    likely: Gaussian  # in closed form
    sampled: Gaussian  # the likeliest of 100,000 samples
    by_kl: Gaussian
    by_js: tuple[Gaussian, ...]  # from four starts
    gan: Gaussian
    gap: float  # E log p - E log q on those samples, less KL(p || q), for the likeliest q


def experiment() -> Experiment:
    likely = moments(DATA)
    x = DATA.sample(100_000, torch.Generator().manual_seed(0))
    fit = likely.density()
    starts = (likely, Gaussian(-1.0, 0.5), Gaussian(2.0, 0.5), Gaussian(0.0, 1.0))
    return Experiment(
        likely=likely,
        sampled=maximum_likelihood(x),
        by_kl=nearest(DATA, kl, Gaussian(0.0, 1.0), GRID),
        by_js=tuple(nearest(DATA, js, start, GRID) for start in starts),
        gan=fit_gan(DATA, Gaussian(0.0, 1.0)),
        gap=float((DATA.log_prob(x) - fit.log_prob(x)).mean() - kl(DATA, fit, GRID)),
    )


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The data and the three fits."""
    fig, (axes,) = figure.panels(1, 6.4, 3.4)
    x = GRID.points[:, 0]
    axes.fill_between(x, GRID.prob(DATA), color="#d5d8dd", linewidth=0, label="data")
    for fit, name, color, line, width in (
        (result.likely, "maximum likelihood: least KL(p || q)", figure.ORANGE, "-", 1.8),
        (result.by_js[0], "least JS(p, q)", "#8fc7b0", "-", 5.0),
        (result.gan, "a GAN, trained", figure.BLUE, "--", 1.5),
    ):
        axes.plot(x, GRID.prob(fit.density()), line, color=color, linewidth=width, label=name)
    axes.set(xlim=(-5, 5), ylim=(0, 0.95))
    figure.title(axes, "one Gaussian for two modes", "upper right")
    return [figure.save(fig, folder / "likelihood.png")]


def _off(first: Gaussian, *others: Gaussian) -> float:
    """How far the others' mean or deviation is from the first one's, at most."""
    return max(max(abs(one.mean - first.mean), abs(one.std - first.std)) for one in others)


_JS, _FITS, _CLOSED = "Goodfellow et al., 2014, Theorem 1", "Theis et al., 2016", "closed form"
LIKELIHOOD: Topic[Experiment] = Topic(
    "likelihood",
    "a Gaussian for two modes: maximum likelihood covers both, a GAN fits the heavy one",
    experiment,
    (
        Claim("mean of log p - log q on data, less KL(p || q)", "law of large numbers", 0.0, lambda e: e.gap, 0.01),
        Claim("Gaussian of least KL(p || q), from the moments", _CLOSED, 0.0, lambda e: _off(e.by_kl, e.likely), 1e-3),
        Claim("likeliest Gaussian of samples, from the moments", _CLOSED, 0, lambda e: _off(e.sampled, e.likely), 0.02),
        Claim("Gaussian of least JS(p, q), spread over four starts", _FITS, 0.0, lambda e: _off(*e.by_js), 1e-3),
        Claim("its mean, that of the heavy mode", _FITS, -1.0, lambda e: e.by_js[0].mean, 0.05),
        Claim("its deviation, that of the heavy mode", _FITS, 0.5, lambda e: e.by_js[0].std, 0.05),
        Claim("Gaussian of a trained GAN, from that of least JS", _JS, 0.0, lambda e: _off(e.gan, e.by_js[0]), 0.1),
    ),
    draw,
)
