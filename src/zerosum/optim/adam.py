"""Adam whose second beta changes as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import Parameter


class BurnInAdam(torch.optim.Optimizer):
    """Adam; Kingma and Ba, 2015, Algorithm 1: with "lr" and "beta2" read from the parameter group at each step.

    PyTorch's fused and recorded steps keep the betas that they were made with. Here both numbers may be tensors on the
    device, which a recorded step reads anew each time. The bias of the second moment is corrected by the beta of now,
    as where PyTorch's Adam is given other betas between its steps.
    """

    def __init__(
        self, parameters: Iterable[Parameter], lr: float | Tensor, beta1: float, beta2: float | Tensor, eps: float
    ):
        super().__init__(parameters, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            own = [p for p in group["params"] if p.grad is not None]
            for p in own:
                if not self.state[p]:
                    self.state[p] = {
                        "step": torch.zeros((), device=p.device),
                        "exp_avg": torch.zeros_like(p),
                        "exp_avg_sq": torch.zeros_like(p),
                    }
            if own:
                self._move(group, own)

    def _move(self, group: dict[str, float | Tensor], own: list[Tensor]) -> None:
        gradients = [p.grad for p in own if p.grad is not None]
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
