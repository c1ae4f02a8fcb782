"""Captions that differ in one word from those of an image, and are none of its own: what a player has to tell apart."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.data.several import TRIES, Others, Several


class Near:
    """Draws for each row a value of another row that differs in one place from one of its own, and is none of them.

    Values are rows of ids. A value of the row's own and a place in it are drawn evenly, of those with which something
    fits, and of what fits one; a row where nothing does gets any value of another row, as from `Others`.

    Args:
        rows: (R,) those that values are drawn from.
        device: of the rows that are asked for.
    """

    def __init__(self, several: Several, rows: Tensor, device: torch.device):
        self.others = Others(several, rows, device)
        unique, kinds = several.values.unique(dim=0, return_inverse=True)
        of_row = torch.arange(len(several)).repeat_interleave(several.counts)
        known = torch.zeros(len(several), dtype=torch.bool)
        known[rows] = True
        place = torch.full((len(unique),), -1)  # of each kind a place among the values that may be drawn
        may = known[of_row].nonzero()[:, 0].flip(0)
        place[kinds[may]] = may
        keys = (of_row * len(unique) + kinds).unique()  # sorted: which kinds a row has
        row, kind = keys // len(unique), keys % len(unique)
        groups, starts, members = _alike(unique, place >= 0)
        # All triples of a row, a group (a kind of its own and a place in it), and a kind that is alike but there.
        group = groups[kind].flatten()  # (K * length,)
        row = row.repeat_interleave(unique.shape[1])
        sizes = starts.diff()[group]
        begin = starts[:-1][group] - (sizes.cumsum(0) - sizes)
        found = members[torch.arange(int(sizes.sum())) + begin.repeat_interleave(sizes)]
        row, choice = row.repeat_interleave(sizes), torch.arange(len(group)).repeat_interleave(sizes)
        key = row * len(unique) + found
        fits = keys[torch.searchsorted(keys, key).clamp(max=len(keys) - 1)] != key
        row, choice, found = row[fits], choice[fits], found[fits]
        counts = choice.unique_consecutive(return_counts=True)[1]
        of_choice = row[counts.cumsum(0) - 1] if len(counts) else row
        self.found = place[found].to(device)  # grouped by choice, and choices by row
        self.begin, self.counts = (counts.cumsum(0) - counts).to(device), counts.to(device)
        number = torch.bincount(of_choice, minlength=len(several))
        self.first, self.number = (number.cumsum(0) - number).to(device), number.to(device)

    def without(self, rows: Tensor) -> Tensor:
        """(B,) bool: which of rows (B,) has all the values that there are, so that none is drawn for it."""
        return self.others.without(rows)

    def __call__(self, rows: Tensor, draws: Tensor) -> Tensor:
        """(B,) the places of values, for rows (B,), by random numbers (B, TRIES + 1, 2) below `DRAWS`."""
        far = self.others(rows, draws[:, :TRIES])
        if not len(self.found):
            return far
        number, one = self.number[rows], draws[:, TRIES]
        choice = (self.first[rows] + one[:, 0] % number.clamp(min=1)).clamp(max=len(self.counts) - 1)
        return far.where(number == 0, self.found[self.begin[choice] + one[:, 1] % self.counts[choice]])


def _alike(unique: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which of unique values (K, length) are alike but for one place.

    Returns:
        The groups (K, length) of each value by the place that is left out; where each group starts, (G + 1,); and the
        `wanted` of the members of all, by their numbers.
    """
    count, length = unique.shape
    marks = torch.randint(-(2**62), 2**62, (length, int(unique.max()) + 1), generator=torch.Generator().manual_seed(0))
    own = marks[torch.arange(length), unique]  # (K, length): sums of these are equal where values are
    rests = own.sum(1, keepdim=True) - own  # (they wrap around)
    groups, start = torch.empty_like(unique), 0
    for place in range(length):
        numbers = rests[:, place].unique(return_inverse=True)[1]
        groups[:, place] = numbers + start
        start += int(numbers.max()) + 1
    members, of = torch.arange(count)[:, None].expand(-1, length)[wanted], groups[wanted].flatten()
    sizes = torch.bincount(of, minlength=start)
    starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    return groups, starts, members.flatten()[of.argsort(stable=True)]
