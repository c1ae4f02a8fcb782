"""Gradient penalties of a discriminator, as scalars in float32 to be weighted and minimised.

A discriminator maps (B, *shape) to (B,) or (B, 1). Sample b's logit must depend on sample b alone: batch
normalisation breaks that, and with it every penalty here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from zerosum.losses.adversarial import to_float32

Discriminator = Callable[[Tensor], Tensor]
PenaltyName = Literal["interpolation", "one-sided", "r1", "r2", "r1-r2", "dragan"]
Weights = dict[PenaltyName, Annotated[float, Ge(0)]]
GradientPenalties = Annotated[Weights | None, "gradient penalties of D by name, with their weights"]
PenaltyEvery = Annotated[int, Gt(0), "lazy regularisation: apply every N steps, scaled by N"]


def gradient_norm(logits: Tensor, x: Tensor) -> Tensor:
    """The L2 norm of each sample's gradient, (B,), differentiable; `logits` were computed from `x`, (B, *shape)."""
    return _squared_norm(logits, x).clamp_min(1e-16).sqrt()  # the root's own gradient is infinite at 0


def zero_centered(logits: Tensor, x: Tensor) -> Tensor:
    """1/2 E ||grad D(x)||^2 from logits at hand: R1 on real x, R2 on fakes; Mescheder et al., 2018, eq. 9 and 10."""
    return 0.5 * _squared_norm(logits, x).mean()


def interpolation(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """E (||grad D(x^)|| - 1)^2 for x^ on lines between real and fake: WGAN-GP; Gulrajani et al., 2017, eq. 3."""
    return (_norm_at(discriminator, _between(real, fake)) - 1).square().mean()


def one_sided(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, ||grad D(x^)|| - 1)^2: Lipschitz is at most 1, not equal; WGAN-LP; Petzka et al., 2018."""
    return (_norm_at(discriminator, _between(real, fake)) - 1).clamp_min(0).square().mean()


def r1(discriminator: Discriminator, real: Tensor, fake: Tensor | None = None) -> Tensor:
    """1/2 E ||grad D(x)||^2 on real samples; Mescheder et al., 2018, eq. 9."""
    x = _leaf(real)
    return zero_centered(discriminator(x), x)


def r2(discriminator: Discriminator, real: Tensor | None, fake: Tensor) -> Tensor:
    """1/2 E ||grad D(G(z))||^2 on fakes; Mescheder et al., 2018, eq. 10."""
    return r1(discriminator, fake)


def r1_r2(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """`r1` + `r2` in one pass over both batches, (B, *shape) each; R3GAN's penalty at half the calls."""
    x = _leaf(torch.cat([to_float32(real.detach()), to_float32(fake.detach())]))
    return 2 * zero_centered(discriminator(x), x)  # twice the mean over both is the sum of the means over each


def dragan(discriminator: Discriminator, real: Tensor, fake: Tensor | None = None) -> Tensor:
    """E (||grad D(x + delta)|| - 1)^2 in the neighbourhood of the data; DRAGAN; Kodali et al., 2017.

    As in the authors' released code, delta is uniform within half the batch's standard deviation, and the penalty is
    taken at a random point of the way there; the paper has normal noise.
    """
    x = real.detach()
    return (_norm_at(discriminator, _between(x, x + 0.5 * x.std() * torch.rand_like(x))) - 1).square().mean()


PENALTIES: dict[PenaltyName, Callable[[Discriminator, Tensor, Tensor], Tensor]] = {
    "interpolation": interpolation,
    "one-sided": one_sided,
    "r1": r1,
    "r2": r2,
    "r1-r2": r1_r2,
    "dragan": dragan,
}


def lazy(
    weights: Mapping[PenaltyName, float] | None,
    every: int,
    step: int,
    discriminator: Discriminator,
    real: Tensor,
    fake: Tensor,
) -> dict[str, Any]:
    """The penalties that `weights` names, each times its weight and `every`, in every step that `every` divides.

    Lazy regularisation; Karras et al., 2020 (StyleGAN2), section 3.1: fewer penalties, as heavy in the mean.
    """
    if step % every:
        return {}
    return {
        name: every * weight * PENALTIES[name](discriminator, real, fake) for name, weight in (weights or {}).items()
    }


def _leaf(x: Tensor) -> Tensor:
    return to_float32(x.detach()).requires_grad_()


def _between(a: Tensor, b: Tensor) -> Tensor:
    """One random point on the line between each pair; t is drawn once a sample, not once a pixel."""
    a, b = to_float32(a.detach()), to_float32(b.detach())  # under autocast fakes come in bf16
    t = torch.rand(len(a), *[1] * (a.dim() - 1), device=a.device, dtype=a.dtype)
    return torch.lerp(a, b, t)


def _norm_at(discriminator: Discriminator, x: Tensor) -> Tensor:
    x = _leaf(x)
    return gradient_norm(discriminator(x), x)


def _squared_norm(logits: Tensor, x: Tensor) -> Tensor:
    # Summing is right because no logit depends on another sample: row b of the gradient is that of logit b.
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1, dtype=torch.promote_types(gradient.dtype, torch.float32))
