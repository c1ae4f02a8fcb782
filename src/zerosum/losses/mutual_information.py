"""What a network Q says of the codes that samples were made from, and how much it knows.

All information is in nats. A `Posterior` has the parameters of Q(c | x), whose parts are independent of each other.
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
    """Q's output, (B, sum of categories + C), or + 2 C where it says variances too, taken apart; else they are 1."""
    *logits, rest = to_float32(parameters).split([*categories, parameters.shape[1] - sum(categories)], dim=1)
    means, log_variances = rest[:, :continuous], rest[:, continuous:]
    return Posterior(tuple(logits), means, log_variances if log_variances.shape[1] else torch.zeros_like(means))


def lower_bound(said: Posterior, codes: Tensor) -> dict[str, Tensor]:
    """L_I, a lower bound of I(c; x): E log Q(c | x) + H(c); Chen et al., 2016, eq. 5.

    Args:
        said: Q(c | x) of samples.
        codes: what they were made from, (B, sum of categories + C): one-hot vectors, then numbers from U(-1, 1).

    Returns:
        That of all "categorical" codes, at most the sum of log K, and that of all "continuous" ones. A Gaussian of
        variance 1 says at best log 2 - log(2 pi) / 2 = -0.226 of each of those.
    """
    sizes = [logits.shape[1] for logits in said.logits]
    *one_hot, numbers = codes.split([*sizes, said.means.shape[1]], dim=1)
    found = {}
    if sizes:
        nats = [
            math.log(size) - F.cross_entropy(logits, asked.argmax(1))
            for size, logits, asked in zip(sizes, said.logits, one_hot, strict=True)
        ]
        found["categorical"] = torch.stack(nats).sum()
    if said.means.shape[1]:
        squares = (numbers - said.means).square() * (-said.log_variances).exp()
        densities = -0.5 * (math.log(2 * math.pi) + said.log_variances + squares)
        found["continuous"] = (math.log(2) + densities).sum(1).mean()
    return found


def conditional_entropy(said: Posterior) -> Tensor:
    """E H(c | x): how unsure Q is of a sample's categorical codes; between 0 and the sum of log K."""
    return torch.stack([_entropy(logits.softmax(1)).mean() for logits in said.logits]).sum()


def marginal_entropy(said: Posterior) -> Tensor:
    """H(c) of the batch: how evenly its samples are spread over the categories; between 0 and the sum of log K."""
    return torch.stack([_entropy(logits.softmax(1).mean(0)) for logits in said.logits]).sum()


def kl_divergence(said: Posterior, other: Posterior) -> Tensor:
    """E KL of what is said of samples' categorical codes to what is said of others in their places."""
    each = [
        F.kl_div(q.log_softmax(1), p.log_softmax(1), reduction="batchmean", log_target=True)
        for p, q in zip(said.logits, other.logits, strict=True)
    ]
    return torch.stack(each).sum()


def virtual_adversarial(q: Callable[[Tensor], Posterior], x: Tensor, said: Posterior, radius: float) -> Tensor:
    """Samples within `radius` of x, (B, *shape), of which Q says something else than `said`; Miyato et al., 2016.

    One step of their power method ("Distributional smoothing with virtual adversarial training"), taken at `radius`.
    """
    way = _unit(torch.randn_like(x)).requires_grad_()
    (steepest,) = torch.autograd.grad(kl_divergence(said.detached(), q(x + radius * way)), way)
    return x + radius * _unit(steepest)


def _unit(x: Tensor) -> Tensor:
    """x, (B, *shape), each sample at length 1."""
    return F.normalize(x.flatten(1)).view_as(x)


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(-1)
