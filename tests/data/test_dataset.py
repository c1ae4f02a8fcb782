"""Datasets with some of their labels, or none."""

from __future__ import annotations

import pytest
import torch

from zerosum.data import DataError, Dataset
from zerosum.data.dataset import dataset
from zerosum.modality import Classes, Vector

COUNTS = (40, 30, 20)  # samples of each class, and 10 without one


def mixed() -> Dataset:
    y = torch.cat([torch.full((n,), k) for k, n in enumerate(COUNTS)] + [torch.full((10,), -1)])
    y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    return dataset("mixed", torch.arange(100.0)[:, None], y, ("ape", "bee", "cat"))


def kept(data: Dataset) -> list[int]:
    assert data.y is not None
    return data.y[data.y >= 0].bincount(minlength=3).tolist()


@pytest.mark.parametrize(
    ("count", "each"), [(3, [1, 1, 1]), (30, [10, 10, 10]), (31, [11, 10, 10]), (59, [20, 20, 19]), (61, [21, 20, 20])]
)
def test_as_many_of_each_class_are_kept_and_one_more_of_the_first(count: int, each: list[int]) -> None:
    whole = mixed()
    some = whole.with_labels(count, 0)
    assert whole.y is not None and some.y is not None and some.y.dtype == torch.int64
    assert kept(some) == each
    assert bool(((some.y == whole.y) | (some.y == -1)).all())  # none is made up, all others are hidden
    assert some.x is whole.x and some.classes == whole.classes and some.condition == Classes(("ape", "bee", "cat"))
    assert kept(whole) == list(COUNTS)


def test_which_are_kept_is_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = mixed().with_labels(30, 7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    two, other = mixed().with_labels(30, 7), mixed().with_labels(30, 8)
    assert one.y is not None and two.y is not None and other.y is not None
    assert torch.equal(one.y, two.y) and not torch.equal(one.y, other.y)
    assert one.fingerprint == two.fingerprint


def test_every_sample_of_a_class_is_as_likely_to_be_kept() -> None:
    """Of 20 cats 10 are kept: each 200 times in 400 draws, with a standard deviation of 10."""
    whole = mixed()
    assert whole.y is not None
    times = torch.zeros(100)
    for seed in range(400):
        y = whole.with_labels(30, seed).y
        assert y is not None
        times += y == 2
    cats = times[whole.y == 2]
    assert times.sum() == cats.sum() == 4000
    assert cats.min() > 150 and cats.max() < 250


def test_the_fingerprint_tells_them_apart() -> None:
    whole = mixed()
    marks = [data.fingerprint for data in (whole, whole.with_labels(30, 0), whole.with_labels(30, 1))]
    marks += [whole.with_labels(31, 0).fingerprint, whole.without_labels().fingerprint]
    assert len(set(marks)) == 5


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "0 labels are fewer than the 3 classes of mixed"),
        (-5, "fewer than the 3 classes"),
        (2, "2 labels are fewer than the 3 classes of mixed; keep more"),
        (63, r"class 'cat' of mixed has 20 labelled samples, .* ask for 21 of each class; keep at most 60"),
        (1000, "class 'ape' of mixed has 40 labelled samples, and 1000 labels in all ask for 334"),
    ],
)
def test_what_cannot_be_kept_is_refused(count: int, says: str) -> None:
    with pytest.raises(DataError, match=says):
        mixed().with_labels(count, 0)


@pytest.mark.parametrize("conditions", [None, torch.zeros(3, 2)])
def test_data_without_classes_has_no_labels_to_keep(conditions: torch.Tensor | None) -> None:
    plain = dataset("plain", torch.zeros(3, 1), conditions=conditions)
    with pytest.raises(DataError, match=r"plain has no labels of which 3 could be kept; put each class"):
        plain.with_labels(3, 0)


def test_what_a_gan_can_learn_to_be_asked_for() -> None:
    x, y, vectors = torch.zeros(3, 1), torch.tensor([0, 1, -1]), torch.zeros(3, 4)
    assert dataset("a", x).condition is None
    assert dataset("a", x, y, ("a", "b")).condition == Classes(("a", "b"))
    assert dataset("a", x, conditions=vectors).condition == Vector(4)
    both = dataset("a", x, y, ("a", "b"), conditions=vectors)
    assert both.condition == Classes(("a", "b"))
    bare = both.without_labels()
    assert bare.condition is None and bare.y is None and bare.vectors is None and bare.classes == ()
    assert len({data.fingerprint for data in (both, bare, dataset("a", x, y, ("a", "b")))}) == 3
    assert bare.without_labels() is bare
