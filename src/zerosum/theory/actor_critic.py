"""A GAN is an actor-critic of a bandit: the same updates in either language; Pfau and Vinyals, 2016.

The bandit shows in half of its steps what is real, and pays 1; in the others what the actor chose, and pays 0. It does
not say which. So the critic that foresees the reward of what it sees is D, and the actor, who is never paid, is G.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.losses import adversarial
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.progress import tell

REAL = (40, 30, 20, 8, 2)  # times that each arm is shown, of a hundred, where it is real
ACTOR = (5, 15, 20, 25, 35)  # and where the actor chose it
STEPS, RATE = 4_000, 2.0  # of the critic
NODES = 64  # of the quadrature


@dataclass(frozen=True)
class Experiment:
    critic: float  # the largest difference of D's gradient and twice the critic's
    values: tuple[float, ...]  # of each arm, as the critic has learnt them
    actor: float  # the largest difference of G's gradient and of the policy gradient, over arms
    path: float  # of G's gradient and the deterministic policy gradient, over numbers
    drawn: float  # of G's gradient and the policy gradient by likelihood ratios, over numbers


def arms(counts: tuple[int, ...]) -> Tensor:
    """(100,) each arm so many times."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


# ---- the critic, and D


def as_discriminator(logits: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """D's loss, of the logits (K,) of arms: real ones (N,) and the generator's (N,)."""
    return adversarial.minimax.d(logits[real], logits[fake])


def as_critic(logits: Tensor, shown: Tensor, reward: Tensor) -> Tensor:
    """The critic's loss: the cross-entropy of its value of each arm shown, (2 N,), to the reward, (2 N,), 0 or 1."""
    return F.binary_cross_entropy_with_logits(logits[shown], reward)


# ---- the actor, and G


def as_generator(choice: Tensor, logits: Tensor) -> Tensor:
    """G's loss: log(1 - D) of what it makes, in the mean over its choices of arms (K,)."""
    return (choice.softmax(0) * -F.softplus(logits)).sum()


def as_actor(choice: Tensor, logits: Tensor) -> Tensor:
    """Minus the policy gradient, (K,): the value of each arm, -log(1 - Q), times the slope of its log probability."""
    p = choice.softmax(0)
    slopes = torch.autograd.functional.jacobian(lambda c: c.log_softmax(0), choice)  # (K, K): of each arm
    return -((p * F.softplus(logits))[:, None] * slopes).sum(0)


def experiment() -> Experiment:
    torch.manual_seed(0)
    real, fake = arms(REAL), arms(ACTOR)
    shown, reward = torch.cat([real, fake]), torch.cat([torch.ones(len(real)), torch.zeros(len(fake))]).double()
    logits = torch.randn(len(REAL), dtype=torch.float64, requires_grad=True)
    (of_d,) = torch.autograd.grad(as_discriminator(logits, real, fake), logits)
    (of_critic,) = torch.autograd.grad(as_critic(logits, shown, reward), logits)
    choice = torch.randn(len(REAL), dtype=torch.float64, requires_grad=True)
    (of_g,) = torch.autograd.grad(as_generator(choice, logits.detach()), choice)
    of_actor = as_actor(choice.detach(), logits.detach())
    path, drawn = _over_numbers()
    return Experiment(
        critic=float((of_d - 2 * of_critic).abs().max()),
        values=tuple(_learnt(shown, reward).tolist()),
        actor=float((of_g - of_actor).abs().max()),
        path=path,
        drawn=drawn,
    )


def _learnt(shown: Tensor, reward: Tensor) -> Tensor:
    """(K,) what a critic comes to value arms at."""
    logits = torch.zeros(len(REAL), dtype=torch.float64, requires_grad=True)
    for step in range(STEPS):
        if step % 250 == 0:
            tell("a critic learns the bandit", step + 1, STEPS)
        (slope,) = torch.autograd.grad(as_critic(logits, shown, reward), logits)
        with torch.no_grad():
            logits -= RATE * slope
    return logits.detach().sigmoid()


def _over_numbers() -> tuple[float, float]:
    """An actor whose choice is a number, mean + deviation z: both policy gradients beside G's, by quadrature."""
    nodes, weights = (torch.from_numpy(x) for x in np.polynomial.hermite_e.hermegauss(NODES))
    weights = weights / weights.sum()
    critic = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    mean, deviation = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.3, 0.8))

    def value(made: Tensor) -> Tensor:
        return F.softplus(critic(made[:, None])[:, 0])  # -log(1 - D)

    made = mean + deviation * nodes
    of_g = torch.stack(torch.autograd.grad(-(weights * value(made)).sum(), (mean, deviation)))
    action = made.detach().requires_grad_()
    (slope,) = torch.autograd.grad(value(action).sum(), action)  # of the critic, for what was done
    along = torch.stack([-(weights * slope).sum(), -(weights * slope * nodes).sum()])  # times that of the action
    worth = value(made.detach())
    scores = torch.stack([nodes / deviation, (nodes.square() - 1) / deviation]).detach()  # of log N(action)
    by_chance = -(weights * worth * scores).sum(1)
    return float((of_g - along).detach().abs().max()), float((of_g - by_chance).detach().abs().max())


def best() -> Tensor:
    """(K,) D* of the bandit: p / (p + q); Goodfellow et al., 2014, Proposition 1."""
    p, q = (torch.tensor(counts, dtype=torch.float64) for counts in (REAL, ACTOR))
    return p / (p + q)


def draw(result: Experiment, folder: Path) -> list[Path]:
    """The critic's values of arms, D*, and how often each is shown."""
    fig, (axes,) = figure.panels(1, 5.4, 3.2)
    places = list(range(1, len(REAL) + 1))
    for counts, name, color, side in ((REAL, "real", figure.BLUE, -0.18), (ACTOR, "the actor's", figure.ORANGE, 0.18)):
        axes.bar([k + side for k in places], [n / 100 for n in counts], 0.34, color=color, alpha=0.35, label=name)
    axes.plot(places, best().tolist(), "_", color="black", ms=26, label="D* = p / (p + q)")
    axes.plot(places, result.values, "o", color=figure.GREEN, ms=5, label="what a critic learns")
    axes.set(ylim=(0, 1), xlabel="arm of the bandit", ylabel="share, and value")
    figure.title(axes, "A critic of who is paid for real arms is D", "upper right")
    return [figure.save(fig, folder / "actor-critic.png")]


def _value(arm: int, result: Experiment) -> float:
    return result.values[arm]


_PAPER = "Pfau and Vinyals, 2016"
ACTOR_CRITIC: Topic[Experiment] = Topic(
    "actor-critic",
    "a GAN is an actor-critic of a bandit, who never sees a reward",
    experiment,
    (
        Claim("D's gradient, less twice the critic's", _PAPER, 0.0, lambda e: e.critic, 1e-12),
        Claim("the critic's value of the most real arm", "D*", float(best()[0]), partial(_value, 0), 1e-3),
        Claim("the critic's value of the least real arm", "D*", float(best()[-1]), partial(_value, -1), 1e-3),
        Claim("G's gradient, less the policy gradient over arms", "Sutton et al., 2000, Theorem 1", 0.0,
              lambda e: e.actor, 1e-12),
        Claim("G's gradient, less the deterministic policy gradient", "Silver et al., 2014, Theorem 1", 0.0,
              lambda e: e.path, 1e-12),
        Claim("G's gradient, less the policy gradient over numbers", "Williams, 1992", 0.0, lambda e: e.drawn, 1e-9),
    ),
    draw,
)  # fmt: skip
