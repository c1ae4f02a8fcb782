"""Losses of a variational auto-encoder with a learned similarity; Larsen et al., 2016, "Autoencoding beyond pixels".

q(z | x) is normal with `mean` and the deviation exp(`log_sigma`), (B, D) each.
"""

from __future__ import annotations

from torch import Tensor

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import shapes


def reparametrised(mean: Tensor, log_sigma: Tensor, noise: Tensor) -> Tensor:
    """z = mean + exp(log_sigma) noise, (B, D), with noise from N(0, 1); Kingma and Welling, 2014, section 2.4.

    The code of Santana and Hotz has log_sigma itself in the place of its exponential, here alone and not in the KL
    divergence: so that what is decoded is not drawn from the q whose divergence is paid for.

    Raises:
        ArgumentError: other shapes than (B, D), or two of them.
    """
    shapes("B D", mean=mean, log_sigma=log_sigma, noise=noise)
    return to_float32(mean) + to_float32(log_sigma).exp() * noise


def kl_divergence(mean: Tensor, log_sigma: Tensor) -> Tensor:
    """D_KL(q(z | x) || N(0, 1)) in nats, summed over D, a scalar mean over the batch: Larsen et al.'s L_prior.

    1/2 sum_d (mean_d^2 + sigma_d^2 - 1) - log sigma_d, with sigma = exp(log_sigma).

    Raises:
        ArgumentError: other shapes than (B, D), or two of them.
    """
    sizes = shapes("B D", mean=mean)
    shapes("B D", sizes, log_sigma=log_sigma)
    mean, log_sigma = to_float32(mean), to_float32(log_sigma)
    return (0.5 * (mean.square() + (2 * log_sigma).exp() - 1) - log_sigma).sum(1).mean()


def learned_similarity(real: Tensor, fake: Tensor) -> Tensor:
    """1/2 mean (f(x) - f(x'))^2 of D's features of samples and of their reconstructions, row by row, (B, F).

    -log N(f(x) | f(x'), 1) but for a constant, Larsen et al.'s L_llike of D's layer, divided by F as in the code of
    Santana and Hotz: the mean over features, where the paper has their sum. A scalar >= 0.

    Raises:
        ArgumentError: other shapes than (B, F), or two of them.
    """
    sizes = shapes("B F", real=real)
    shapes("B F", sizes, fake=fake)
    return 0.5 * (to_float32(real) - to_float32(fake)).square().mean()
