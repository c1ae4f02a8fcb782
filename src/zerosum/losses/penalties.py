"""Gradient penalties of a discriminator, as scalars in float32 to be weighted and minimised.

A discriminator maps (B, *shape) to (B,) or (B, 1). Sample b's logit must depend on sample b alone: batch
normalisation breaks that, and with it every penalty here, so a module with such layers in training is refused.
Gradients and their norms are in float32 whatever D computes in; a D of half-precision weights is given its inputs in
that precision.

All raise `ArgumentError`, a `ValueError`: for samples or logits of other shapes, for pairs of batches that differ, for
logits that have no gradient in the samples, and under `torch.no_grad()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.errors import unknown
from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, Sizes, integer, number, refuse, shapes
from zerosum.util.switches import With

Discriminator = Callable[[Tensor], Tensor]
PenaltyName = Literal["interpolation", "one-sided", "r1", "r2", "r1-r2", "dragan"]
Weights = dict[PenaltyName, Annotated[float, Ge(0)]]
GradientPenalties = Annotated[Weights | None, "gradient penalties of D by name, with their weights"]
PenaltyEvery = Annotated[
    int,
    Gt(0),
    With("penalties", lambda own: any((own.penalties or {}).values())),
    "lazy regularisation: apply every N steps, scaled by N, as a term of that step of D; Adam's rates stay (StyleGAN2 "
    "lowers them for a further step that it makes)",
]


def gradient_norm(logits: Tensor, x: Tensor) -> Tensor:
    """The L2 norm of each sample's gradient, (B,), differentiable; `logits` were computed from `x`, (B, *shape)."""
    return _squared_norm(logits, x).clamp_min(1e-16).sqrt()  # the root's own gradient is infinite at 0


def zero_centered(logits: Tensor, x: Tensor) -> Tensor:
    """1/2 E ||grad D(x)||^2 from logits at hand: R1 on real x, R2 on fakes; Mescheder et al., 2018, eq. 9 and 10."""
    return 0.5 * _squared_norm(logits, x).mean()


def interpolation(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """E (||grad D(x^)|| - 1)^2 for x^ on lines between real and fake: WGAN-GP; Gulrajani et al., 2017, eq. 3.

    `real` and `fake`, (B, *shape), are paired in order.
    """
    return (_norm_at(discriminator, _between(real, fake), real, fake) - 1).square().mean()


def one_sided(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, ||grad D(x^)|| - 1)^2: Lipschitz is at most 1, not equal; WGAN-LP; Petzka et al., 2018.

    `real` and `fake`, (B, *shape), are paired in order.
    """
    return (_norm_at(discriminator, _between(real, fake), real, fake) - 1).clamp_min(0).square().mean()


def r1(discriminator: Discriminator, real: Tensor, fake: Tensor | None = None) -> Tensor:
    """1/2 E ||grad D(x)||^2 on real samples, (B, *shape); Mescheder et al., 2018, eq. 9."""
    shapes("B *shape", real=real)
    return 0.5 * _squares_at(discriminator, real, real).mean()


def r2(discriminator: Discriminator, real: Tensor | None, fake: Tensor) -> Tensor:
    """1/2 E ||grad D(G(z))||^2 on fakes, (B, *shape); Mescheder et al., 2018, eq. 10."""
    shapes("B *shape", fake=fake)
    return 0.5 * _squares_at(discriminator, fake, fake).mean()


def r1_r2(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """`r1` + `r2` in one pass over both batches, (B, *shape) and (M, *shape); R3GAN's penalty at half the calls."""
    sizes = shapes("B *shape", real=real)
    shapes("M *shape", {"*shape": sizes["*shape"]}, fake=fake)
    both = torch.cat([to_float32(real.detach()), to_float32(fake.detach())])
    on_real, on_fake = _squares_at(discriminator, both, real, fake).split([len(real), len(fake)])
    return 0.5 * (on_real.mean() + on_fake.mean())


def dragan(discriminator: Discriminator, real: Tensor, fake: Tensor | None = None) -> Tensor:
    """E (||grad D(x + delta)|| - 1)^2 in the neighbourhood of the data, (B, *shape); DRAGAN; Kodali et al., 2017.

    As in the authors' released code, delta is uniform within half the batch's standard deviation, and the penalty is
    taken at a random point of the way there; the paper has normal noise.
    """
    shapes("B *shape", real=real)
    if real.numel() < 2:
        raise ArgumentError("dragan looks around the data as far as it is spread, and one number has no spread")
    x = to_float32(real.detach())
    return (_norm_at(discriminator, _between(x, x + 0.5 * x.std() * torch.rand_like(x)), real) - 1).square().mean()


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
    network: nn.Module | None = None,
) -> dict[str, Any]:
    """The penalties that `weights` names, each times its weight and `every`, in every step that `every` divides.

    Lazy regularisation; Karras et al., 2020 (StyleGAN2), section 3.1: fewer penalties, as heavy in the mean. In their
    code the penalty has an optimiser step of its own, k + 1 steps in k rounds, and Adam is changed for that: its rate
    by the factor c = k / (k + 1), its betas to the power of c. Here it is a term of D's one step in such a round: k
    steps in k rounds, nothing to make up for, and Adam's rates stay. What stays different from a penalty in every step
    is that Adam sees a gradient of it that is k times as large in one step of k.

    Args:
        weights: each at least 0.
        every: k, at least 1.
        network: the module behind `discriminator`, where that is a function of one.

    Raises:
        ArgumentError: a penalty that does not exist, a negative weight, `every` below 1, or as the penalties raise.
    """
    integer("penalty_every", every, 1)
    check_weights(weights, network)
    if step % every or not weights:
        return {}
    return {name: every * weight * PENALTIES[name](discriminator, real, fake) for name, weight in weights.items()}


