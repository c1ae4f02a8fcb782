"""Episodes: what a policy does in environments that step together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zerosum.data.behaviour import environment
from zerosum.data.behaviour.environment import Places
from zerosum.data.dataset import DataError

# States (N, S) float32 to actions (N, A): of choices, that of the one is 1; else numbers.
Policy = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Played:
    """T steps of N environments. Episodes follow each other, with a step between them that is none."""

    states: Tensor  # (T + 1, N, S)
    actions: Tensor  # (T, N, A)
    rewards: Tensor  # (T, N) of the environment
    within: Tensor  # (T, N) bool: whether a step is one of an episode
    terminated: Tensor  # (T, N) bool: whether the environment ended the episode with it
    cut: Tensor  # (T, N) bool: whether its limit did

    @property
    def pairs(self) -> Tensor:
        """(K, S + A) the states with their actions, step by step."""
        return torch.cat([self.states[:-1], self.actions], 2)[self.within]

    @property
    def ended(self) -> Tensor:
        """(T, N) bool."""
        return self.terminated | self.cut

    def episodes(self) -> list[tuple[int, slice]]:
        """Of each episode that ended its environment and its steps, in the order of the environments."""
        found = []
        for n in range(self.within.shape[1]):
            start = 0
            for t in self.ended[:, n].nonzero()[:, 0].tolist():
                found.append((n, slice(start, t + 1)))
                start = t + 2  # the step after it is none
        return found

    def returns(self) -> Tensor:
        """(E,) the sum of rewards of each episode that ended."""
        sums = [float(self.rewards[steps, n].double().sum()) for n, steps in self.episodes()]
        return torch.tensor(sums, device=self.rewards.device)

    def lengths(self) -> Tensor:
        """(E,) its steps."""
        lengths = [steps.stop - steps.start for _, steps in self.episodes()]
        return torch.tensor(lengths, device=self.rewards.device)


@torch.no_grad()
def play(
    places: Places,
    policy: Policy,
    *,
    count: int,
    seed: int,
    steps: int | None = None,
    device: torch.device | str = "cpu",
    watch: Callable[[Any], None] | None = None,
) -> Played:
    """What a policy does in `count` environments, from the beginning of an episode on.

    Args:
        seed: of the episodes' beginnings; what the policy draws is its own affair.
        steps: T; by default one episode of each environment, the first.
        device: where the policy is, and the result.
        watch: called with the environments before the first step and after each.

    Raises:
        DataError: the environment is not there, fails, or gives a state or a reward that is not finite.
    """
    once = steps is None
    with environment.opened(places.environment, count, film=watch is not None) as environments:
        now = environment.reset(environments, places.environment, seed)
        ending = np.zeros(count, bool)  # in the step before
        over = np.zeros(count, bool)  # the one episode that counts
        if watch is not None:
            watch(environments)
        states, actions = [torch.from_numpy(now)], []
        told: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        for _ in range(places.limit if steps is None else steps):
            action = policy(states[-1].to(device)).to("cpu", torch.float32)
            with environment.asked(places.environment, f"stepped, in step {len(told) + 1}"):
                after, rewards, terminated, cut, _ = environments.step(_as_asked(places, action))
                now, rewards = np.asarray(after, np.float32), np.asarray(rewards, np.float32)
            within = ~(ending | over)
            _require_finite(places.environment, now, rewards, len(told))
            actions.append(action)
            told.append((np.where(within, rewards, 0), within, terminated & within, cut & ~terminated & within))
            states.append(torch.from_numpy(now.copy()))
            ending = terminated | cut
            over |= ending & once
            if watch is not None:
                watch(environments)
            if over.all():
                break
    of_steps = [torch.from_numpy(np.stack(own)) for own in zip(*told, strict=True)]
    made = Played(torch.stack(states), torch.stack(actions), of_steps[0].float(), *of_steps[1:])
    return Played(*(value.to(device) for value in vars(made).values()))


def _as_asked(places: Places, action: Tensor) -> NDArray[Any]:
    """As the environment takes actions (N, A): the number of a choice; numbers within their ends."""
    if places.discrete:
        return action.argmax(1).numpy()
    return np.clip(action.numpy(), np.asarray(places.low, np.float32), np.asarray(places.high, np.float32))


def _require_finite(name: str, states: NDArray[Any], rewards: NDArray[Any], step: int) -> None:
    for what, values in (("state", states), ("reward", rewards)):
        if not np.isfinite(values).all():
            wrong = values[~np.isfinite(values)].flat[0]
            raise DataError(f"{name} gave a {what} of {wrong} in step {step + 1}: mend the environment")
