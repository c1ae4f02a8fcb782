"""Feature matching; Salimans et al., 2016, section 3.1."""

from __future__ import annotations

from torch import Tensor

from zerosum.losses.adversarial import to_float32


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """||E f(x) - E f(G(z))||^2 from D's features of a batch of each, (B, F); no gradient reaches those of the data."""
    return (to_float32(real.detach()).mean(0) - to_float32(fake).mean(0)).square().sum()
