"""Feature matching; Salimans et al., 2016, section 3.1."""

from __future__ import annotations

from torch import Tensor

from zerosum.losses.adversarial import full


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """||E f(x) - E f(G(z))||^2 from D's features of a batch of each, (B, F); no gradient reaches those of the data."""
    return (full(real.detach()).mean(0) - full(fake).mean(0)).square().sum()
