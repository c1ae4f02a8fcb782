"""SGD whose momentum changes as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import Parameter


class ScheduledSGD(torch.optim.Optimizer):
    """SGD as PyTorch's, v <- momentum v + g and p <- p - lr v, with both numbers read from the group at each step.

    Both may be tensors on the device, which a recorded step reads anew each time.
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float | Tensor, momentum: float | Tensor):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            own = [p for p in group["params"] if p.grad is not None]
            for p in own:
                if not self.state[p]:
                    self.state[p] = {"momentum_buffer": torch.zeros_like(p)}
            if own:
                velocities = [self.state[p]["momentum_buffer"] for p in own]
                torch._foreach_mul_(velocities, group["momentum"])
                torch._foreach_add_(velocities, [p.grad for p in own])
                torch._foreach_sub_(own, torch._foreach_mul(velocities, group["lr"]))
