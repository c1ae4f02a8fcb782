"""A network Q's posterior of the codes that samples were generated from, and bounds and measures of information.

All information is in nats. A `Posterior` has the parameters of Q(c | x), a factored distribution. `ArgumentError`, a
`ValueError`, for other shapes, for empty batches, and for what a posterior without such codes does not have.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, number, refuse, shapes


class Posterior(NamedTuple):
    """Q(c | x) of a batch."""

    logits: tuple[Tensor, ...]  # (B, K) of each categorical code of K categories
    means: Tensor  # (B, C), of the Gaussians that continuous codes come from
    log_variances: Tensor  # (B, C)

    def detach(self) -> Posterior:
        """The same, as constants."""
        return Posterior(tuple(x.detach() for x in self.logits), self.means.detach(), self.log_variances.detach())

    def categories(self) -> Tensor:
        """(B, codes) int64: the likeliest category of each categorical code."""
        _categorical(self)
        return torch.stack([logits.argmax(1) for logits in self.logits], 1)


def split_parameters(parameters: Tensor, categories: tuple[int, ...], continuous: int) -> Posterior:
    """Q's output, (B, sum of categories + C), or + 2 C with log variances, split; without them variances are 1."""
    shapes("B columns", parameters=parameters)
    first = sum(categories) + continuous
    if parameters.shape[1] not in (first, first + continuous):
        both = f", or (B, {first + continuous}) with log variances" if continuous else ""
        raise refuse("parameters", parameters, f"(B, {first}){both}")
    *logits, rest = to_float32(parameters).split([*categories, parameters.shape[1] - sum(categories)], dim=1)
    means, log_variances = rest[:, :continuous], rest[:, continuous:]
    return Posterior(tuple(logits), means, log_variances if log_variances.shape[1] else torch.zeros_like(means))


def lower_bound(q: Posterior, codes: Tensor) -> dict[str, Tensor]:
    """L_I, a lower bound of I(c; x): E log Q(c | x) + H(c); Chen et al., 2016, eq. 5.

    Args:
        q: Q(c | x) of samples.
        codes: what they were generated from, (B, sum of categories + C): one-hot vectors, then numbers from U(-1, 1).

    Returns:
        That of all "categorical" codes, at most the sum of log K, and that of all "continuous" ones; for a Gaussian
        of variance 1 at most log 2 - log(2 pi) / 2 = -0.226 each.
    """
    sizes = [logits.shape[1] for logits in q.logits]
    if not sizes and not q.means.shape[1]:
        raise ArgumentError("q is a posterior of no codes: there is nothing to be informed of")
    shapes(f"B {sum(sizes) + q.means.shape[1]}", {"B": (len(q.means),)}, codes=codes)
    *one_hot, numbers = codes.split([*sizes, q.means.shape[1]], dim=1)
    found = {}
    if sizes:
        nats = [
            math.log(size) - F.cross_entropy(logits, code.argmax(1))
            for size, logits, code in zip(sizes, q.logits, one_hot, strict=True)
        ]
        found["categorical"] = torch.stack(nats).sum()
    if q.means.shape[1]:
        squares = (numbers - q.means).square() * (-q.log_variances).exp()
        densities = -0.5 * (math.log(2 * math.pi) + q.log_variances + squares)
        found["continuous"] = (math.log(2) + densities).sum(1).mean()
    return found


def conditional_entropy(q: Posterior) -> Tensor:
    """E H(c | x) of the categorical codes, between 0 and the sum of log K: small where Q is sure."""
    _categorical(q)
    return torch.stack([_entropy(logits.softmax(1)).mean() for logits in q.logits]).sum()


def marginal_entropy(q: Posterior) -> Tensor:
    """H(c) of the batch, between 0 and the sum of log K: large where its samples are spread over the categories."""
    _categorical(q)
    return torch.stack([_entropy(logits.softmax(1).mean(0)) for logits in q.logits]).sum()


def kl_divergence(p: Posterior, q: Posterior) -> Tensor:
    """E KL(p || q) of the categorical codes, sample by sample."""
    _categorical(p)
    if [x.shape for x in p.logits] != [x.shape for x in q.logits]:
        raise ArgumentError(
            f"p and q must be of the same samples and codes, not of {[tuple(x.shape) for x in p.logits]} and "
            f"{[tuple(x.shape) for x in q.logits]}"
        )
    each = [
        F.kl_div(of_q.log_softmax(1), of_p.log_softmax(1), reduction="batchmean", log_target=True)
        for of_p, of_q in zip(p.logits, q.logits, strict=True)
    ]
    return torch.stack(each).sum()


def virtual_adversarial(posterior: Callable[[Tensor], Posterior], x: Tensor, q: Posterior, radius: float) -> Tensor:
    """x, (B, *shape), moved by the perturbation of L2 norm `radius` that moves its posterior furthest from `q`.

    One step of the power method of Miyato et al., 2016 ("Distributional smoothing with virtual adversarial training"),
    from a random direction, taken at `radius`, which is at least 0.
    """
    shapes("B *shape", x=x)
    number("radius", radius, 0)
    if not torch.is_grad_enabled():
        raise ArgumentError("a virtual adversarial perturbation is made of gradients: call it outside torch.no_grad()")
    direction = _normalise(torch.randn_like(x)).requires_grad_()
    (gradient,) = torch.autograd.grad(kl_divergence(q.detach(), posterior(x + radius * direction)), direction)
    return x + radius * _normalise(gradient)


def _normalise(x: Tensor) -> Tensor:
    """x, (B, *shape), each sample at L2 norm 1."""
    return F.normalize(x.flatten(1)).view_as(x)


def _categorical(q: Posterior) -> None:
    if not q.logits:
        raise ArgumentError("the posterior has no categorical code: name categories")


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(-1)
