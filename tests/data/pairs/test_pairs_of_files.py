"""Pairs, and two collections, of files of arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch

from zerosum import data
from zerosum.data.dataset import DataError


def array(path: Path, count: int, channels: int = 3) -> np.ndarray:
    x = np.random.default_rng(count).integers(0, 256, (count, channels, 8, 8), dtype=np.uint8)
    np.save(path, x)
    return x


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_row_k_of_one_file_belongs_to_row_k_of_the_other():
    a, b = array(Path("a.npy"), 4, channels=1), array(Path("b.npy"), 4)
    pairs = data.load("pairs:a.npy,b.npy")
    fields = pairs.fields
    assert fields["a"].deck == fields["b"].deck
    assert torch.equal(fields["a"].stored, torch.from_numpy(a)) and torch.equal(fields["b"].stored, torch.from_numpy(b))


def test_files_of_unequal_numbers_are_no_pairs_but_two_collections():
    array(Path("a.npy"), 4)
    x = array(Path("b.npy"), 3)
    np.savez("b.npz", samples=x)
    with pytest.raises(DataError, match=r"a\.npy has 4 samples and b\.npz 3.*unpaired:a\.npy,b\.npz"):
        data.load("pairs:a.npy,b.npz")
    apart = data.load("unpaired:a.npy,b.npz")
    assert {name: (len(field), field.deck) for name, field in apart.fields.items()} == {"a": (4, "a"), "b": (3, "b")}


def test_a_file_beside_what_is_none_is_named():
    array(Path("a.npy"), 4)
    Path("photos").mkdir()
    with pytest.raises(DataError, match=r"photos is not a file of arrays; name two folders of images, or two files"):
        data.load("pairs:a.npy,photos")
    with pytest.raises(DataError, match=r"b\.npy is not there"):
        data.load("unpaired:a.npy,b.npy")
