"""Adversarial losses as pure functions of logits.

Logits are D's output before any sigmoid, (B,) or (B, 1). Every function returns a scalar mean over the batch, to be
minimised. Half precision is raised to float32 first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class LabelSmoothing:
    """D's targets. `Targets(real=0.9)` is one-sided smoothing (Salimans et al., 2016, section 3.4), `Targets(0.9, 0.1)`
    two-sided, `Targets(flip=0.05)` swaps the targets of a random 5 % of the samples, so that D is never quite sure."""

    real: Annotated[Share, "D's target for real samples; below 1 smooths"] = 1.0
    fake: Annotated[Share, "D's target for fakes; above 0 smooths both sides"] = 0.0
    flip: Annotated[Share, "share of D's targets that are swapped at random"] = 0.0

    def of(self, logits: Tensor, other: bool = False) -> Tensor:
        """A target for each of D's logits on real samples, or (`other`) on fakes; shaped like `logits`."""
        own, opposite = (self.fake, self.real) if other else (self.real, self.fake)
        targets = torch.full_like(logits, own)
        return targets.masked_fill_(torch.rand_like(logits) < self.flip, opposite) if self.flip else targets


HARD = LabelSmoothing()


class Objective(NamedTuple):
    """The two losses of a two-player game."""

    d: Callable[..., Tensor]  # (real, fake, targets=HARD) logits; objectives without targets refuse others
    g: Callable[..., Tensor]  # (fake, real=None) logits; relativistic generators need real


def to_float32(logits: Tensor) -> Tensor:
    """Half precision as float32, all else as it is."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _no_targets(name: str, targets: LabelSmoothing) -> None:
    if targets != HARD:
        raise ValueError(f"the {name} objective has no targets to smooth or flip; leave `targets` at {HARD}")


def _cross_entropy_d(real: Tensor, fake: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))): minus the value function; Goodfellow et al., 2014, eq. 1."""
    real, fake = to_float32(real), to_float32(fake)
    if targets == HARD:
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    on_real = F.binary_cross_entropy_with_logits(real, targets.of(real))
    return on_real + F.binary_cross_entropy_with_logits(fake, targets.of(fake, other=True))


def _minimax_g(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """E log(1 - D(G(z))): Goodfellow et al., 2014, Algorithm 1. Saturates where D is sure."""
    return -F.softplus(to_float32(fake)).mean()


def _non_saturating_g(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-E log D(G(z)): Goodfellow et al., 2014, section 3; same fixed point, strong gradient where D is sure."""
    return F.softplus(-to_float32(fake)).mean()


def _least_squares_d(real: Tensor, fake: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2: LSGAN; Mao et al., 2017, eq. 9."""
    real, fake = to_float32(real), to_float32(fake)
    on_real = (real - targets.of(real)).square().mean()
    return 0.5 * (on_real + (fake - targets.of(fake, other=True)).square().mean())


def _least_squares_g(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """1/2 E (D(G(z)) - 1)^2: LSGAN; Mao et al., 2017, eq. 9."""
    return 0.5 * (to_float32(fake) - 1).square().mean()


def _wasserstein_d(real: Tensor, fake: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """E D(G(z)) - E D(x): minus the critic's estimate of the distance; Arjovsky et al., 2017, eq. 3."""
    _no_targets("Wasserstein", targets)
    return to_float32(fake).mean() - to_float32(real).mean()


def _wasserstein_g(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-E D(G(z)); Arjovsky et al., 2017, Algorithm 1."""
    return -to_float32(fake).mean()


def _hinge_d(real: Tensor, fake: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))); Miyato et al., 2018, eq. 16."""
    _no_targets("hinge", targets)
    return F.relu(1 - to_float32(real)).mean() + F.relu(1 + to_float32(fake)).mean()


def _relativistic_d(real: Tensor, fake: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """E softplus(D(G(z)) - D(x)): is the real sample more real than its fake? RpGAN; Huang et al., 2024."""
    margin = to_float32(real) - to_float32(fake)
    if targets == HARD:
        return F.softplus(-margin).mean()
    return F.binary_cross_entropy_with_logits(margin, targets.of(margin))


def _relativistic_g(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """E softplus(D(x) - D(G(z))): the mirror of D's loss."""
    if real is None:
        raise ValueError("a relativistic generator needs the logits of real samples")
    return F.softplus(to_float32(real) - to_float32(fake)).mean()


minimax = Objective(_cross_entropy_d, _minimax_g)
non_saturating = Objective(_cross_entropy_d, _non_saturating_g)
least_squares = Objective(_least_squares_d, _least_squares_g)
wasserstein = Objective(_wasserstein_d, _wasserstein_g)
hinge = Objective(_hinge_d, _wasserstein_g)
relativistic = Objective(_relativistic_d, _relativistic_g)

OBJECTIVES = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
}


def check(name: str, targets: LabelSmoothing) -> None:
    """A `ValueError` where the objective of that name has no such targets: said when a game is built."""
    nothing = torch.empty(0)
    OBJECTIVES[name].d(nothing, nothing, targets)
