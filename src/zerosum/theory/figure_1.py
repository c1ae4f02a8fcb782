"""The four panels of p_data, p_g and D, from a real run; Goodfellow et al., 2014, figure 1.

D learns alone at first, then both play Algorithm 1 with one move of D a round, G by the non-saturating loss, until D is
1/2 wherever there is mass. The generator's density is exact, by change of variables along the line of z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor, nn

from zerosum.games.gan import GAN
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.pictures import film
from zerosum.recipe import Training
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Grid, Histogram, Mixture
from zerosum.theory.divergence import js, logits_of, optimal_discriminator, value
from zerosum.theory.frozen import DensityStream, FrozenGenerator
from zerosum.training.trainer import Trainer
from zerosum.util import rng

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATA = Mixture(*(torch.tensor(part, dtype=torch.float64) for part in ([[-0.7], [1.1]], [0.6, 0.5], [0.6, 0.4])))
EDGES = torch.linspace(-5, 5, 401, dtype=torch.float64)
GRID = Grid.box((-5.0,), (5.0,), len(EDGES) - 1)
ALONE, TOGETHER = 150, 1200  # rounds
ARROWS = 17


class Bent(nn.Module):
    """G(z) = a + b z + a small network's bend, (B, 1) to (B, 1); it begins straight, as N(1.5, 0.5^2)."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)
        self.bend, self.out = nn.Linear(1, 16), nn.Linear(16, 1)
        with torch.no_grad():
            self.line.weight.fill_(0.5)
            self.line.bias.fill_(1.5)
            self.out.weight.zero_()
            self.out.bias.zero_()

    def forward(self, z: Tensor) -> Tensor:
        return self.line(z) + self.out(self.bend(z).tanh())


def quantiles(n: int) -> Tensor:
    """(n, 1) z that part N(0, 1) into pieces of equal mass, at the middle of each."""
    return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)[:, None]


def pushforward(x: Tensor, edges: Tensor) -> Histogram:
    """The density of what G makes, between edges (E,), if x, (N,), are G's values along z in equal masses.

    The change of variables for pieces on which G is monotone, here straight between neighbours: a piece's mass lies
    evenly between its ends, and pieces that overlap add up.
    """
    ends = torch.stack([x[1:], x[:-1]]).double()
    low, high = ends.amin(0)[:, None], ends.amax(0)[:, None]  # (N - 1, 1)
    below = ((edges - low) / (high - low).clamp_min(1e-12)).clamp(0, 1).mean(0)  # (E,) distribution function
    return Histogram(edges, below.diff())


@dataclass(frozen=True)
class Frame:
    """A moment of training."""

    rounds: int  # of both together; 0 while D learns alone
    logits: Tensor  # (M,) of D on the grid
    q: Histogram  # the generator's density
    arrows: Tensor  # (ARROWS,) G of z at equal masses

    def away(self, target: Tensor | float) -> float:
        """E |D(x) - target(x)| for x from (p + q) / 2."""
        mean = (GRID.log_prob(DATA).exp() + GRID.log_prob(self.q).exp()) / 2
        return float(GRID.integral((self.logits.sigmoid() - target).abs() * mean))


@dataclass(frozen=True)
class Experiment:
    frames: list[Frame]
    shown: tuple[int, int, int, int]  # the frames of the four panels

    @property
    def learnt(self) -> Frame:
        """Where D has learnt alone."""
        return self.frames[self.shown[1]]

    @property
    def end(self) -> Frame:
        return self.frames[-1]


