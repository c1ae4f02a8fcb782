"""A linear support vector machine on features: how well hyperplanes tell classes apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.util import checks

ITERATIONS = 500  # at most
TOLERANCE = 1e-4  # of the gradient: its largest entry at the end over that at weights of 0


@dataclass(frozen=True)
class LinearSVM:
    """One hyperplane for each class, one class against the rest: scores are features @ weight.T + bias."""

    weight: Tensor  # (K, F)
    bias: Tensor  # (K,)
    gradient: float  # its largest entry at the end over that at weights of 0; above `TOLERANCE`, the fit was cut off

    def predict(self, features: Tensor) -> Tensor:
        """The class with the highest score of each row of features (N, F): int64 (N,)."""
        return F.linear(features, self.weight, self.bias).argmax(1)

    def accuracy(self, features: Tensor, y: Tensor) -> float:
        """The share of rows of features (N, F) whose class y, (N,), is predicted: 0 to 1."""
        checks.whole("N", {"N": (len(features),)}, y=y)
        return float((self.predict(features) == y).double().mean())


def linear_svm(features: Tensor, y: Tensor, cost: float, iterations: int = ITERATIONS) -> LinearSVM:
    """A machine fitted to features (N, F) of classes y, int64 (N,), from 0 up; `cost` is C, that of a margin violation.

    For each class it minimises |w|^2 / 2 + cost * the sum over rows of max(0, 1 - t score)^2, where t is 1 for rows of
    the class and -1 for others. The bias is a weight of a feature that is always 1, as in LIBLINEAR (Fan et al., 2008),
    whose minimum this is. All classes are one problem to L-BFGS. Memory is that of the features, and of a few tensors
    (N, K) and (K, F). ValueError for shapes that do not fit, features that are not finite, classes below 0, or a cost
    that is not above 0.
    """
    if features.ndim != 2 or y.shape != features.shape[:1] or not len(y):
        raise ValueError(f"features (N, F) have classes (N,), not {tuple(features.shape)} and {tuple(y.shape)}")
    checks.finite("features", features)
    if int(y.min()) < 0:
        raise ValueError("classes are whole numbers from 0 up")
    if not cost > 0:
        raise ValueError(f"the cost of a margin violation is above 0, not {cost}")
    signs = F.one_hot(y, int(y.max()) + 1).to(features) * 2 - 1  # (N, K)
    weight, bias = features.new_zeros(signs.shape[1], features.shape[1]), features.new_zeros(signs.shape[1])
    scale = cost * len(y)  # so that the objective is K at weights of 0, whatever the cost
    begun = 2 * max(_largest(signs.T @ features), _largest(signs.sum(0))) / len(y)
    if begun == 0:  # nothing tells the classes apart, and weights of 0 are the minimum
        return LinearSVM(weight, bias, 0.0)
    solver = torch.optim.LBFGS(
        [weight, bias],
        max_iter=iterations,
        tolerance_grad=TOLERANCE * begun,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        """The value; it leaves its gradient, which is written out, where the solver reads it."""
        violations = F.relu(1 - signs * F.linear(features, weight, bias))
        slopes = -2 / len(y) * signs * violations  # of the scores
        weight.grad = slopes.T @ features + weight / scale
        bias.grad = slopes.sum(0) + bias / scale
        return (weight.square().sum() + bias.square().sum()) / (2 * scale) + violations.square().sum() / len(y)

    solver.step(objective)
    objective()
    assert weight.grad is not None and bias.grad is not None
    ended = max(_largest(weight.grad), _largest(bias.grad))
    return LinearSVM(weight.detach(), bias.detach(), ended / begun)


def _largest(values: Tensor) -> float:
    return float(values.abs().max())