def check_weights(weights: Mapping[PenaltyName, float] | None, network: nn.Module | None = None) -> None:
    """An `ArgumentError` for weights that `lazy` does not take, or for a network that it does not take with any."""
    if weights is not None and not isinstance(weights, Mapping):
        raise ArgumentError(f"penalties must be weights by name, as {{'r1': 1.0}}, not {weights!r:.60}")
    for name, weight in (weights or {}).items():
        if name not in PENALTIES:
            raise ArgumentError(unknown("gradient penalty", name, PENALTIES))
        number(f"penalties.{name}", weight, 0)
    if weights and network is not None:
        refuse_batch_norm(network)


def refuse_batch_norm(network: nn.Module) -> None:
    """An `ArgumentError` for a module with batch norm in training, under which a penalty is not of single samples."""
    if any(isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training for m in network.modules()):
        raise ArgumentError(
            "a gradient penalty is of single samples, and the discriminator's batch norm ties those of a batch "
            "together; take another normalisation (--network.norm none, layer, instance or spectral) or no penalty"
        )


def _between(real: Tensor, fake: Tensor) -> Tensor:
    """One random point on the line between each pair; t is drawn once a sample, not once a pixel."""
    shapes("B *shape", real=real, fake=fake)
    a, b = to_float32(real.detach()), to_float32(fake.detach())  # under autocast fakes come in bf16
    t = torch.rand(len(a), *[1] * (a.dim() - 1), device=a.device, dtype=a.dtype)
    return torch.lerp(a, b, t)


def _norm_at(discriminator: Discriminator, x: Tensor, *given: Tensor) -> Tensor:
    return _squares_at(discriminator, x, *given).clamp_min(1e-16).sqrt()


def _squares_at(discriminator: Discriminator, x: Tensor, *given: Tensor) -> Tensor:
    """(B,) the squared norm of D's gradient at each row of x; `given` are the samples that x was made of."""
    if not callable(discriminator):
        raise ArgumentError(f"discriminator must be a module or a function of samples, not {discriminator!r:.60}")
    if isinstance(discriminator, nn.Module):
        refuse_batch_norm(discriminator)
        if (first := next(discriminator.parameters(), None)) is not None and first.device != x.device:
            raise ArgumentError(f"D is on {first.device} and its samples on {x.device}; bring both to one device")
    if not torch.is_grad_enabled():
        raise ArgumentError("a gradient penalty needs gradients: call it outside torch.no_grad()")
    leaf = to_float32(x.detach()).requires_grad_()
    return _squared_norm(discriminator(leaf.to(_input_dtype(discriminator, leaf, *given))), leaf)


def _input_dtype(discriminator: Discriminator, leaf: Tensor, *given: Tensor) -> torch.dtype:
    """What D takes: float32 at least under autocast, which casts by itself; else what its weights are.

    A function does not show its weights: it takes what the samples were given in.
    """
    kind = leaf.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return leaf.dtype
    if isinstance(discriminator, nn.Module):
        return next((p.dtype for p in discriminator.parameters() if p.is_floating_point()), leaf.dtype)
    dtype = given[0].dtype
    for x in given[1:]:
        dtype = torch.promote_types(dtype, x.dtype)
    return dtype


def _squared_norm(logits: Tensor, x: Tensor) -> Tensor:
    """(B,) of each row of x, (B, *shape), that `logits` were computed from; in float32 at least."""
    sizes: Sizes = shapes("B *shape", x=x)
    if logits.shape not in ((len(x),), (len(x), 1)):
        raise refuse("logits", logits, f"({sizes['B'][0]},) or ({sizes['B'][0]}, 1), one a sample")
    # Summing is right because no logit depends on another sample: row b of the gradient is that of logit b.
    gradient = None
    if x.requires_grad and logits.requires_grad:
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True, allow_unused=True)
    if gradient is None:
        raise ArgumentError(
            "the logits have no gradient in the samples, so a penalty would be 0: compute them from an x that "
            "requires_grad, without detach() or torch.no_grad() on the way"
        )
    return to_float32(gradient).flatten(1).square().sum(1)
