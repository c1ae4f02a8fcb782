"""Nearest neighbours by Euclidean distance, exact, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

_ROOM = 4_000_000  # distances at a time: 32 MB


def k_nearest(queries: Tensor, keys: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """The k nearest of the keys (M, F) to each of the queries (N, F): distances (N, k), float64, and indices (N, k).

    Args:
        exclude_self: queries and keys are one set; row i is no neighbour of row i. Equal rows elsewhere are.

    Distances ascend. ValueError where there are fewer than k keys to find.
    """
    if queries.dim() != 2 or keys.dim() != 2 or queries.shape[1] != keys.shape[1]:
        raise ValueError(f"points must be (N, F) and (M, F), not {tuple(queries.shape)} and {tuple(keys.shape)}")
    if exclude_self and len(queries) != len(keys):
        raise ValueError(f"one set has one length, not {len(queries)} and {len(keys)}")
    if not 1 <= k <= len(keys) - exclude_self:
        raise ValueError(f"there are no {k} neighbours among {len(keys) - exclude_self}")
    queries, keys = queries.double(), keys.double()
    distances, indices = [], []
    for start, part in squared_distances(queries, keys):
        if exclude_self:
            part[torch.arange(len(part)), torch.arange(start, start + len(part))] = torch.inf
        near = part.topk(k, largest=False).indices  # (n, k)
        exact = (queries[start : start + len(part), None] - keys[near]).norm(dim=2)
        exact, order = exact.sort()
        distances.append(exact)
        indices.append(near.gather(1, order))
    return torch.cat(distances), torch.cat(indices)


def squared_distances(queries: Tensor, keys: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Start and (n, M) squared distances, part by part of the queries (N, F)."""
    centre = keys.mean(0)
    queries, keys = queries - centre, keys - centre
    norms = keys.square().sum(1)  # (M,)
    step = max(1, _ROOM // len(keys))
    for start in range(0, len(queries), step):
        x = queries[start : start + step]
        yield start, torch.addmm(norms, x, keys.T, alpha=-2).add_(x.square().sum(1, keepdim=True))
