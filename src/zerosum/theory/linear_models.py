"""Why linear models have adversarial examples: small changes of many features add up; Goodfellow et al., 2015.

A change of epsilon in each of n features, in the direction of the weights' signs, moves the score by epsilon times the
sum of their sizes, which grows with n; changes of random signs move it by the root of n. Attacks are the library's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch import Generator, Tensor, nn

from zerosum.losses.adversarial_examples import fgsm, pgd
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.progress import tell

SIZES = tuple(2**k for k in range(2, 12))  # features: 4 to 2,048
APART, EPSILON = 0.1, 0.2  # of a class's mean from 0, and of a change, in deviations of a feature
MANY = 400
SAMPLES = 20_000


class Linear(nn.Module):
    """Two classes by a linear score: logits (0, w x + b), so that class 1 is likelier the larger the score."""

    def __init__(self, weight: Tensor, bias: float = 0.0):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), bias

    def score(self, x: Tensor) -> Tensor:
        """(B,) of samples (B, n)."""
        return x @ self.weight + self.bias

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(x)
        return torch.stack([torch.zeros_like(score), score], 1)


@dataclass(frozen=True)
class Accuracies:
    """Of the best linear classifier of two Gaussians, on samples as they are and changed."""

    clean: float
    by_chance: float
    attacked: float


@dataclass(frozen=True)
class Experiment:
    off: float  # the largest error of how far the fast gradient sign moves a score, over that
    growth: float  # of that with the number of features, an exponent
    growth_by_chance: float  # of the root mean square of random signs
    between: float  # the largest difference of projected gradient descent and one step
    loss: float  # that of logistic regression under attack, less its closed form
    few: Accuracies
    many: Accuracies


def experiment() -> Experiment:
    draw = Generator().manual_seed(0)
    moved, random = [], []
    for done, size in enumerate(SIZES):
        tell("moving the scores of linear models", done + 1, len(SIZES))
        model = Linear(torch.randn(size, generator=draw, dtype=torch.float64))
        x = torch.randn(256, size, generator=draw, dtype=torch.float64)
        y = torch.ones(256, dtype=torch.int64)
        moved.append((model, (model.score(x) - model.score(fgsm(model, x, y, EPSILON, bounds=None))).detach()))
        random.append((model.score(x) - model.score(_by_chance(x, draw))).detach().square().mean().sqrt())
    exact = torch.stack([EPSILON * model.weight.detach().abs().sum() for model, _ in moved])
    found = torch.stack([change.mean() for _, change in moved])
    model = moved[-1][0]
    x, y = torch.randn(256, SIZES[-1], generator=draw, dtype=torch.float64), torch.arange(256) % 2
    once = fgsm(model, x, y, EPSILON, bounds=None)
    often = pgd(model, x, y, EPSILON, step=EPSILON, steps=3, bounds=None, generator=draw)
    return Experiment(
        off=max(float((change / value - 1).abs().max()) for (_, change), value in zip(moved, exact, strict=True)),
        growth=_slope(found),
        growth_by_chance=_slope(torch.stack(random)),
        between=float((once - often).abs().max()),
        loss=_loss(model, once, y) - _closed_form(model, x, y),
        few=accuracies(SIZES[0], draw),
        many=accuracies(MANY, draw),
    )


def accuracies(size: int, draw: Generator) -> Accuracies:
    """Measured on samples of N(+-APART, 1) in each of `size` features."""
    y = torch.arange(SAMPLES) % 2
    x = torch.randn(SAMPLES, size, generator=draw, dtype=torch.float64) + APART * (2 * y - 1)[:, None]
    model = Linear(torch.ones(size, dtype=torch.float64))

    def right(samples: Tensor) -> float:
        return float((model(samples).argmax(1) == y).double().mean())

    return Accuracies(right(x), right(_by_chance(x, draw)), right(fgsm(model, x, y, EPSILON, bounds=None)))


def predicted(size: int) -> Accuracies:
    """Phi of the mean of the score over its deviation: with the class, with noise of EPSILON more, moved against it."""
    root = math.sqrt(size)
    means = (APART * root, APART * root / math.sqrt(1 + EPSILON**2), (APART - EPSILON) * root)
    return Accuracies(*(float(norm.cdf(mean)) for mean in means))


def _by_chance(x: Tensor, draw: Generator) -> Tensor:
    signs = 2 * torch.randint(2, x.shape, generator=draw, dtype=x.dtype) - 1
    return x + EPSILON * signs


def _slope(values: Tensor) -> float:
    """Of log(values) over log(SIZES), by least squares."""
    return float(np.polyfit(np.log(SIZES), values.log().numpy(), 1)[0])


@torch.no_grad()
def _loss(model: Linear, x: Tensor, y: Tensor) -> float:
    return float(F.cross_entropy(model(x), y))


@torch.no_grad()
def _closed_form(model: Linear, x: Tensor, y: Tensor) -> float:
    """E softplus(epsilon ||w||_1 - s w x) with s = -1 or 1 of the class: the worst case within epsilon."""
    margin = (2 * y - 1) * model.score(x)
    return float(F.softplus(EPSILON * model.weight.abs().sum() - margin).mean())


def draw(result: Experiment, folder: Path) -> list[Path]:
    """Accuracy over the number of features: predicted, and measured."""
    fig, (axes,) = figure.panels(1, 5.4, 3.2)
    sizes = [round(2 ** (k / 4)) for k in range(4, 41)]
    known = [predicted(size) for size in sizes]
    ways = (
        ("as they are", "clean", figure.BLUE, "-"),
        (f"moved by {EPSILON:g} in random directions", "by_chance", figure.GREEN, "--"),
        (f"moved by {EPSILON:g} against the weights", "attacked", figure.ORANGE, "-"),
    )
    for name, way, color, line in ways:
        axes.plot(sizes, [getattr(one, way) for one in known], line, color=color, linewidth=1.3, label=name)
        for size, own in ((SIZES[0], result.few), (MANY, result.many)):
            axes.plot(size, getattr(own, way), "o", color=color, ms=4)
    axes.set(xscale="log", ylim=(-0.03, 1.03), xlabel="features", ylabel="accuracy of a linear classifier")
    figure.title(axes, "The more features, the better, and the more easily moved", "lower left")
    return [figure.save(fig, folder / "linear-models.png")]


def _of(size: str, way: str, result: Experiment) -> float:
    return float(getattr(getattr(result, size), way))


_PAPER, _SAME = "Goodfellow et al., 2015, section 3", "Goodfellow et al., 2015, section 5"
_FEW, _MANY = predicted(SIZES[0]), predicted(MANY)
LINEAR_MODELS: Topic[Experiment] = Topic(
    "linear-models",
    "changes that nobody sees add up over features: why linear models have adversarial examples",
    experiment,
    (
        Claim("FGSM's change of a score, over epsilon ||w||_1, less 1", _PAPER, 0.0, lambda e: e.off, 1e-9),
        Claim("its growth with the number of features, an exponent", _PAPER, 1.0, lambda e: e.growth, 0.1),
        Claim("that of changes of random signs", "sums of independent signs", 0.5, lambda e: e.growth_by_chance, 0.1),
        Claim("steps of PGD, less one of FGSM", "Madry et al., 2018, section 2.1", 0.0, lambda e: e.between, 1e-9),
        Claim("loss under FGSM, less E softplus(epsilon ||w||_1 - y w x)", _SAME, 0.0, lambda e: e.loss, 1e-9),
        Claim("accuracy with 4 features", "Phi(0.1 sqrt n)", _FEW.clean, partial(_of, "few", "clean"), 0.015),
        Claim("4 features, moved by FGSM", "Phi(-0.1 sqrt n)", _FEW.attacked, partial(_of, "few", "attacked"), 0.015),
        Claim("accuracy with 400 features", "Phi(0.1 sqrt n)", _MANY.clean, partial(_of, "many", "clean"), 0.006),
        Claim(
            "400 features, moved in random directions",
            "Phi(0.1 sqrt n / sqrt 1.04)",
            _MANY.by_chance,
            partial(_of, "many", "by_chance"),
            0.006,
        ),
        Claim(
            "400 features, moved by FGSM",
            "Phi(-0.1 sqrt n)",
            _MANY.attacked,
            partial(_of, "many", "attacked"),
            0.006,
        ),
    ),
    draw,
)
