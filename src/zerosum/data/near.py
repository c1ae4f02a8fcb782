"""Captions that differ in one word from those of an image, and are none of its own: what a player has to tell apart."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.data.several import TRIES, Others, Own, Several


class Near:
    """Draws for each row a value of another row that differs in one place from one of its own, and is none of them.

    Values are rows of ids. Of the row's own values that others are alike but for one place, one is drawn, then such a
    place of it, then one of these others, each evenly, until it is none of the row's own: `TRIES` times; then any value
    of another row is taken, as by `Others`. What is kept is as large as the distinct values, however many are alike.

    Args:
        rows: (R,) those that values are drawn from.
        device: of the rows that are asked for.
        end: the id that ends a text, if there is one: a text with a word more or less is not alike.
    """

    def __init__(self, several: Several, rows: Tensor, device: torch.device, end: int | None = None):
        self.others = Others(several, rows, device)
        kinds = self.others.kinds.cpu()  # of each value the number of its like, of K
        unique = several.values.new_empty(self.others.size, several.values.shape[1])
        unique[kinds] = several.values
        known = torch.zeros(len(several), dtype=torch.bool)
        known[rows] = True
        of_row = torch.arange(len(several)).repeat_interleave(several.counts)
        place = torch.full((len(unique),), -1)  # of each kind a place among the values that may be drawn
        may = known[of_row].nonzero()[:, 0].flip(0)
        place[kinds[may]] = may
        word = torch.ones_like(unique, dtype=torch.bool) if end is None else unique != end
        members, begin, sizes, rank = _alike(unique, word & (place >= 0)[:, None])
        number = sizes.where(word, 0) - (rank >= 0).long()  # (K, length): those that are alike, without itself
        order = (number > 0).long().argsort(dim=1, descending=True, stable=True)  # the places of these come first
        places = (number > 0).sum(1)  # (K,)
        near = places[kinds] > 0
        starts = torch.cat([places.new_zeros(1), torch.bincount(of_row[near], minlength=len(several)).cumsum(0)])
        self.number = starts.diff().to(device)  # (N,) of each row the values of its own that others are near
        self.own, self.kinds = Own(Several(kinds[near], starts), device), kinds[near].to(device)
        self.places, self.order, self.alike = places.to(device), order.to(device), number.to(device)
        self.begin, self.rank, self.members = begin.to(device), rank.to(device), place[members].to(device)

    def without(self, rows: Tensor) -> Tensor:
        """(B,) bool: which of rows (B,) has all the values that there are, so that none is drawn for it."""
        return self.others.without(rows)

    def __call__(self, rows: Tensor, draws: Tensor) -> Tensor:
        """(B,) the places of values, for rows (B,), by random numbers (B, 2 * TRIES, 3) below `DRAWS`."""
        chosen = self.others(rows, draws[:, TRIES:, :2])
        some = self.number[rows] > 0
        own, draws = rows[some], draws[some, :TRIES]
        found = chosen[some]
        for one in reversed(draws.unbind(1)):  # so that the first that fits counts
            kind = self.kinds[self.own(own, one[:, 0])]
            place = self.order[kind, one[:, 1] % self.places[kind]]
            at = one[:, 2] % self.alike[kind, place]
            rank = self.rank[kind, place]
            at = at + ((rank >= 0) & (at >= rank)).long()  # past itself
            other = self.members[self.begin[kind, place] + at]
            found = found.where(self.others.has(own, other), other)
        chosen[some] = found
        return chosen


def _alike(unique: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Which of unique values (K, length) are alike but for one place, by groups of those for each value and place.

    Args:
        wanted: (K, length) bool: which values are members of the group of a place.

    Returns:
        The members of all groups, by their numbers, at most K * length; and of the group of each value and place,
        (K, length) each: where it begins among them, its members, and the rank of the value itself in it, or -1.
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
    members, of = torch.arange(count)[:, None].expand(-1, length)[wanted], groups[wanted]
    sizes = torch.bincount(of, minlength=start)
    begin, order = sizes.cumsum(0) - sizes, of.argsort(stable=True)
    rank, ranks = torch.full_like(unique, -1), torch.empty_like(of)
    ranks[order] = torch.arange(len(of)) - begin[of[order]]
    rank[wanted] = ranks
    return members[order], begin[groups], sizes[groups], rank
