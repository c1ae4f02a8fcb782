"""The four panels of p_data, p_g and D, from a real run; Goodfellow et al., 2014, figure 1.

D learns alone at first, then both play Algorithm 1 with one move of D a step, G by the non-saturating loss, until D is
1/2 wherever there is mass. The generator's density is exact, by change of variables along the line of z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor, nn

from zerosum.games.gan import GAN
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.pictures import film
from zerosum.pictures.figures import pixels
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Grid, Histogram, mixture
from zerosum.theory.divergence import error, js, logits_of, optimal_discriminator, value
from zerosum.theory.frozen import FrozenGenerator, trainer_on
from zerosum.theory.progress import telling
from zerosum.util import rng

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATA = mixture([[-0.7], [1.1]], [0.6, 0.5], [0.6, 0.4])
EDGES = torch.linspace(-5, 5, 401, dtype=torch.float64)
GRID = Grid.box((-5.0,), (5.0,), len(EDGES) - 1)
ALONE, TOGETHER = 150, 1200  # steps
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

    @property
    def from_best(self) -> float:
        """E |D(x) - D*(x)|."""
        return self.away(optimal_discriminator(DATA, self.q, GRID.points))

    @property
    def value(self) -> float:
        """V(D, G)."""
        return float(value(DATA, self.q, lambda x: self.logits, GRID))

    def away(self, target: Tensor | float) -> float:
        """E |D(x) - target(x)| for x from (p + q) / 2."""
        return error(DATA, self.q, self.logits, target, GRID)


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
    g_optimizer, d_optimizer = (Adam(rate, (0.5, 0.99), decay=Decay("linear")) for rate in (3e-3, 1e-2))
    config = GAN.Config(latent_dim=1, g_optimizer=g_optimizer, d_optimizer=d_optimizer)
    game = GAN(generator, discriminator, config)
    alone = FrozenGenerator(lambda n: game.generate(game.latents(n)), discriminator, Adam(5e-3, (0.5, 0.99)))
    frames: list[Frame] = []

    @torch.no_grad()
    def snapshot(rounds: int) -> None:
        q = pushforward(generator(quantiles(2001).float()).flatten(), EDGES)
        arrows = generator(quantiles(ARROWS).float()).double().flatten()
        frames.append(Frame(rounds, logits_of(discriminator)(GRID.points), q, arrows))

    snapshot(0)
    first = trainer_on(DATA, alone, ALONE, 512, seed)
    first.train(
        [
            telling("training D alone"),
            lambda t: snapshot(0) if t.step in (3, 6, 10, 20, 30, 50, 75, 100, ALONE) else None,
        ]
    )
    start = len(frames) - 1
    second = trainer_on(DATA, game, TOGETHER, 512, seed + 1)
    second.train(
        [telling("training both"), lambda t: snapshot(t.step) if t.step % (5 if t.step <= 100 else 40) == 0 else None]
    )
    moved = next(i for i, frame in enumerate(frames) if frame.rounds == 25)
    return Experiment(frames, (2, start, moved, len(frames) - 1))


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The four panels, and a film of all."""
    fig, axes = figure.panels(4, 3.2, 3.4)
    names = ("D has hardly learnt", "D is near p / (p + q)", "G moved where D is high", "equilibrium: D = 1/2")
    for one, index, letter, name in zip(axes, result.shown, "abcd", names, strict=True):
        _panel(one, result.frames[index])
        figure.title(one, f"({letter}) {name}", "upper right" if letter == "a" else None)
    still = figure.save(fig, folder / "figure-1.png")
    return [still, film.film([_picture(frame) for frame in result.frames], folder / "figure-1.gif", 7.0, side=480)]


def _panel(axes: Axes, frame: Frame) -> None:
    """One moment: the densities and D above, the arrows from z to x below."""
    x = GRID.points[:, 0]
    axes.plot(x, GRID.prob(DATA), ":", color=figure.INK, linewidth=1.8, label="p_data")
    axes.plot(x, GRID.prob(frame.q), color=figure.GREEN, linewidth=1.8, label="p_g")
    axes.plot(x, frame.logits.sigmoid(), "--", color=figure.BLUE, linewidth=1.5, label="D")
    top, bottom = -0.12, -0.42
    for height, name in ((top, "x"), (bottom, "z")):
        axes.plot([-3.5, 3.5], [height, height], color=figure.GREY, linewidth=0.8)
        axes.text(3.6, height, name, va="center", fontsize=9, color=figure.GREY)
    z, up = quantiles(ARROWS).flatten(), torch.full((ARROWS,), top - bottom)
    in_data: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1}
    axes.quiver(z, up * 0 + bottom, frame.arrows - z, up, **in_data, color=figure.GREY, width=0.004)
    axes.set(xlim=(-3.6, 3.6), ylim=(-0.5, 1.08), yticks=[0, 0.5, 1])
    axes.set_xticks([])


def _picture(frame: Frame) -> Image.Image:
    fig, (axes,) = figure.panels(1, 4.8, 3.6)
    _panel(axes, frame)
    figure.title(axes, f"step {frame.rounds:,}" if frame.rounds else "D alone", "upper right")
    return pixels(fig)


_P1, _T1, _F1 = (f"Goodfellow et al., 2014, {what}" for what in ("Proposition 1", "Theorem 1", "figure 1"))
FIGURE_1: Topic[Experiment] = Topic(
    "figure-1",
    "p_data, p_g and D during a real run, to the equilibrium",
    experiment,
    (
        Claim("E |D - D*|, D trained alone (b)", _P1, 0.0, lambda e: e.learnt.from_best, 0.03),
        Claim("JS(p_data, p_g) at the end (d)", _T1, 0.0, lambda e: float(js(DATA, e.end.q, GRID)), 0.01),
        Claim("E |D - 1/2| at the end", _F1, 0.0, lambda e: e.end.away(0.5), 0.03),
        Claim("V(D, G) at the end", _T1, -math.log(4), lambda e: e.end.value, 0.01),
    ),
    draw,
)
