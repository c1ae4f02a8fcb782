"""Classes of arrays: those that have samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zerosum.data import DataError, Dataset, load
from zerosum.data.dataset import dataset

X = np.random.default_rng(0).integers(0, 256, (24, 1, 4, 4), dtype=np.uint8)


def of(tmp_path: Path, labels: object) -> Dataset:
    np.savez(tmp_path / "x.npz", x=X, y=np.resize(np.array(labels), len(X)))
    return load(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("labels", "classes", "y", "note"),
    [
        ([0, 1, 2], ("0", "1", "2"), [0, 1, 2], None),
        ([1, 2], ("1", "2"), [0, 1], "no sample has the label 0: there are 2 classes"),
        ([1, 5, -1], ("1", "5"), [0, 1, -1], "no sample has the labels 0, 2, 3, 4: there are 2 classes"),
        ([0, 40], ("0", "40"), [0, 1], "no sample has the labels 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 29 more: there are"),
        ([10**12], (str(10**12),), [0], "no sample has the labels 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 999,999,999,990 mo"),
        ([0, 1, 255], ("0", "1"), [0, 1, -1], "the label 255 of 8 samples is read as no label, as -1 is"),
        (np.array([0, 1, 255], np.uint8), ("0", "1"), [0, 1, -1], "the label 255 of 8 samples is read as no label"),
        ([0, 255], ("0", "255"), [0, 1], "no sample has the labels 1, 2"),  # no and yes in a mask
        ([0, 254, 255], ("0", "254", "255"), [0, 1, 2], "no sample has the labels 1, 2"),
    ],
)
def test_classes_have_samples(
    labels: object, classes: tuple[str, ...], y: list[int], note: str | None, tmp_path: Path
) -> None:
    data = of(tmp_path, labels)
    assert data.classes == classes and data.y is not None and data.y[: len(y)].tolist() == y
    assert min(data.counts) > 0
    said = [one for one in data.notes if "as samples" not in one]
    assert not said if note is None else said[0].startswith(note)


def test_no_label_at_all(tmp_path: Path) -> None:
    assert of(tmp_path, [-1]).y is None


def test_a_label_for_each_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"has 24 different labels for 24 samples, which are measurements and no classes"
    ):
        of(tmp_path, range(1000, 1024))


def test_a_run_of_an_older_version_has_its_classes_again(tmp_path: Path) -> None:
    """It numbered the classes without a sample, too: the fingerprint is what it was then."""
    new = of(tmp_path, [1, 5, -1])
    x, y = torch.from_numpy(X), torch.tensor([1, 5, -1]).repeat(8)
    old = dataset(new.name, x, y, tuple("012345"))
    again = new.with_classes(old.classes)
    assert again.fingerprint == old.fingerprint != new.fingerprint and again.classes == old.classes
    assert torch.equal(again.fields["y"].stored, y) and again.notes == new.notes
    for names in (("1",), ("5", "1"), ("2", "3"), ("1", "5")):  # the data has changed since, or has not
        assert new.with_classes(names) is new
