"""Adversarial examples of a classifier: samples that are changed little, and that it takes for another class."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from zerosum.util import checks

IMAGES = (-1.0, 1.0)  # the range of images as networks see them
STRIDE = 2.5  # of epsilon: how far PGD could go in all its steps


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

    Raises:
        ArgumentError: labels that are not one a sample, or of no class of the network; x that are no floats.
    """
    checks.shapes("B *shape", x=x)
    epsilon = checks.number("epsilon", epsilon, 0.0)
    return _within(x + epsilon * _gradient(network, x, y).sign(), bounds)


def pgd(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    steps: int,
    step: float | None = None,
    bounds: tuple[float, float] | None = IMAGES,
    generator: Generator | None = None,
) -> Tensor:
    """Projected gradient descent from a random start: `steps` times x <- P(x + step sign(grad of the loss)), where P
    goes back to within epsilon of the sample; Madry et al., 2018, section 2.1.

    Args:
        network, x, y, epsilon, bounds: as of `fgsm`.
        step: the change of a number in a step; by default 2.5 epsilon / steps, so that all that lies within epsilon
            can be reached from any start.
        generator: of the start, on the device of x.

    Raises:
        ArgumentError: as `fgsm`.
    """
    checks.shapes("B *shape", x=x)
    epsilon, steps = checks.number("epsilon", epsilon, 0.0), checks.integer("steps", steps, 1)
    step = STRIDE * epsilon / steps if step is None else checks.number("step", step, 0.0)
    start = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    found = _within(x + epsilon * (2 * start - 1), bounds)
    for _ in range(steps):
        moved = found + step * _gradient(network, found, y).sign()
        found = _within(torch.clamp(moved, x - epsilon, x + epsilon), bounds)
    return found


def random_signs(
    x: Tensor, epsilon: float, *, bounds: tuple[float, float] | None = IMAGES, generator: Generator | None = None
) -> Tensor:
    """x + epsilon times signs by chance, of samples (B, *shape): as large a change as that of `fgsm`, of no design."""
    checks.shapes("B *shape", x=x)
    signs = torch.randint(2, x.shape, generator=generator, device=x.device).to(x.dtype) * 2 - 1
    return _within(x + checks.number("epsilon", epsilon, 0.0) * signs, bounds)


def margin(logits: Tensor, y: Tensor, *, targeted: bool = False, confidence: float = 0.0) -> Tensor:
    """E max(Z_y - max_{i != y} Z_i, -kappa), for attacks to minimise; Carlini and Wagner, 2017, section V-A.

    It goes below 0 where a sample is taken for another class, and does not go below -kappa.

    Args:
        logits: Z, (B, K), of K >= 2 classes; half precision is raised to float32.
        y: (B,) int64, the classes that samples have, or (`targeted`) those that they are to be taken for: the first
            term is then max_{i != y} Z_i - Z_y, their f_6.
        confidence: kappa.

    Returns:
        A scalar.

    Raises:
        ArgumentError: logits of one class, or labels that are not one a sample, or of no class.
    """
    own, others = _apart(logits, y)
    own, others = own.float(), others.float()
    ahead = own - others.amax(1)
    return (-ahead if targeted else ahead).clamp(min=-checks.number("confidence", confidence, 0.0)).mean()


def _gradient(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """(B, *shape), of the same signs as the gradient of each sample's cross-entropy.

    It is that of log((1 - p) / p), p the probability of the class, of which cross-entropy is a growing function, log(1
    + its exponential). Where the network is sure, the gradient of cross-entropy itself is rounded to 0, and what has
    none seems to withstand every attack.
    """
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        own, others = _apart(network(leaf), y)
        (gradient,) = torch.autograd.grad((others.logsumexp(1) - own).sum(), leaf)
    return gradient


def _apart(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Of logits (B, K) those of the classes y, (B,), and all, (B, K), with -infinity in their place."""
    sizes = checks.shapes("B K", logits=logits)
    checks.whole("B", sizes, y=y)
    checks.one_device(logits=logits, y=y)
    if logits.shape[1] < 2:
        raise checks.refuse("logits", logits, "(B, K) with K of at least 2")
    checks.labels("y", y, logits.shape[1])
    index = y[:, None]
    return logits.gather(1, index)[:, 0], logits.scatter(1, index, -math.inf)


def _within(x: Tensor, bounds: tuple[float, float] | None) -> Tensor:
    return (x if bounds is None else x.clamp(*bounds)).detach()
