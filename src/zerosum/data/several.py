"""Rows that have several values, of which a stream draws one each time: the captions of an image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

TRIES = 4  # draws of a value of another row, before one that is known to be none of a row's own is taken
DRAWS = 1 << 62  # random numbers below this, whose remainders choose


@dataclass(frozen=True, eq=False)
class Several:
    """Values of rows, those of a row behind each other: row i has `values[starts[i]:starts[i + 1]]`, perhaps none."""

    values: Tensor  # (M, ...)
    starts: Tensor  # (N + 1,) int64

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> Tensor:
        """(N,) values of each row."""
        return self.starts.diff()

    @property
    def first(self) -> Tensor:
        """(N, ...) the first value of each row; of a row without any, the first of all."""
        return self.values[self.starts[:-1].where(self.counts > 0, 0)]

    def at(self, rows: Tensor | slice) -> Several:
        """Some of the rows."""
        counts = self.counts[rows]
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        begin = self.starts[:-1][rows] - starts[:-1]  # by how much the values of a row move
        return Several(self.values[torch.arange(int(starts[-1])) + begin.repeat_interleave(counts)], starts)


def single(values: Tensor) -> Several:
    """Of rows (N, ...) that have one value each."""
    return Several(values, torch.arange(len(values) + 1))


class Own:
    """Draws of each row one of its values.

    Args:
        device: of the rows that are asked for.
    """

    def __init__(self, several: Several, device: torch.device):
        self.begin, self.counts = several.starts[:-1].to(device), several.counts.to(device)

    def __call__(self, rows: Tensor, draws: Tensor) -> Tensor:
        """(B,) the places of values, of rows (B,), by random numbers (B,) below `DRAWS`."""
        return self.begin[rows] + draws % self.counts[rows]


class Others:
    """Draws for each row a value of another row that is none of its own.

    Equal values are one. Rows are drawn evenly, and of each one of its values, until one fits: `TRIES` times; then the
    first of all values that is none of the row's own is taken.

    Args:
        rows: (R,) those that values are drawn from.
        device: of the rows that are asked for.
    """

    def __init__(self, several: Several, rows: Tensor, device: torch.device):
        unique, kinds = several.values.flatten(1).unique(dim=0, return_inverse=True)
        self.size, of_row = len(unique), torch.arange(len(several)).repeat_interleave(several.counts)
        keys = (of_row * self.size + kinds).unique()  # sorted: which kinds a row has
        self.own, self.rows, self.kinds = Own(several, device), rows.to(device), kinds.to(device)
        self.keys, self.rest = keys.to(device), _rest(several, rows, kinds).to(device)

    def without(self, rows: Tensor) -> Tensor:
        """(B,) bool: which of rows (B,) has all the values that there are, so that none is drawn for it."""
        return self.rest[rows] < 0

    def __call__(self, rows: Tensor, draws: Tensor) -> Tensor:
        """(B,) the places of values, for rows (B,), by random numbers (B, TRIES, 2) below `DRAWS`."""
        chosen = self.rest[rows]
        for one in reversed(draws.unbind(1)):  # so that the first that fits counts
            found = self.own(self.rows[one[:, 0] % len(self.rows)], one[:, 1])
            chosen = chosen.where(self.has(rows, found), found)
        return chosen

    def has(self, rows: Tensor, places: Tensor) -> Tensor:
        """(B,) bool: whether the values at places (B,) are among those of rows (B,)."""
        key = rows * self.size + self.kinds[places]
        at = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
        return self.keys[at] == key


def draws(count: int, generator: Generator, *shape: int) -> Tensor:
    """(count, *shape) random numbers below `DRAWS`."""
    return torch.randint(DRAWS, (count, *shape), generator=generator)


def _rest(several: Several, rows: Tensor, kinds: Tensor) -> Tensor:
    """(N,) of each row the place of the first value of `rows` that is none of its own; -1 where there is none."""
    known = torch.zeros(len(several), dtype=torch.bool)
    known[rows] = True
    places = known.repeat_interleave(several.counts).nonzero()[:, 0]
    first: dict[int, int] = {}  # of each kind the first place
    for place, kind in zip(places.tolist(), kinds[places].tolist(), strict=True):
        first.setdefault(kind, place)
    starts, of_value = several.starts.tolist(), kinds.tolist()
    found = []
    for row in range(len(several)):
        own = set(of_value[starts[row] : starts[row + 1]])
        found.append(next((place for kind, place in first.items() if kind not in own), -1))
    return torch.tensor(found)
