"""Captions that differ in a single word: which are drawn, which never, and how evenly."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from zerosum import data
from zerosum.batches import Captioned
from zerosum.data.near import Near
from zerosum.data.several import TRIES, Several, draws
from zerosum.data.shapes.checker import agrees
from zerosum.data.shapes.words import ENGLISH, meaning

CPU = torch.device("cpu")


def drawn(near: Near, several: Several, row: int, count: int = 600) -> Counter[tuple[int, ...]]:
    rows = torch.full((count,), row)
    found = near(rows, draws(count, torch.Generator().manual_seed(1), TRIES + 1, 2))
    return Counter(tuple(ids) for ids in several.values[found].tolist())


def several(*rows: list[list[int]]) -> Several:
    values = torch.tensor([ids for row in rows for ids in row])
    return Several(values, torch.tensor([0, *map(len, rows)]).cumsum(0))


def test_they_differ_in_one_place_and_are_none_of_the_rows_own() -> None:
    own = several([[1, 2, 3], [1, 2, 4]], [[1, 2, 4]], [[1, 2, 5]], [[9, 2, 3]], [[8, 8, 3]])
    near = Near(own, torch.arange(5), CPU)
    found = drawn(near, own, 0)
    assert set(found) == {(1, 2, 5), (9, 2, 3)}, "not its other caption, and none that differs in two places"
    # [1, 2, 3] with its first or its last word another, [1, 2, 4] with its last: each a third.
    assert abs(found[9, 2, 3] / 600 - 1 / 3) < 0.06


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
    stream = data.Stream(shapes, 500, seed=0, batch=Captioned)
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
