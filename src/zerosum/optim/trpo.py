"""Trust region policy optimisation: steps as long as the policy changes by so much, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

from zerosum.util import distributed
from zerosum.util.checks import integer, number

Again = Callable[[], tuple[Tensor, Tensor]]  # (loss, divergence from the policy before the step), at the weights of now
SHORTER = 0.8  # each try of the line search, of the one before
TRIES = 10


class TRPO(torch.optim.Optimizer):
    """Natural gradient steps within a trust region; Schulman et al., 2015, section 6 and appendix C.

    The direction is F^-1 g, by conjugate gradients, with F the Hessian of the divergence where it is 0: the Fisher
    matrix. The length is that at which the divergence would be `lr`, were it a square; from there a line search goes
    back until the loss is lower and the divergence at most `lr`. Where no try is, nothing moves.

    Args:
        lr: the trust region: the largest mean divergence, in nats, of the policies before and after a step.
        damping: added to F, times the identity.
        iterations: of conjugate gradients, each two passes through the graph of the divergence.
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float, damping: float = 0.1, iterations: int = 10):
        number("lr", lr, 0)
        number("damping", damping, 0)
        integer("iterations", iterations, 1)
        super().__init__(parameters, {"lr": lr, "damping": damping, "iterations": iterations})

    def step(self, closure: Again | None = None) -> None:  # type: ignore[override]
        """One step by the gradients at hand, of processes their mean.

        Raises:
            ValueError: there is no closure, which says what the loss and the divergence are elsewhere.
        """
        if closure is None:
            raise ValueError("TRPO looks at the loss and the divergence of several policies: pass step a closure")
        for group in self.param_groups:
            own = [p for p in group["params"] if p.grad is not None]
            if own:
                self._move(own, closure, group["lr"], group["damping"], group["iterations"])

    def _move(self, own: list[Parameter], closure: Again, region: float, damping: float, iterations: int) -> None:
        gradient = _flat([p.grad for p in own if p.grad is not None])
        with torch.enable_grad():
            loss, divergence = closure()
            slopes = _flat(torch.autograd.grad(divergence, own, create_graph=True))

        def curvature(v: Tensor) -> Tensor:
            product = _flat(torch.autograd.grad((slopes * v).sum(), own, retain_graph=True))
            return distributed.mean(product) + damping * v

        before = float(distributed.mean(loss.detach()))
        direction = conjugate_gradients(curvature, -gradient, iterations)
        square = float(direction @ curvature(direction))
        if not square > 0:  # no direction, as where all advantages are 0
            return
        longest = (2 * region / square) ** 0.5 * direction
        start = [p.detach().clone() for p in own]
        with torch.no_grad():
            for tried in range(TRIES):
                _put(own, start, SHORTER**tried * longest)
                after, changed = (float(distributed.mean(found)) for found in closure())
                if after < before and changed <= region:
                    return
            _put(own, start, torch.zeros_like(longest))


def conjugate_gradients(
    product: Callable[[Tensor], Tensor], b: Tensor, iterations: int, close: float = 1e-10
) -> Tensor:
    """x with A x = b, near enough; Hestenes and Stiefel, 1952.

    Args:
        product: A v of a vector v (N,), of a symmetric positive definite A.
        b: (N,)
        close: the squared norm of b - A x at which it ends before its `iterations`.
    """
    x, left = torch.zeros_like(b), b.clone()
    way, size = left.clone(), left @ left
    for _ in range(iterations):
        if float(size) < close:
            break
        turned = product(way)
        length = size / (way @ turned)
        x += length * way
        left -= length * turned
        size, before = left @ left, size
        way = left + size / before * way
    return x


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([t.reshape(-1) for t in tensors])


def _put(own: list[Parameter], start: list[Tensor], change: Tensor) -> None:
    """Each parameter where it was, and its part of the change away."""
    parts = change.split([p.numel() for p in own])
    for p, old, part in zip(own, start, parts, strict=True):
        p.copy_(old + part.view_as(old))