def experiment(seed: int = 0) -> Experiment:
    """A run of the library's GAN in one dimension, looked at on the way."""
    rng.seed(seed)
    generator, discriminator = Bent(), mlp.Discriminator((1,), (32, 32))
    config = GAN.Config(
        latent_dim=1,
        g_optimizer=Adam(3e-3, (0.5, 0.99), decay=Decay("linear")),
        d_optimizer=Adam(1e-2, (0.5, 0.99), decay=Decay("linear")),
    )
    game = GAN(generator, discriminator, config)
    alone = FrozenGenerator(lambda n: game.sample(torch.empty(n, 1)), discriminator, Adam(5e-3, (0.5, 0.99)))
    frames: list[Frame] = []

    @torch.no_grad()
    def snapshot(rounds: int) -> None:
        q = pushforward(generator(quantiles(2001).float()).flatten(), EDGES)
        arrows = generator(quantiles(ARROWS).float()).double().flatten()
        frames.append(Frame(rounds, logits_of(discriminator)(GRID.points), q, arrows))

    def training(steps: int) -> Training:
        return Training(steps=steps, average=0.0, precision="fp32")

    snapshot(0)
    first = Trainer(alone, DensityStream(DATA, 512, seed), training(ALONE))
    first.train([lambda t: snapshot(0) if t.step in (3, 6, 10, 20, 30, 50, 75, 100, ALONE) else None])
    start = len(frames) - 1
    second = Trainer(game, DensityStream(DATA, 512, seed + 1), training(TOGETHER))
    second.train([lambda t: snapshot(t.step) if t.step % (5 if t.step <= 100 else 40) == 0 else None])
    moved = next(i for i, frame in enumerate(frames) if frame.rounds == 25)
    return Experiment(frames, (2, start, moved, len(frames) - 1))


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The four panels, and a film of all."""
    fig, axes = figure.panels(4, 3.2, 3.4)
    names = ("D has hardly learnt", "D is near p / (p + q)", "G moved where D is high", "equilibrium: D = 1/2")
    for one, index, letter, name in zip(axes, result.shown, "abcd", names, strict=True):
        _panel(one, result.frames[index])
        figure.title(one, f"({letter}) {name}")
    figure.legend(axes[0], "upper right")
    still = figure.save(fig, folder / "figure-1.png")
    return [still, film.film([_picture(frame) for frame in result.frames], folder / "figure-1.gif", 7.0, side=480)]


def _panel(axes: Axes, frame: Frame) -> None:
    """One moment: the densities and D above, the arrows from z to x below."""
    x = GRID.points[:, 0]
    axes.plot(x, DATA.log_prob(GRID.points).exp(), ":", color=figure.INK, linewidth=1.8, label="p_data")
    axes.plot(x, frame.q.log_prob(GRID.points).exp(), color=figure.GREEN, linewidth=1.8, label="p_g")
    axes.plot(x, frame.logits.sigmoid(), "--", color=figure.BLUE, linewidth=1.5, label="D")
    top, bottom = -0.12, -0.42
    axes.plot([-3.5, 3.5], [top, top], color=figure.GREY, linewidth=0.8)
    axes.plot([-3.5, 3.5], [bottom, bottom], color=figure.GREY, linewidth=0.8)
    z, up = quantiles(ARROWS).flatten(), torch.full((ARROWS,), top - bottom)
    axes.quiver(
        z, up * 0 + bottom, frame.arrows - z, up, angles="xy", scale_units="xy", scale=1, color=figure.GREY, width=0.004
    )
    axes.text(3.6, top, "x", va="center", fontsize=9, color=figure.GREY)
    axes.text(3.6, bottom, "z", va="center", fontsize=9, color=figure.GREY)
    axes.set(xlim=(-3.6, 3.6), ylim=(-0.5, 1.08), yticks=[0, 0.5, 1])
    axes.set_xticks([])


def _picture(frame: Frame) -> Image.Image:
    fig, (axes,) = figure.panels(1, 4.8, 3.6)
    _panel(axes, frame)
    figure.legend(axes, "upper right")
    figure.title(axes, f"round {frame.rounds:,}" if frame.rounds else "D alone")
    return figure.image(fig)


_PAPER = "Goodfellow et al., 2014"
FIGURE_1: Topic[Experiment] = Topic(
    "figure-1",
    "p_data, p_g and D during a real run, to the equilibrium",
    experiment,
    (
        Claim(
            "E |D - D*|, D trained alone (b)",
            f"{_PAPER}, Proposition 1",
            0.0,
            lambda e: e.learnt.away(optimal_discriminator(DATA, e.learnt.q, GRID.points)),
            0.03,
        ),
        Claim(
            "JS(p_data, p_g) at the end (d)",
            f"{_PAPER}, Theorem 1",
            0.0,
            lambda e: float(js(DATA, e.end.q, GRID)),
            0.01,
        ),
        Claim("E |D - 1/2| at the end", f"{_PAPER}, figure 1", 0.0, lambda e: e.end.away(0.5), 0.03),
        Claim(
            "V(D, G) at the end",
            f"{_PAPER}, Theorem 1",
            -math.log(4),
            lambda e: float(value(DATA, e.end.q, lambda x: e.end.logits, GRID)),
            0.01,
        ),
    ),
    draw,
)
