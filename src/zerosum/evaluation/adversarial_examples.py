"""Adversarial examples of a classifier: samples that are changed little, and that it takes for another class."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from zerosum.util import checks

IMAGES = (-1.0, 1.0)  # the range of images as networks see them


def fgsm(
    network: nn.Module, x: Tensor, y: Tensor, epsilon: float, *, bounds: tuple[float, float] | None = IMAGES
) -> Tensor:
    """The fast gradient sign method: x + epsilon sign(grad of the loss); Goodfellow et al., 2015, section 4.

    Args:
        network: samples (B, *shape) to logits (B, K); in evaluation mode, where it has one.
        x: (B, *shape) floats.
        y: (B,) int64, their classes.
        epsilon: the largest change of a number. Images in [-1, 1] are twice as wide as those in [0, 1] of papers: their
            0.3 is 0.6 here.
        bounds: what numbers are cut off at; None: nothing.

    Returns:
        (B, *shape), without gradients.
    """
    epsilon = checks.number("epsilon", epsilon, 0.0)
    return _within(x + epsilon * _gradient(network, x, y).sign(), bounds)


def pgd(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    step: float,
    steps: int,
    bounds: tuple[float, float] | None = IMAGES,
    generator: Generator | None = None,
) -> Tensor:
    """Projected gradient descent from a random start: `steps` times x <- P(x + step sign(grad of the loss)), where P
    goes back to within epsilon of the sample; Madry et al., 2018, section 2.1.

    Args:
        network, x, y, epsilon, bounds: as of `fgsm`.
        step: the change of a number in a step.
        generator: of the start, on the device of x.
    """
    epsilon, step = checks.number("epsilon", epsilon, 0.0), checks.number("step", step, 0.0)
    start = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    found = _within(x + epsilon * (2 * start - 1), bounds)
    for _ in range(checks.integer("steps", steps, 1)):
        moved = found + step * _gradient(network, found, y).sign()
        found = _within(torch.clamp(moved, x - epsilon, x + epsilon), bounds)
    return found


def _gradient(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """(B, *shape), of the same signs as the gradient of each sample's cross-entropy.

    It is that of log((1 - p) / p), p the probability of the class, of which cross-entropy is a growing function, log(1
    + its exponential). Where the network is sure, the gradient of cross-entropy itself is rounded to 0, and what has
    none seems to withstand every attack.
    """
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(leaf)
        own = F.one_hot(y, logits.shape[1]).bool()
        odds = logits.masked_fill(own, -math.inf).logsumexp(1) - logits[own]
        (gradient,) = torch.autograd.grad(odds.sum(), leaf)
    return gradient


def _within(x: Tensor, bounds: tuple[float, float] | None) -> Tensor:
    return (x if bounds is None else x.clamp(*bounds)).detach()
