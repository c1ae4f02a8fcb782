"""An equilibrium is a saddle point: the Dirac-GAN circles it, and with R1 runs into it; Mescheder et al., 2018, s. 2.

The data are all at 0, the generator's samples all at theta, and D(x) = psi x. What is computed is the gradient of the
library's own losses and penalty.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zerosum.losses import adversarial, penalties
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.progress import tell

RATE, GAMMA, STEPS = 0.2, 0.3, 150
START = (0.02, 0.0)  # near the equilibrium, where the linear theory holds


def field(state: Tensor, gamma: float = 0.0) -> Tensor:
    """(2,) minus the gradients of G's loss for theta and of D's, with gamma R1, for psi; `state` is (theta, psi)."""
    theta, psi = (part.reshape(1, 1) for part in state.unbind())
    real = torch.zeros_like(theta)  # (1, 1)
    d = adversarial.minimax.d(psi * real, psi * theta) + gamma * penalties.r1(lambda x: psi * x, real)
    (down_theta,) = torch.autograd.grad(adversarial.minimax.g(psi * theta), theta, create_graph=True)
    (down_psi,) = torch.autograd.grad(d, psi, create_graph=True)
    return -torch.cat([down_theta, down_psi]).flatten()


def eigenvalues(gamma: float = 0.0) -> list[complex]:
    """Of the field's Jacobian at the equilibrium (0, 0), found by automatic differentiation."""
    origin = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    jacobian = torch.autograd.functional.jacobian(lambda state: field(state, gamma), origin)
    found: list[complex] = torch.linalg.eigvals(jacobian).tolist()
    return sorted(found, key=lambda value: value.imag)


def predicted(gamma: float = 0.0) -> list[complex]:
    """-gamma/2 -+ sqrt(gamma^2/4 - f'(0)^2), f'(0) = 1/2: on the imaginary axis without a penalty."""
    root = cmath.sqrt(gamma**2 / 4 - 0.25)
    return sorted((-gamma / 2 - root, -gamma / 2 + root), key=lambda value: value.imag)


def simultaneous(state: Tensor, gamma: float = 0.0) -> Tensor:
    """One step of both players at once."""
    return state + RATE * field(state, gamma)


def alternating(state: Tensor, gamma: float = 0.0) -> Tensor:
    """A step of D, then a step of G against the new D."""
    down = torch.tensor([0.0, 1.0], dtype=state.dtype)
    state = state + RATE * down * field(state, gamma)
    return state + RATE * (1 - down) * field(state, gamma)


def path(step: Callable[[Tensor, float], Tensor], gamma: float, start: tuple[float, float], steps: int) -> Tensor:
    """(steps + 1, 2) states."""
    states = [torch.tensor(start, dtype=torch.float64)]
    for done in range(steps):
        tell("playing on a saddle", done + 1, steps)
        states.append(step(states[-1].requires_grad_(), gamma).detach())
    return torch.stack([state.detach() for state in states])


def growth(states: Tensor) -> float:
    """By how much the distance to the equilibrium grows a step, on average."""
    return float((states[-1].norm() / states[0].norm()).log() / (len(states) - 1))


@dataclass(frozen=True)
class Experiment:
    off: float  # the largest error of an eigenvalue, without and with R1
    real: float  # the largest real part without R1
    damped: float  # the largest real part with R1
    simultaneous: float  # growth a step, in logarithms
    alternating: float
    regularised: float


def experiment() -> Experiment:
    off = max(abs(a - b) for g in (0.0, GAMMA) for a, b in zip(eigenvalues(g), predicted(g), strict=True))
    return Experiment(
        off=off,
        real=max(value.real for value in eigenvalues()),
        damped=max(value.real for value in eigenvalues(GAMMA)),
        simultaneous=growth(path(simultaneous, 0.0, START, STEPS)),
        alternating=growth(path(alternating, 0.0, START, STEPS)),
        regularised=growth(path(simultaneous, GAMMA, START, STEPS)),
    )


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The three ways in the plane of both players."""
    fig, axes = figure.panels(3, 3.4, 3.4)
    ways = (
        (simultaneous, 0.0, "both at once: outwards"),
        (alternating, 0.0, "one after the other: round"),
        (simultaneous, GAMMA, f"both at once, R1 of {GAMMA:g}: inwards"),
    )
    for one, (step, gamma, name) in zip(axes, ways, strict=True):
        states = path(step, gamma, (0.8, 0.0), 180)
        one.plot(*states.T, color=figure.BLUE, linewidth=0.8, marker="o", ms=1.8)
        one.plot(0, 0, "+", color=figure.INK, ms=10)
        one.plot(*states[0], "o", color=figure.ORANGE, ms=5)
        one.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="generator: theta", ylabel="discriminator: psi")
        figure.title(one, name)
    return [figure.save(fig, folder / "saddle.png")]


def _growth(gamma: float = 0.0) -> float:
    """Predicted of both players' steps at once."""
    return math.log(abs(1 + RATE * predicted(gamma)[0]))


_PAPER, _STEP = "Mescheder et al., 2018", "log |1 + h lambda|"
SADDLE: Topic[Experiment] = Topic(
    "saddle",
    "gradients circle the equilibrium; R1 lets them reach it",
    experiment,
    (
        Claim("eigenvalues, from -g/2 +- sqrt(g^2/4 - 1/4)", f"{_PAPER}, the Dirac-GAN", 0.0, lambda e: e.off, 1e-9),
        Claim("their real part without R1", f"{_PAPER}, the Dirac-GAN", 0.0, lambda e: e.real, 1e-9),
        Claim("their real part with R1 of g = 0.3", f"{_PAPER}, R1", -GAMMA / 2, lambda e: e.damped, 1e-9),
        Claim("log growth a step, both players at once", _STEP, _growth(), lambda e: e.simultaneous, 1e-5),
        Claim("log growth a step, one after the other", "determinant 1", 0.0, lambda e: e.alternating, 1e-3),
        Claim("log growth a step, both at once with R1", _STEP, _growth(GAMMA), lambda e: e.regularised, 1e-3),
    ),
    draw,
)
