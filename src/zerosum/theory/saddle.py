"""An equilibrium is a saddle point: the Dirac-GAN circles it, and with R1 runs into it; Mescheder et al., 2018, s. 2.

The data are all at 0, the generator's samples all at theta, and D(x) = psi x. It is played by `GAN` and the trainer, in
either order; with R1 it is a path along the gradients of the library's own losses and penalty.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from zerosum.games.gan import GAN
from zerosum.losses import adversarial, penalties
from zerosum.optim import SGD
from zerosum.recipe import Training
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.progress import tell
from zerosum.training.trainer import Trainer

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


def path(gamma: float, start: tuple[float, float], steps: int) -> Tensor:
    """(steps + 1, 2) states of steps at once."""
    states = [torch.tensor(start, dtype=torch.float64)]
    for _ in range(steps):
        states.append(simultaneous(states[-1].requires_grad_(), gamma).detach())
    return torch.stack([state.detach() for state in states])


class Dirac(nn.Module):
    """A generator all of whose samples are at theta."""

    def __init__(self, theta: float):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


class Zeros:
    """A stream of data at 0."""

    def __call__(self) -> Tensor:
        return torch.zeros(1, 1, dtype=torch.float64)

    def state(self) -> dict[str, int]:
        return {}

    def restore(self, state: object) -> None:
        return


def play(order: Literal["alternating", "simultaneous"], start: tuple[float, float], steps: int) -> Tensor:
    """(steps + 1, 2) states of the Dirac-GAN, as the trainer plays it."""
    generator, discriminator = Dirac(start[0]), nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(discriminator.weight, start[1])
    sgd = SGD(RATE, momentum=0.0)
    config = GAN.Config(latent_dim=1, generator="minimax", order=order, g_optimizer=sgd, d_optimizer=sgd)
    game = GAN(generator, discriminator, config)
    trainer = Trainer(game, Zeros(), Training(steps=steps, average=0.0, precision="fp32"))
    states = [torch.tensor(start, dtype=torch.float64)]
    for done in range(steps):
        tell(f"playing on a saddle, {order}", done + 1, steps)
        trainer.round()
        states.append(torch.cat([generator.theta.detach(), discriminator.weight.detach().flatten()]))
    return torch.stack(states)


def growth(states: Tensor) -> float:
    """By how much the distance to the equilibrium grows a step, on average."""
    return float((states[-1].norm() / states[0].norm()).log() / (len(states) - 1))


def turn(states: Tensor) -> float:
    """By how much the state turns about the equilibrium a step, in radians, on average."""
    points = torch.complex(*states.T)
    return float((points[1:] / points[:-1]).angle().sum().abs() / (len(states) - 1))


@dataclass(frozen=True)
class Experiment:
    off: float  # the largest error of an eigenvalue, without and with R1
    real: float  # the largest real part without R1
    damped: float  # the largest real part with R1
    simultaneous: float  # growth a step, in logarithms
    alternating: float
    regularised: float
    turns_at_once: float  # radians a step
    turns_alternating: float


def experiment() -> Experiment:
    off = max(abs(a - b) for g in (0.0, GAMMA) for a, b in zip(eigenvalues(g), predicted(g), strict=True))
    at_once, in_turn = (play(order, START, STEPS) for order in ("simultaneous", "alternating"))
    return Experiment(
        off=off,
        real=max(value.real for value in eigenvalues()),
        damped=max(value.real for value in eigenvalues(GAMMA)),
        simultaneous=growth(at_once),
        alternating=growth(in_turn),
        regularised=growth(path(GAMMA, START, STEPS)),
        turns_at_once=turn(at_once),
        turns_alternating=turn(in_turn),
    )


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The three ways in the plane of both players."""
    fig, axes = figure.panels(3, 3.4, 3.4)
    start, steps = (0.8, 0.0), 180
    ways = (
        (play("simultaneous", start, steps), "both at once: outwards"),
        (play("alternating", start, steps), "one after the other: round"),
        (path(GAMMA, start, steps), f"both at once, R1 of {GAMMA:g}: inwards"),
    )
    for one, (states, name) in zip(axes, ways, strict=True):
        one.plot(*states.T, color=figure.BLUE, linewidth=0.8, marker="o", ms=1.8)
        one.plot(0, 0, "+", color=figure.INK, ms=10)
        one.plot(*states[0], "o", color=figure.ORANGE, ms=5)
        one.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="generator: theta", ylabel="discriminator: psi")
        figure.title(one, name)
    return [figure.save(fig, folder / "saddle.png")]


def _growth(gamma: float = 0.0) -> float:
    """Predicted of both players' steps at once."""
    return math.log(abs(1 + RATE * predicted(gamma)[0]))


def _turn() -> float:
    """Predicted of both players' steps at once."""
    return abs(cmath.phase(1 + RATE * predicted()[0]))


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
        Claim("turn a step, both players at once", "arg(1 + h lambda)", _turn(), lambda e: e.turns_at_once, 1e-5),
        Claim(
            "turn a step, one after the other",
            "trace 2 - h^2/4, determinant 1",
            math.acos(1 - RATE**2 / 8),
            lambda e: e.turns_alternating,
            1e-3,
        ),
        Claim("log growth a step, both at once with R1", _STEP, _growth(GAMMA), lambda e: e.regularised, 1e-3),
    ),
    draw,
)
