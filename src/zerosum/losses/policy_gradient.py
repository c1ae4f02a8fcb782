"""Policy gradients: advantages, and what a policy minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.util import checks


def advantages(
    rewards: Tensor,
    values: Tensor,
    terminated: Tensor,
    ended: Tensor,
    *,
    discount: float,
    lam: float,
    after: Tensor | float = 0.0,
) -> Tensor:
    """(T, N) generalised advantages; Schulman et al., 2016, eq. 16.

    Args:
        rewards: (T, N), of each step.
        values: (T + 1, N), of the state before each step, and of the last.
        terminated: (T, N) bool, whether the episode was over with it: what follows is worth `after`.
        ended: (T, N) bool, whether the next step is of another episode: terminated, or cut off, when what would have
            followed is worth the value of its state.
        discount: gamma, in [0, 1].
        lam: lambda, in [0, 1]: 0 trusts the values, 1 the rewards.
        after: the value of what comes after an end.

    Raises:
        ArgumentError: other shapes, shares out of [0, 1], or, on the CPU, a step that terminated and did not end.
    """
    checks.number("discount", discount, 0, 1)
    checks.number("lam", lam, 0, 1)
    sizes = checks.shapes("T N", rewards=rewards)
    (steps, count) = sizes["T"] + sizes["N"]
    checks.shapes(f"{steps + 1} {count}", values=values)
    for name, flags in (("terminated", terminated), ("ended", ended)):
        if flags.dtype != torch.bool or flags.shape != rewards.shape:
            raise checks.refuse(name, flags, f"bool {tuple(rewards.shape)}")
    if terminated.device.type == "cpu" and bool((terminated & ~ended).any()):  # a GPU would have to be waited for
        raise checks.ArgumentError("ended must be true wherever terminated is: rewards of another episode would count")
    following = torch.where(terminated, after, values[1:])
    surprises = rewards + discount * following - values[:-1]
    keeps = discount * lam * (~ended).to(surprises.dtype)
    found, running = torch.empty_like(surprises), torch.zeros_like(surprises[0])
    for t in range(len(rewards) - 1, -1, -1):
        running = surprises[t] + keeps[t] * running
        found[t] = running
    return found


def surrogate(log_p: Tensor, before: Tensor, advantage: Tensor) -> Tensor:
    """Minus the mean advantage (N,) of a policy over actions of another; Schulman et al., 2015 (TRPO), eq. 14.

    Args:
        log_p: (N,) log probabilities of the actions.
        before: (N,) those of the policy that took them.
    """
    checks.shapes("N", log_p=log_p, before=before, advantage=advantage)
    return -((log_p - before).exp() * advantage).mean()


def clipped_surrogate(log_p: Tensor, before: Tensor, advantage: Tensor, clip: float = 0.2) -> Tensor:
    """The same, which gains nothing from ratios outside of [1 - clip, 1 + clip]; Schulman et al., 2017 (PPO), eq. 7."""
    checks.shapes("N", log_p=log_p, before=before, advantage=advantage)
    checks.number("clip", clip, 0)
    ratio = (log_p - before).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()
