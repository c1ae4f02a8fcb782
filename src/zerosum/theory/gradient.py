"""What a generator learns from a discriminator that is never wrong; Arjovsky and Bottou, 2017, section 2.2.

Where supports are apart, JS is log 2 however far. As D nears the best one, the gradient of G's first loss,
E log(1 - D), goes to 0 (Theorem 2.4); that of the non-saturating loss, -E log D, does not; and a critic of slope 1
shows the way at a steady pace (Arjovsky et al., 2017). The generator here is a shift: its gradient is the mean over
fakes of the loss's derivative by x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from zerosum.losses import adversarial, penalties
from zerosum.losses.adversarial import Objective
from zerosum.networks import mlp
from zerosum.optim import Adam
from zerosum.theory import figure
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Uniform
from zerosum.theory.frozen import FrozenGenerator, Penalty, trainer_on
from zerosum.theory.progress import tell
from zerosum.training.trainer import Trainer
from zerosum.util import rng

REAL, FAKE, DISTANCE = Uniform([1.0], [2.0]), Uniform([-2.0], [-1.0]), 3.0  # W1 is the way from one to the other
ROUNDS = 400
SATURATING, NON_SATURATING, WASSERSTEIN = "saturating", "non-saturating", "wasserstein"


def pull(network: nn.Module, objective: Objective, fakes: Tensor) -> float:
    """Minus the derivative of G's loss by a shift of its samples (N, 1): how hard it is drawn to the right."""
    x = fakes.float().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.g(network(x)), x)
    return -float(gradient.sum())


def bound(discriminator: nn.Module, fakes: Tensor) -> float:
    """eps / (1 - eps), which the gradient of E log(1 - D) by a shift cannot exceed, if |D| + |dD/dx| <= eps on fakes.

    That of Theorem 2.4, where D* is 0 around the fakes and the generator's own derivative 1.
    """
    x = fakes.float().requires_grad_()
    d = discriminator(x).sigmoid()
    (slope,) = torch.autograd.grad(d.sum(), x)
    eps = float((d.detach() + slope.abs()).max())
    return eps / (1 - eps) if eps < 1 else math.inf


@dataclass(frozen=True)
class Snapshot:
    """After some steps of training D alone."""

    rounds: int
    wrong: float  # E |D - D*|, since D* is 0 on fakes and 1 on real points
    pulls: dict[str, float]  # by G's loss; that of "wasserstein" from a critic
    bound: float  # of the first of them
    estimate: float  # the critic's: E f(x) - E f(G(z))


def experiment(seed: int = 0) -> list[Snapshot]:
    """A discriminator and a critic, trained against the same frozen fakes; a snapshot whenever the steps double."""
    adam = Adam(2e-3, (0.5, 0.99))
    fixed = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)[:, None]
    real, fake = (box.low + fixed * (box.high - box.low) for box in (REAL, FAKE))

    def trainer_of(objective: Objective, penalty: Penalty | None) -> tuple[nn.Module, Trainer]:
        rng.seed(seed)
        network = mlp.Discriminator((1,), (32, 32))
        game = FrozenGenerator(FAKE.sample, network, adam, objective, penalty)
        return network, trainer_on(REAL, game, ROUNDS, 128, seed)

    discriminator, trainer = trainer_of(adversarial.minimax, None)
    # Interpolates have a density of 1/3 here, so a penalty of weight w leaves a slope of 1 + 3 / (2 w): 1.15 for 10.
    critic, other = trainer_of(adversarial.wasserstein, lambda d, x, y: 100 * penalties.one_sided(d, x, y))
    snapshots = []
    for step in range(ROUNDS + 1):
        if step & (step - 1) == 0 or step == ROUNDS:
            with torch.no_grad():
                on_real, on_fake = discriminator(real.float()).sigmoid(), discriminator(fake.float()).sigmoid()
                estimate = critic(real.float()).mean() - critic(fake.float()).mean()
            pulls = {
                SATURATING: pull(discriminator, adversarial.minimax, fake),
                NON_SATURATING: pull(discriminator, adversarial.non_saturating, fake),
                WASSERSTEIN: pull(critic, adversarial.wasserstein, fake),
            }
            wrong = float((1 - on_real).mean() + on_fake.mean()) / 2
            snapshots.append(Snapshot(step, wrong, pulls, bound(discriminator, fake), float(estimate)))
        if step < ROUNDS:
            trainer.round()
            other.round()
            tell("training a discriminator and a critic", step + 1, ROUNDS)
    return snapshots


def draw(snapshots: list[Snapshot], folder: Path) -> list[Path]:
    """The error of D, and what each loss tells G, as D improves."""
    fig, (wrong, pulls) = figure.panels(2, 4.6, 3.2)
    snapshots = snapshots[1:]  # a logarithmic axis has no 0
    rounds = [snapshot.rounds for snapshot in snapshots]
    wrong.loglog(rounds, [snapshot.wrong for snapshot in snapshots], "o-", color=figure.INK, ms=3)
    wrong.set(xlabel="steps of D alone")
    figure.title(wrong, "mean error of D")
    for name, label, color in (
        (SATURATING, "log(1 - D): vanishes", figure.ORANGE),
        (NON_SATURATING, "-log D", figure.GREEN),
        (WASSERSTEIN, "critic of slope 1", figure.BLUE),
    ):
        pulls.loglog(rounds, [snapshot.pulls[name] for snapshot in snapshots], "o-", color=color, ms=3, label=label)
    pulls.set(xlabel="steps of D alone")
    figure.title(pulls, "gradient that G gets", "lower left")
    return [figure.save(fig, folder / "vanishing-gradient.png")]


def _over_largest(snapshots: list[Snapshot], loss: str) -> float:
    """The last gradient by a loss, over the largest by the saturating one."""
    return snapshots[-1].pulls[loss] / max(snapshot.pulls[SATURATING] for snapshot in snapshots)


def _over_bound(snapshots: list[Snapshot]) -> float:
    return max(snapshot.pulls[SATURATING] / snapshot.bound for snapshot in snapshots)


_PAPER, _CRITIC = "Arjovsky and Bottou, 2017", "Gulrajani et al., 2017, Corollary 1"
_T24 = f"{_PAPER}, Theorem 2.4"
GRADIENT: Topic[list[Snapshot]] = Topic(
    "vanishing-gradient",
    "supports apart: the better D, the less it tells G; a Wasserstein critic keeps telling",
    experiment,
    (
        Claim("mean error of the trained D", f"{_PAPER}, Theorem 2.1", 0.0, lambda e: e[-1].wrong, 0.01),
        Claim("gradient of log(1 - D), over its largest", _T24, 0.0, lambda e: _over_largest(e, SATURATING), 0.02),
        Claim("gradient of log(1 - D), over its bound eps / (1 - eps)", _T24, 1.0, _over_bound, 0.0, "<="),
        Claim(
            "gradient of -log D, over the largest of log(1 - D)",
            f"{_PAPER}, section 2.2.2",
            1.0,
            lambda e: _over_largest(e, NON_SATURATING),
            0.0,
            ">=",
        ),
        Claim("gradient from a trained critic", _CRITIC, 1.0, lambda e: e[-1].pulls[WASSERSTEIN], 0.1),
        Claim("W1 as the critic tells it", "Arjovsky et al., 2017, eq. 2", DISTANCE, lambda e: e[-1].estimate, 0.2),
    ),
    draw,
)
