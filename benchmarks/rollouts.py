"""Rollouts that share states, beside a loop over beginnings and rollouts.

    python -m benchmarks.rollouts

prints for SeqGAN's networks (64 texts of 20 tokens, a vocabulary of 5,000, 16 rollouts of 19 beginnings) the tokens a
second of both, medians in turn, and how many times as fast the first is. The loop begins every text anew, draws by
`torch.multinomial`, and is timed for one rollout of each beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import torch
from torch import Tensor

from zerosum.modality import Tokens
from zerosum.networks.policy import START, Policy

REPEATS = 5
TEXTS, LENGTH, VOCABULARY, ROLLOUTS = 64, 20, 5_000, 16


@torch.no_grad()
def one_by_one(policy: Policy, ids: Tensor, count: int) -> None:
    for given in range(1, ids.shape[1]):
        for _ in range(count):
            token, state = torch.full((len(ids),), START), None
            for place in range(ids.shape[1]):
                state = policy.read(token, state)
                if place < given:
                    token = ids[:, place]
                else:
                    token = torch.multinomial(policy.out(state.hidden).softmax(1), 1)[:, 0]


def rate(function: Callable[[Policy, Tensor, int], object], policy: Policy, ids: Tensor, count: int) -> float:
    """Tokens that are written by rollouts, a second of processor time."""
    began = process_time()
    function(policy, ids, count)
    return sum(range(1, ids.shape[1])) * count * len(ids) / (process_time() - began)


def main() -> None:
    torch.manual_seed(0)
    policy = Policy(Tokens(tuple(map(str, range(VOCABULARY))), LENGTH))
    ids = policy.write(torch.rand(TEXTS, LENGTH))
    shared, looped = [], []
    for _ in range(REPEATS):
        shared.append(rate(Policy.rollouts, policy, ids, ROLLOUTS))
        looped.append(rate(one_by_one, policy, ids, 1))
    ratios = [a / b for a, b in zip(shared, looped, strict=True)]
    print(f"shared states: {median(shared):,.0f} tokens/s; one by one: {median(looped):,.0f} tokens/s")
    print(f"{median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f}, {REPEATS} times each)")


if __name__ == "__main__":
    main()
