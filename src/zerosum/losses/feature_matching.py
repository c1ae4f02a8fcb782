"""Feature matching; Salimans et al., 2016, section 3.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from torch import Tensor

from zerosum.errors import unknown
from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, shapes

DistanceName = Literal["mean-square", "mean-absolute", "squared-norm"]
FeatureDistance = Annotated[
    DistanceName,
    "distance of mean features: mean square, as in the authors' code for MNIST; mean absolute, theirs for CIFAR-10 and "
    "SVHN; or the paper's squared norm, a sum, as many times the mean square as there are features",
]

DISTANCES: dict[DistanceName, Callable[[Tensor], Tensor]] = {
    "mean-square": lambda difference: difference.square().mean(),
    "mean-absolute": lambda difference: difference.abs().mean(),
    "squared-norm": lambda difference: difference.square().sum(),
}


def feature_matching(real: Tensor, fake: Tensor, distance: DistanceName = "mean-square") -> Tensor:
    """1/F ||E f(x) - E f(G(z))||^2 from D's features of a batch of each; no gradient reaches those of the data.

    The paper writes the squared norm; its authors' code, and that of Dai et al., 2017, take the mean over the features,
    which the weights of terms beside it are made for.

    Args:
        real, fake: D's features of samples and of fakes, (B, F); the batches may differ in size.
        distance: of the two means: "mean-square", "mean-absolute" (1/F |.|_1) or "squared-norm" (F times the first).

    Returns:
        A scalar >= 0 for G to minimise.

    Raises:
        ArgumentError: features that are no floating-point (B, F), or not as many in both; another distance.
    """
    if distance not in DISTANCES:
        raise ArgumentError(unknown("distance", distance, DISTANCES))
    sizes = shapes("B F", real=real)
    shapes("M F", {"F": sizes["F"]}, fake=fake)
    return DISTANCES[distance](to_float32(real.detach()).mean(0) - to_float32(fake).mean(0))
