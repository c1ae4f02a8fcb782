"""One of many tokens, chosen by a uniform number: the inverse of the distribution function."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Below 1 by more than the rounding of a sum in single precision, so that no number lies behind the last token.
BELOW_ONE = 1 - 2**-20
LIKELY = 128  # tokens that are put in order first


def choose(logits: Tensor, u: Tensor) -> Tensor:
    """(B,) int64: a token each, by its probability under the softmax of logits (B, V), from u, (B,) in [0, 1).

    The sums that the numbers are looked up in are those of blocks first, then those within one block: of thousands of
    tokens that is several times as fast as one running sum.
    """
    p = logits.float().softmax(1)
    size = math.isqrt(p.shape[1] - 1) + 1
    p = F.pad(p, (0, -p.shape[1] % size)).unflatten(1, (-1, size))  # (B, blocks, size)
    sums = p.sum(2).cumsum(1)
    at = u * BELOW_ONE * sums[:, -1]
    block = (sums <= at[:, None]).sum(1)
    rows = torch.arange(len(p), device=p.device)
    before = F.pad(sums, (1, 0))[rows, block]
    within = p[rows, block].cumsum(1)
    at = torch.minimum(at - before, within[:, -1] * BELOW_ONE)
    return block * size + (within <= at[:, None]).sum(1)


def choose_by_rank(logits: Tensor, u: Tensor) -> Tensor:
    """As `choose`, where the tokens lie in the order of their probability: below p it chooses among the likeliest.

    u in [0, p) leaves the likeliest tokens that make up p, as nucleus sampling does (Holtzman et al., 2020, The curious
    case of neural text degeneration, section 3.1), but the last of them only with what is left to it.
    """
    p = logits.float().softmax(1)
    at = (u * BELOW_ONE * p.sum(1))[:, None]
    if p.device.type != "cpu":  # which would have to wait for the device
        return _ranked(*p.sort(dim=1, descending=True), at).clamp(min=0)
    chosen = _ranked(*p.topk(min(LIKELY, p.shape[1]), 1), at)
    if (rest := chosen < 0).any():  # it lies behind the likeliest, so all are put in order
        chosen[rest] = _ranked(*p[rest].sort(dim=1, descending=True), at[rest]).clamp(min=0)
    return chosen


def _ranked(p: Tensor, tokens: Tensor, at: Tensor) -> Tensor:
    """The first of tokens (B, K) at which the sum of their p, (B, K), exceeds `at`, (B, 1); -1 where none does."""
    rank = (p.cumsum(1) <= at).sum(1, keepdim=True)
    found = tokens.gather(1, rank.clamp(max=p.shape[1] - 1))
    return torch.where(rank < p.shape[1], found, -1)[:, 0]
