"""The posterior Q(c | x) of the codes in z, and the mutual information of codes and samples.

All information is in nats. A `Posterior` has the parameters of Q(c | x), which is a product over the codes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses.adversarial import to_float32


class Posterior(NamedTuple):
    """Q(c | x) of a batch."""

    logits: tuple[Tensor, ...]  # (B, K) of each categorical code of K categories
    means: Tensor  # (B, C), of the Gaussians that continuous codes come from
    log_variances: Tensor  # (B, C)

    def detached(self) -> Posterior:
        """The same, as constants."""
        return Posterior(
            tuple(logits.detach() for logits in self.logits), self.means.detach(), self.log_variances.detach()
        )

    def categories(self) -> Tensor:
        """(B, codes) int64: the likeliest category of each categorical code."""
        return torch.stack([logits.argmax(1) for logits in self.logits], 1)


def split_parameters(parameters: Tensor, categories: tuple[int, ...], continuous: int) -> Posterior:
    """Q's output, (B, sum of categories + C), or + 2 C with log variances, split up; without them variances are 1."""
    *logits, rest = to_float32(parameters).split([*categories, parameters.shape[1] - sum(categories)], dim=1)
    means, log_variances = rest[:, :continuous], rest[:, continuous:]
    return Posterior(tuple(logits), means, log_variances if log_variances.shape[1] else torch.zeros_like(means))


def lower_bound(q: Posterior, codes: Tensor) -> dict[str, Tensor]:
    """L_I, a lower bound of I(c; x): E log Q(c | x) + H(c); Chen et al., 2016, eq. 5.

    Args:
        q: Q(c | x) of samples.
        codes: the codes in their z, (B, sum of categories + C): one-hot vectors, then numbers from U(-1, 1).

    Returns:
        That of all "categorical" codes, at most the sum of log K, and that of all "continuous" ones. A Gaussian of
        variance 1 has at best log 2 - log(2 pi) / 2 = -0.226 for each of those.
    """
    sizes = [logits.shape[1] for logits in q.logits]
    *one_hot, numbers = codes.split([*sizes, q.means.shape[1]], dim=1)
    bounds = {}
    if sizes:
        nats = [
            math.log(size) - F.cross_entropy(logits, code.argmax(1))
            for size, logits, code in zip(sizes, q.logits, one_hot, strict=True)
        ]
        bounds["categorical"] = torch.stack(nats).sum()
    if q.means.shape[1]:
        squares = (numbers - q.means).square() * (-q.log_variances).exp()
        densities = -0.5 * (math.log(2 * math.pi) + q.log_variances + squares)
        bounds["continuous"] = (math.log(2) + densities).sum(1).mean()
    return bounds


def conditional_entropy(q: Posterior) -> Tensor:
    """E H(c | x) of the categorical codes: how unsure Q is of a sample's; between 0 and the sum of log K."""
    return torch.stack([_entropy(logits.softmax(1)).mean() for logits in q.logits]).sum()


def marginal_entropy(q: Posterior) -> Tensor:
    """H(c) of the batch: how evenly samples are spread over the categories; between 0 and the sum of log K."""
    return torch.stack([_entropy(logits.softmax(1).mean(0)) for logits in q.logits]).sum()


def kl_divergence(q: Posterior, other: Posterior) -> Tensor:
    """E KL(q || other) of the categorical codes, over samples in the same places."""
    each = [
        F.kl_div(b.log_softmax(1), a.log_softmax(1), reduction="batchmean", log_target=True)
        for a, b in zip(q.logits, other.logits, strict=True)
    ]
    return torch.stack(each).sum()


def virtual_adversarial(posterior: Callable[[Tensor], Posterior], x: Tensor, q: Posterior, radius: float) -> Tensor:
    """Samples within `radius` (L2) of x, (B, *shape), whose posterior differs most from `q`, that of x.

    One step of the power method of Miyato et al., 2016 ("Distributional smoothing with virtual adversarial training"),
    taken at `radius`.
    """
    direction = _unit(torch.randn_like(x)).requires_grad_()
    (steepest,) = torch.autograd.grad(kl_divergence(q.detached(), posterior(x + radius * direction)), direction)
    return x + radius * _unit(steepest)


def _unit(x: Tensor) -> Tensor:
    """x, (B, *shape), each sample at length 1."""
    return F.normalize(x.flatten(1)).view_as(x)


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(-1)
