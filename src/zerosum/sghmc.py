"""Stochastic gradient Hamiltonian Monte Carlo: steps of an optimiser that are samples of a posterior."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import distributed as dist
from torch.nn import Parameter

from zerosum import distributed

MEMORY = 0.99  # of the running mean of squared gradients
EPS = 1e-5  # added to its root


class SGHMC(torch.optim.Optimizer):
    """Steps of momentum, friction and noise, whose parameters come to be distributed as exp(-loss / temperature).

    v <- (1 - friction) v - eta * gradient + N(0, 2 * friction * eta * temperature), then p <- p + v;
    Chen, Fox and Guestrin, 2014, eq. 15, with no estimate of the gradient's own noise. The distribution is exact as eta
    goes to 0 and the gradient's noise with it.

    eta is lr, or, if `adaptive`, lr over the root mean square of each parameter's recent gradients: a preconditioner
    as in pSGLD; Li et al., 2016. That it changes is left out, which widens the distribution by some percent.
    """

    def __init__(
        self, parameters: Iterable[Parameter], lr: float, friction: float, temperature: float, adaptive: bool = False
    ):
        defaults = {"lr": lr, "friction": friction, "temperature": temperature, "adaptive": adaptive}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step with the gradients at hand; a parameter without a gradient stays."""
        value = closure() if closure else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return value

    def _move(self, parameter: Parameter, group: dict[str, Any]) -> None:
        lr, friction, gradient, state = group["lr"], group["friction"], parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            state["velocity"] = torch.zeros_like(parameter)
            if group["adaptive"]:
                state["step"] = torch.zeros(())  # on the CPU, so that reading it waits for no device
                state["square"] = torch.zeros_like(parameter)
        noise = torch.randn(parameter.shape, dtype=parameter.dtype, device=parameter.device)
        if distributed.world() > 1:
            dist.broadcast(noise, src=0)  # every process moves alike
        velocity = state["velocity"].mul_(1 - friction)
        scale = math.sqrt(2 * friction * lr * group["temperature"])
        if group["adaptive"]:
            state["step"] += 1
            square = state["square"].lerp_(gradient.square(), 1 - MEMORY)
            root = (square / (1 - MEMORY ** state["step"].item())).sqrt_().add_(EPS)
            velocity.addcdiv_(gradient, root, value=-lr).addcdiv_(noise, root.sqrt_(), value=scale)
        else:
            velocity.add_(gradient, alpha=-lr).add_(noise, alpha=scale)
        parameter.add_(velocity)
