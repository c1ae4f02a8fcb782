"""Captions that differ in a single word: which are drawn, which never, and how evenly."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zerosum import data
from zerosum.batches import NearCaptioned
from zerosum.data.near import Near
from zerosum.data.several import TRIES, Several, draws
from zerosum.data.shapes.checker import agrees
from zerosum.data.shapes.words import ENGLISH, meaning

CPU = torch.device("cpu")


def drawn(near: Near, several: Several, row: int, count: int = 600) -> Counter[tuple[int, ...]]:
    rows = torch.full((count,), row)
    found = near(rows, draws(count, torch.Generator().manual_seed(1), 2 * TRIES, 3))
    return Counter(tuple(ids) for ids in several.values[found].tolist())


def several(*rows: list[list[int]]) -> Several:
    values = torch.tensor([ids for row in rows for ids in row])
    return Several(values, torch.tensor([0, *map(len, rows)]).cumsum(0))


def test_they_differ_in_one_place_and_are_none_of_the_rows_own() -> None:
    own = several([[1, 2, 3], [1, 7, 4]], [[1, 7, 4]], [[1, 2, 5]], [[9, 2, 3]], [[1, 6, 4]], [[8, 8, 3]], [[5, 2, 3]])
    found = drawn(Near(own, torch.arange(7), CPU), own, 0)
    near = {(1, 2, 5): 1 / 4, (9, 2, 3): 1 / 8, (5, 2, 3): 1 / 8, (1, 6, 4): 1 / 2}
    assert set(found) == set(near), "none that differs in two places"
    # Half by either caption; of the first, the half by either of two places; of its first place, the half for either.
    assert all(abs(found[ids] / 600 - share) < 0.06 for ids, share in near.items())


def test_its_other_captions_are_not_drawn_and_what_does_not_fit_is_drawn_again() -> None:
    own = several([[1, 3], [1, 4]], [[1, 5]], [[1, 6]], [[7, 8]])
    found = drawn(Near(own, torch.arange(4), CPU), own, 0)
    # A third of the draws is the other caption of the row: after as many as are tried, any other caption is taken.
    assert found.keys() <= {(1, 5), (1, 6), (7, 8)} and found[7, 8] / 600 < 0.02
    assert abs(found[1, 5] / 600 - 1 / 2) < 0.06


def test_a_text_with_a_word_more_or_less_is_not_near() -> None:
    own = several([[2, 3, 0]], [[2, 3, 4]], [[2, 5, 0]])
    assert set(drawn(Near(own, torch.arange(3), CPU), own, 0)) == {(2, 3, 4), (2, 5, 0)}
    assert set(drawn(Near(own, torch.arange(3), CPU, end=0), own, 0)) == {(2, 5, 0)}
    alone = several([[2, 3, 0]], [[2, 3, 4]], [[6, 7, 8]])
    assert set(drawn(Near(alone, torch.arange(3), CPU, end=0), alone, 0)) == {(2, 3, 4), (6, 7, 8)}


class Largest(TorchDispatchMode):
    """The most numbers of a tensor that is made meanwhile."""

    most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        found = [each.numel() for each in tree_leaves(made) if isinstance(each, Tensor)]
        self.most = max([self.most, *found])
        return made


def test_of_many_captions_of_one_word_what_is_kept_is_as_large_as_they_are() -> None:
    count, length = 5_000, 4
    values = torch.zeros(count, length, dtype=torch.int64)
    values[:, 0] = torch.arange(1, count + 1)
    own = Several(values, torch.arange(count + 1))
    with Largest() as made:
        near = Near(own, torch.arange(count), CPU, end=0)
    assert made.most <= 2 * count * length, "no tensor of pairs of captions"
    rows = torch.arange(count)
    numbers = draws(count, torch.Generator().manual_seed(1), 2 * TRIES, 3)
    found = near(rows, numbers)
    assert torch.equal(found, near(rows, numbers)), "a function of the random numbers"
    assert torch.equal(found[7:9], near(rows[7:9], numbers[7:9])), "each of its own"
    assert bool((own.values[found] != values).sum(1).eq(1).all())
    assert len(found.unique()) > 0.6 * count, "about 1 - 1/e of them, as of any even draws"


def test_only_values_of_the_rows_that_may_be_drawn_are() -> None:
    own = several([[1, 2]], [[1, 3]], [[1, 4]])
    assert set(drawn(Near(own, torch.tensor([0, 2]), CPU), own, 0)) == {(1, 4)}


def test_where_nothing_is_near_any_other_is_drawn() -> None:
    own = several([[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]])
    assert set(drawn(Near(own, torch.arange(3), CPU), own, 0)) == {(4, 5, 6), (7, 8, 9)}
    mixed = several([[1, 2, 3]], [[4, 5, 6]], [[4, 5, 7]])
    assert set(drawn(Near(mixed, torch.arange(3), CPU), mixed, 0)) == {(4, 5, 6), (4, 5, 7)}
    assert set(drawn(Near(mixed, torch.arange(3), CPU), mixed, 1)) == {(4, 5, 7)}


def said(ids: Tensor) -> list[str]:
    return ENGLISH.kind.write(ids)


def test_of_shapes_they_are_wrong_and_one_word_is_another() -> None:
    shapes = data.load("shapes", seed=3, size=(16, 16))
    stream = data.Stream(shapes, 500, seed=0, batch=NearCaptioned)
    batch = stream()
    scenes = said(shapes.fields["text"].stored[stream._decks["all"](0, 500)])
    field = shapes.fields["text"].several
    assert field is not None
    for row, near in zip(stream._decks["all"](0, 500).tolist(), batch.near, strict=True):
        own = field.at(torch.tensor([row])).values
        assert (own != near).sum(1).min() == 1
    for scene, wrong in zip(scenes, said(batch.near), strict=True):
        truth, other = meaning(scene), meaning(wrong)
        assert truth is not None and not agrees(truth, other)
