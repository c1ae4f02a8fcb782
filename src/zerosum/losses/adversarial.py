"""Adversarial losses as pure functions of logits, and the objectives that pair them.

    from zerosum.losses import adversarial

    adversarial.hinge.d(real_logits, fake_logits), adversarial.hinge.g(fake_logits)  # or hinge_d, hinge_g

Logits are D's output before any sigmoid: (B,) or (B, 1), one a sample; or (B, 1, ...), one for each patch of a sample,
over which the mean is taken, too. Every function returns a scalar mean over the batch, to be minimised. Half precision
is raised to float32 first. `ArgumentError`, a `ValueError`, for all else, for empty batches, and for a pair of batches
that are not of one size where the loss compares their samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor

from zerosum.errors import unknown
from zerosum.options import Among, Checked
from zerosum.util.checks import ArgumentError, floating, number, one_device, refuse

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class LabelSmoothing(Checked):
    """D's targets. `LabelSmoothing(real=0.9)` is one-sided (Salimans et al., 2016, section 3.4), `LabelSmoothing(0.9,
    0.1)` two-sided, `LabelSmoothing(flip=0.05)` swaps the targets of a random 5 % of the samples."""

    real: Annotated[Share, "D's target for real samples; below 1 smooths"] = 1.0
    fake: Annotated[Share, "D's target for fakes; above 0 smooths both sides"] = 0.0
    flip: Annotated[Share, "probability that a target is flipped"] = 0.0

    def __post_init__(self) -> None:
        for name, value in (("real", self.real), ("fake", self.fake), ("flip", self.flip)):
            number(f"targets.{name}", value, 0, 1)
        super().__post_init__()

    def of(self, logits: Tensor, other: bool = False) -> Tensor:
        """A target for each of D's logits on real samples, or (`other`) on fakes; shaped like `logits`."""
        own, opposite = (self.fake, self.real) if other else (self.real, self.fake)
        targets = torch.full_like(logits, own)
        return targets.masked_fill_(torch.rand_like(logits) < self.flip, opposite) if self.flip else targets


HARD = LabelSmoothing()


def to_float32(logits: Tensor) -> Tensor:
    """Half precision as float32, all else as it is."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def as_logits(name: str, logits: Tensor) -> Tensor:
    """Logits of the shapes above, half precision raised; `ArgumentError`, by `name`, for what is no such batch."""
    floating(name, logits)
    if logits.dim() == 0 or (logits.dim() > 1 and logits.shape[1] != 1):
        raise refuse(name, logits, "(B,), (B, 1) or, of patches, (B, 1, ...)")
    if not logits.numel():
        raise ArgumentError(f"{name} is empty: its shape is {tuple(logits.shape)}")
    return to_float32(logits)


def _both(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Both as logits, of as many samples as there are; `ArgumentError` where they are on two devices."""
    real, fake = as_logits("real_logits", real_logits), as_logits("fake_logits", fake_logits)
    one_device(real_logits=real, fake_logits=fake)
    return real, fake


def _hard(targets: LabelSmoothing) -> bool:
    """Whether targets are 1 and 0; `ArgumentError` for what are none."""
    if not isinstance(targets, LabelSmoothing):
        raise ArgumentError(f"targets must be a LabelSmoothing, as in LabelSmoothing(real=0.9), not {targets!r}")
    return targets == HARD


def _pairs(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Both as logits, (B,) or (B, ...) of patches; `ArgumentError` where they are not as many."""
    real, fake = _both(real_logits, fake_logits)
    real, fake = (x.flatten() if x.dim() <= 2 else x for x in (real, fake))
    if real.shape != fake.shape:
        raise ArgumentError(
            f"real_logits and fake_logits must be as many, to be paired, not {tuple(real_logits.shape)} and "
            f"{tuple(fake_logits.shape)}"
        )
    return real, fake


def cross_entropy_d(real_logits: Tensor, fake_logits: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))): minus the value function; Goodfellow et al., 2014, eq. 1.

    Args:
        real_logits, fake_logits: D's of real samples and of fakes, (B,) or (B, 1).
        targets: smoothed or flipped labels.

    Returns:
        A scalar >= 0 for D to minimise; log 4 where D is 1/2 everywhere.
    """
    real_logits, fake_logits = _both(real_logits, fake_logits)
    if _hard(targets):
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    on_real = F.binary_cross_entropy_with_logits(real_logits, targets.of(real_logits))
    return on_real + F.binary_cross_entropy_with_logits(fake_logits, targets.of(fake_logits, other=True))


def minimax_g(fake_logits: Tensor) -> Tensor:
    """E log(1 - D(G(z))); Goodfellow et al., 2014, Algorithm 1. Its gradient vanishes where D is sure of the fakes.

    Args:
        fake_logits: D's of fakes, (B,) or (B, 1).

    Returns:
        A scalar <= 0 for G to minimise.
    """
    return -F.softplus(as_logits("fake_logits", fake_logits)).mean()


def non_saturating_g(fake_logits: Tensor) -> Tensor:
    """-E log D(G(z)); Goodfellow et al., 2014, section 3: same fixed point, strong gradient where D is sure.

    Args:
        fake_logits: D's of fakes, (B,) or (B, 1).

    Returns:
        A scalar >= 0 for G to minimise.
    """
    return F.softplus(-as_logits("fake_logits", fake_logits)).mean()


def least_squares_d(real_logits: Tensor, fake_logits: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2: LSGAN; Mao et al., 2017, eq. 9.

    Args:
        real_logits, fake_logits: D's of real samples and of fakes, (B,) or (B, 1).
        targets: smoothed or flipped labels, in place of 1 and 0.

    Returns:
        A scalar >= 0 for D to minimise.
    """
    real_logits, fake_logits = _both(real_logits, fake_logits)
    _hard(targets)
    on_real = (real_logits - targets.of(real_logits)).square().mean()
    return 0.5 * (on_real + (fake_logits - targets.of(fake_logits, other=True)).square().mean())


def least_squares_g(fake_logits: Tensor) -> Tensor:
    """1/2 E (D(G(z)) - 1)^2: LSGAN; Mao et al., 2017, eq. 9.

    Args:
        fake_logits: D's of fakes, (B,) or (B, 1).

    Returns:
        A scalar >= 0 for G to minimise.
    """
    return 0.5 * (as_logits("fake_logits", fake_logits) - 1).square().mean()


def wasserstein_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(G(z)) - E D(x): minus the critic's estimate of the distance; Arjovsky et al., 2017, eq. 3.

    Args:
        real_logits, fake_logits: the critic's scores of real samples and of fakes, (B,) or (B, 1).

    Returns:
        A scalar for the critic, which must be Lipschitz (by clipping or a penalty), to minimise.
    """
    real, fake = _both(real_logits, fake_logits)
    return fake.mean() - real.mean()


def wasserstein_g(fake_logits: Tensor) -> Tensor:
    """-E D(G(z)); Arjovsky et al., 2017, Algorithm 1.

    Args:
        fake_logits: the critic's scores of fakes, (B,) or (B, 1).

    Returns:
        A scalar for G to minimise.
    """
    return -as_logits("fake_logits", fake_logits).mean()


def hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))); Miyato et al., 2018, eq. 16.

    Args:
        real_logits, fake_logits: D's of real samples and of fakes, (B,) or (B, 1).

    Returns:
        A scalar >= 0 for D to minimise; 0 where all real logits are above 1 and all fake ones below -1.
    """
    real, fake = _both(real_logits, fake_logits)
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_g(fake_logits: Tensor) -> Tensor:
    """-E D(G(z)), as `wasserstein_g`; Miyato et al., 2018, eq. 17.

    Args:
        fake_logits: D's of fakes, (B,) or (B, 1).

    Returns:
        A scalar for G to minimise.
    """
    return wasserstein_g(fake_logits)


def _one_target(targets: LabelSmoothing) -> None:
    """An `ArgumentError` for a target of fakes that a pair of samples does not have."""
    _hard(targets)
    if targets.fake and not math.isclose(targets.fake, 1 - targets.real):
        raise ArgumentError(
            f"the relativistic objective has one target for a pair, targets.real ({targets.real:g}), and none for its "
            f"fake: leave targets.fake at 0, or at {1 - targets.real:g}, not {targets.fake:g}"
        )


def relativistic_d(real_logits: Tensor, fake_logits: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
    """E softplus(D(G(z)) - D(x)): is the real sample more real than its fake? RpGAN; Huang et al., 2024.

    Args:
        real_logits, fake_logits: D's of real samples and of as many fakes, paired in order, (B,) or (B, 1).
        targets: smoothed or flipped labels. A pair has one: `real`, or, flipped, `fake`, which is 0 or 1 - `real`.

    Returns:
        A scalar >= 0 for D to minimise; log 2 where no sample of a pair seems more real.
    """
    _one_target(targets)
    real, fake = _pairs(real_logits, fake_logits)
    margin = real - fake
    if targets == HARD:
        return F.softplus(-margin).mean()
    return F.binary_cross_entropy_with_logits(margin, targets.of(margin))


def relativistic_g(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """E softplus(D(x) - D(G(z))): the mirror of D's loss; Huang et al., 2024.

    Args:
        fake_logits, real_logits: D's of fakes and of as many real samples, paired in order, (B,) or (B, 1).

    Returns:
        A scalar >= 0 for G to minimise.
    """
    real, fake = _pairs(real_logits, fake_logits)
    return F.softplus(real - fake).mean()


ObjectiveName = Annotated[
    Literal["minimax", "non-saturating", "least-squares", "wasserstein", "hinge", "relativistic"],
    Among(lambda: OBJECTIVES),
]


@dataclass(frozen=True)
class Objective:
    """The two losses of a two-player game."""

    name: ObjectiveName
    d_loss: Callable[..., Tensor]  # (real_logits, fake_logits), and targets where it has `labels`
    g_loss: Callable[..., Tensor]  # (fake_logits), and real_logits where it is `paired`
    labels: bool = True  # D's loss has targets, which can be smoothed or flipped
    paired: bool = False  # each real sample is compared with a fake: G's loss needs logits of real samples, too

    def d(self, real_logits: Tensor, fake_logits: Tensor, targets: LabelSmoothing = HARD) -> Tensor:
        """D's loss; an `ArgumentError` for targets that it does not have."""
        self.check(targets)
        return self.d_loss(real_logits, fake_logits, targets) if self.labels else self.d_loss(real_logits, fake_logits)

    def g(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """G's loss; only a `paired` objective reads `real_logits`, and raises `ArgumentError` without them."""
        if not self.paired:
            return self.g_loss(fake_logits)
        if real_logits is None:
            raise ArgumentError(f"the generator's {self.name} loss needs the logits of real samples, too")
        return self.g_loss(fake_logits, real_logits)

    def check(self, targets: LabelSmoothing) -> None:
        """An `ArgumentError` where D's loss has no such targets."""
        if not _hard(targets) and not self.labels:
            raise ArgumentError(
                f"the {self.name} objective has no targets to smooth or flip; leave `targets` at {HARD}"
            )
        if self.paired:
            _one_target(targets)


minimax = Objective("minimax", cross_entropy_d, minimax_g)
non_saturating = Objective("non-saturating", cross_entropy_d, non_saturating_g)
least_squares = Objective("least-squares", least_squares_d, least_squares_g)
wasserstein = Objective("wasserstein", wasserstein_d, wasserstein_g, labels=False)
hinge = Objective("hinge", hinge_d, hinge_g, labels=False)
relativistic = Objective("relativistic", relativistic_d, relativistic_g, paired=True)

OBJECTIVES: dict[str, Objective] = {
    one.name: one for one in (minimax, non_saturating, least_squares, wasserstein, hinge, relativistic)
}


def check(name: str, targets: LabelSmoothing) -> None:
    """`Objective.check` of the objective of that name, for when a game is built."""
    if name not in OBJECTIVES:
        raise ArgumentError(unknown("objective", name, OBJECTIVES))
    OBJECTIVES[name].check(targets)
