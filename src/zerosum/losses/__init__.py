"""Losses as pure functions of tensors, one file a family.

from zerosum import losses

losses.relativistic.d(real_logits, fake_logits) + 0.5 * losses.penalties.r1(discriminator, real)
"""

from zerosum.losses import adversarial, feature_matching, mutual_information, penalties, semi_supervised, variational
from zerosum.losses.adversarial import (
    OBJECTIVES,
    LabelSmoothing,
    Objective,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    relativistic,
    wasserstein,
)
from zerosum.losses.penalties import PENALTIES

__all__ = [
    "OBJECTIVES",
    "PENALTIES",
    "LabelSmoothing",
    "Objective",
    "adversarial",
    "feature_matching",
    "hinge",
    "least_squares",
    "minimax",
    "mutual_information",
    "non_saturating",
    "penalties",
    "relativistic",
    "semi_supervised",
    "variational",
    "wasserstein",
]
