"""Optimisers that read their numbers at each step, since these change: Adam's second beta, SGD's momentum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter


class ReadsItsGroup(torch.optim.Optimizer, ABC):
    """Base class of optimisers that read every number from the parameter group at each step.

    PyTorch's fused and recorded steps keep the numbers that they were made with. Here they may be tensors on the
    device, which a recorded step reads anew each time.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            own = [p for p in group["params"] if p.grad is not None]
            for p in own:
                if not self.state[p]:
                    self.state[p] = self.slots(p)
            if own:
                self.move(group, own, [p.grad for p in own])

    @abstractmethod
    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is remembered of a parameter, before its first step."""

    @abstractmethod
    def move(self, group: dict[str, Any], own: list[Tensor], gradients: list[Tensor]) -> None:
        """One step of the parameters that have gradients."""


class BurnInAdam(ReadsItsGroup):
    """Adam; Kingma and Ba, 2015, Algorithm 1: with "lr" and "beta2" read from the parameter group at each step.

    The bias of the second moment is corrected by the beta of now, as where PyTorch's Adam is given other betas between
    its steps.
    """

    def __init__(
        self, parameters: Iterable[Parameter], lr: float | Tensor, beta1: float, beta2: float | Tensor, eps: float
    ):
        super().__init__(parameters, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps})

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        return {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    def move(self, group: dict[str, Any], own: list[Tensor], gradients: list[Tensor]) -> None:
        steps, means, squares = ([self.state[p][slot] for p in own] for slot in ("step", "exp_avg", "exp_avg_sq"))
        beta1, beta2 = group["beta1"], group["beta2"]
        torch._foreach_add_(steps, 1.0)
        torch._foreach_lerp_(means, gradients, 1 - float(beta1))  # which is constant
        torch._foreach_mul_(squares, beta2)
        torch._foreach_add_(squares, torch._foreach_mul(torch._foreach_mul(gradients, gradients), 1 - beta2))
        counts = torch.stack(steps)  # all corrections at once
        scales, roots = group["lr"] / (1 - beta1**counts), (1 - beta2**counts).sqrt()
        below = torch._foreach_sqrt(squares)
        torch._foreach_div_(below, list(roots.unbind()))
        torch._foreach_add_(below, group["eps"])
        changes = torch._foreach_div(means, below)
        torch._foreach_mul_(changes, list(scales.unbind()))
        torch._foreach_sub_(own, changes)


class ScheduledSGD(ReadsItsGroup):
    """SGD as PyTorch's, v <- momentum v + g and p <- p - lr v, with "lr" and "momentum" read from the group."""

    def __init__(self, parameters: Iterable[Parameter], lr: float | Tensor, momentum: float | Tensor):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"momentum_buffer": torch.zeros_like(parameter)}

    def move(self, group: dict[str, Any], own: list[Tensor], gradients: list[Tensor]) -> None:
        velocities = [self.state[p]["momentum_buffer"] for p in own]
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_add_(velocities, gradients)
        torch._foreach_sub_(own, torch._foreach_mul(velocities, group["lr"]))
