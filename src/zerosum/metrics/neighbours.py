"""Euclidean distances between two sets of points, part by part: nearest neighbours, and who lies within a radius."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_AT_A_TIME = 4_000_000  # numbers in a part, in float64: 32 MB
_ROWS = 1000  # keys that are centred at a time


def k_nearest(queries: Tensor, keys: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """The k nearest of the keys (M, F) to each of the queries (N, F): distances (N, k), float64, and indices (N, k).

    Distances ascend and are those of the differences themselves: 0 between equal points. Which keys are nearest is
    decided by squared distances exact to 1e-15 F of the largest. With a copy of the keys this takes about
    100 MB. With `exclude_self` both are one set, and row i is no neighbour of row i; another row equal to it is.
    ValueError where shapes do not fit, a value is not finite, or there are fewer than k keys.
    """
    if exclude_self and queries.shape != keys.shape:
        raise ValueError(f"one set has one shape, not {tuple(queries.shape)} and {tuple(keys.shape)}")
    if not 1 <= k <= len(keys) - exclude_self:
        raise ValueError(f"no point has {k} neighbours among {len(keys) - exclude_self}")
    distances, indices = [], []
    for part in pairs(queries, keys):
        if exclude_self:
            part.squares.diagonal(part.rows.start).fill_(torch.inf)
        near = _smallest(part.squares, k)
        rows = torch.arange(len(near), device=near.device).repeat_interleave(k)
        distance, order = part.between(rows, near.flatten()).view(-1, k).sort()
        distances.append(distance)
        indices.append(near.gather(1, order))
    return torch.cat(distances), torch.cat(indices)


def _smallest(values: Tensor, k: int, width: int = 16) -> Tensor:
    """(n, k) columns of the k smallest of each row of (n, M), in no order: `topk` in half the time.

    Those lie in the k groups of columns with the smallest minima, and minima of many groups at once are cheap.
    """
    groups = values.shape[1] // width
    if groups <= k:
        return values.topk(k, largest=False).indices
    grouped = values[:, : groups * width].unflatten(1, (width, groups))  # every groups-th column is of one group
    best = grouped.amin(1).topk(k, largest=False).indices  # (n, k)
    starts = torch.arange(0, groups * width, groups, device=values.device)
    rest = torch.arange(groups * width, values.shape[1], device=values.device)
    columns = torch.cat([(best[:, None] + starts[:, None]).flatten(1), rest.expand(len(values), -1)], dim=1)
    return columns.gather(1, values.gather(1, columns).topk(k, largest=False).indices)


@dataclass(frozen=True)
class Pairs:
    """n of the queries, those at `rows`, with all keys."""

    rows: slice
    queries: Tensor  # (n, F)
    keys: Tensor  # (M, F)
    squares: Tensor  # (n, M) squared distances, from a product of matrices; the next part overwrites them
    error: float  # the most that rounding has cost them

    def between(self, i: Tensor, j: Tensor) -> Tensor:
        """(P,) distances from queries i to keys j, (P,) each, from the differences themselves."""
        return (self.queries[i].double() - self.keys[j]).square_().sum(1).sqrt_()

    def within(self, radii: Tensor) -> Tensor:
        """(n, M) booleans: distance < radius, for radii (n, 1) or (M,) that are distances `between` two points."""
        squares = radii.square()
        inside = self.squares < squares + self.error
        at = inside.nonzero()  # (P, 2), few: balls hold few points
        i, j = at.unbind(1)
        unsure = self.squares[i, j] >= (squares - self.error).expand_as(inside)[i, j]  # too near the rim
        for part in at[unsure].split(max(1, _AT_A_TIME // self.keys.shape[1])):
            i, j = part.unbind(1)
            inside[i, j] = self.between(i, j) < radii.expand_as(inside)[i, j]
        return inside


def pairs(queries: Tensor, keys: Tensor) -> Iterator[Pairs]:
    """All pairs of queries (N, F) and keys (M, F), as many queries at a time as memory is meant for."""
    if queries.dim() != 2 or keys.dim() != 2 or queries.shape[1] != keys.shape[1] or not len(queries) * len(keys):
        raise ValueError(f"points must be (N, F) and (M, F), not {tuple(queries.shape)} and {tuple(keys.shape)}")
    features = keys.shape[1]
    centre = keys.mean(0, dtype=torch.float64)  # products lose least where points lie around 0
    y = centre.new_empty(len(keys), features + 2)  # the one copy of the keys: they may be as large as memory allows
    y_squares = y[:, features : features + 1]
    for own, part in zip(y.split(_ROWS), keys.split(_ROWS), strict=True):
        x = torch.sub(part, centre, out=own[:, :features])
        torch.sum(x.square(), 1, keepdim=True, out=own[:, features : features + 1])
        x.mul_(-2)
    y[:, features + 1] = 1
    step = max(1, _AT_A_TIME // (len(keys) + features))
    room = y.new_empty(min(step, len(queries)), len(keys))  # one for all parts: fresh memory costs as much as the sums
    start = 0
    for part in queries.split(step):
        x = part - centre
        x_squares = x.square().sum(1, keepdim=True)
        x = torch.cat([x, torch.ones_like(x_squares), x_squares], dim=1)  # (n, F + 2)
        size = float(x_squares.max().sqrt() + y_squares.max().sqrt())
        if not size < torch.inf:
            raise ValueError("points must be finite")
        squares = torch.mm(x, y.T, out=room[: len(part)])  # |x|^2 - 2 x.y + |y|^2
        error = (features + 16) * torch.finfo(torch.float64).eps * size**2
        yield Pairs(slice(start, start + len(part)), part, keys, squares, error)
        start += len(part)
