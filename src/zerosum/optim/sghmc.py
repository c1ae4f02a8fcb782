"""Stochastic gradient Hamiltonian Monte Carlo: steps of an optimiser that are samples of a posterior."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import Parameter

from zerosum.util import distributed
from zerosum.util.checks import number

MEMORY = 0.99  # of the running mean of squared gradients
EPS = 1e-5  # added to its root


class SGHMC(torch.optim.Optimizer):
    """Steps of momentum, friction and noise, whose parameters come to be distributed as exp(-loss / temperature).

    v <- (1 - friction) v - eta * gradient + N(0, 2 * friction * eta * temperature), then p <- p + v;
    Chen, Fox and Guestrin, 2014, eq. 15, with no estimate of the gradient's own noise. The distribution is exact as eta
    goes to 0 and the gradient's noise with it. For a loss that is a mean over N data points, 1 / N is the temperature
    of their posterior: with U = N loss, this is eq. 15 at a rate of eta / N.

    eta is lr, or, if `adaptive`, lr over the root mean square of each parameter's recent gradients: a preconditioner
    as in pSGLD; Li et al., 2016. That it changes is left out, which widens the distribution by some percent.
    """

    def __init__(
        self, parameters: Iterable[Parameter], lr: float, friction: float, temperature: float, adaptive: bool = False
    ):
        number("lr", lr, 0)
        number("friction", friction, 0, 1)
        number("temperature", temperature, 0)
        defaults = {"lr": lr, "friction": friction, "temperature": temperature, "adaptive": adaptive}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step with the gradients at hand; a parameter without a gradient stays."""
        value = closure() if closure else None
        for group in self.param_groups:
            if moved := [p for p in group["params"] if p.grad is not None]:
                self._move(moved, group["lr"], group["friction"], group["temperature"], group["adaptive"])
        return value

    def _move(self, moved: list[Parameter], lr: float, friction: float, temperature: float, adaptive: bool) -> None:
        states = [self.state[p] for p in moved]
        for parameter, state in zip(moved, states, strict=True):
            if not state:
                state["velocity"] = torch.zeros_like(parameter)
                if adaptive:
                    state["step"] = torch.zeros(())  # on the CPU, so that reading it waits for no device
                    state["square"] = torch.zeros_like(parameter)
        gradients = [p.grad for p in moved if p.grad is not None]
        noise = [_noise(p) for p in moved]
        velocities = [state["velocity"] for state in states]
        scale = math.sqrt(2 * friction * lr * temperature)
        torch._foreach_mul_(velocities, 1 - friction)
        if adaptive:
            steps, squares = [state["step"] for state in states], [state["square"] for state in states]
            torch._foreach_add_(steps, 1)
            torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - MEMORY)
            roots = torch._foreach_sqrt(torch._foreach_div(squares, [1 - MEMORY ** step.item() for step in steps]))
            torch._foreach_add_(roots, EPS)
            torch._foreach_addcdiv_(velocities, gradients, roots, -lr)
            torch._foreach_addcdiv_(velocities, noise, torch._foreach_sqrt(roots), scale)
        else:
            torch._foreach_add_(velocities, gradients, alpha=-lr)
            torch._foreach_add_(velocities, noise, alpha=scale)
        torch._foreach_add_(list[Tensor](moved), velocities)


def _noise(parameter: Parameter) -> Tensor:
    """Standard normal noise of its shape, the same in every process, so that all move alike."""
    return distributed.of_first(torch.randn(parameter.shape, dtype=parameter.dtype, device=parameter.device))
