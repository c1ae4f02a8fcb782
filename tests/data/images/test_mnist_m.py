"""MNIST-M: digits over patches of photographs, those of one part being behind none of the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zerosum.data import DataError, load
from zerosum.data.dataset import dataset
from zerosum.data.images import mnist_m
from zerosum.data.images.benchmarks import Whole
from zerosum.data.images.mnist_m import blended
from zerosum.data.request import Request
from zerosum.modality import Image

COUNT = 200


def coded(height: int, width: int) -> Tensor:
    """(3, height, width) whose first channels are the row and the column of each pixel."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns, torch.full((height, width), 7)]).to(torch.uint8)


def test_each_digit_is_told_from_a_patch_of_a_photograph_in_every_channel():
    digits = torch.randint(256, (COUNT, 1, 4, 5)).to(torch.uint8)
    made = blended(digits, [coded(9, 12)], "a")
    assert made.shape == (COUNT, 3, 4, 5) and made.dtype == torch.uint8
    places = blended(torch.zeros_like(digits), [coded(9, 12)], "a")  # patches alone
    top, left = places[:, 0, 0, 0], places[:, 1, 0, 0]
    patches = coded(4, 5)[None] + torch.stack([top, left, torch.zeros_like(top)], 1)[..., None, None]
    assert torch.equal(places[:, :2], patches[:, :2]) and (places[:, 2] == 7).all()
    assert torch.equal(made.int(), (places.int() - digits.int()).abs())
    assert set(top.tolist()) == set(range(6)) and set(left.tolist()) == set(range(8))  # all that fit


def test_photographs_are_drawn_evenly_and_grey_ones_are_colours():
    flat = [torch.full((1, 6, 8), 10 * k, dtype=torch.uint8) for k in range(4)]
    made = blended(torch.zeros(400, 1, 4, 4, dtype=torch.uint8), flat, "b")
    assert (made == made[:, :1, :1, :1]).all()
    assert (made[:, 0, 0, 0].bincount()[::10] - 100).abs().max() < 5 * 9


def test_a_key_decides_all():
    digits, photographs = torch.zeros(50, 1, 4, 4, dtype=torch.uint8), [coded(30, 30), coded(9, 9)]
    one, same, other = (blended(digits, photographs, key) for key in ("a", "a", "b"))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Black digits in place of MNIST, and ten flat photographs in place of BSD100."""

    def source(request: Request) -> object:
        count = 200 if request.option == "train" else 100
        x, y = torch.zeros(count, 1, 28, 28, dtype=torch.uint8), torch.arange(count) % 10
        return dataset(request.name, x, y, tuple("0123456789"))

    flat = [Whole(f"{k}.jpg", torch.full((3, 30, 40), k, dtype=torch.uint8)) for k in range(10)]
    monkeypatch.setattr(mnist_m, "MNIST", source)
    monkeypatch.setattr(mnist_m.benchmarks, "images", lambda name, data_dir: flat if name == "BSD100" else None)


def test_parts_have_digits_and_photographs_of_their_own(made: None):
    train, test = load("mnist-m"), load("mnist-m:test")
    assert (len(train), len(test)) == (200, 100) and train.modality == test.modality == Image(3, 28, 28)
    behind = [set(part.x[:, 0, 0, 0].tolist()) for part in (train, test)]
    assert behind == [{0, 1, 2, 3, 5, 6, 7, 8}, {4, 9}]
    assert train.classes == tuple("0123456789") and torch.equal(train.y, torch.arange(200) % 10)
    assert load("mnist-m", seed=5).fingerprint == train.fingerprint == load("mnist-m:train").fingerprint
    with pytest.raises(DataError, match="mnist-m has no part 'valid'"):
        load("mnist-m:valid")


def test_without_photographs_it_says_where_they_are_looked_for(
    made: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.undo()
    digits = load("digits")
    monkeypatch.setattr(mnist_m, "MNIST", lambda request: digits)
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match=r"the images of BSD100 are not here: put them as sr/BSD100.zip"):
        load("mnist-m")


@pytest.mark.skipif(
    not Path(os.environ.get("ZEROSUM_DATA", "nowhere"), "sr", "BSD100.zip").exists(), reason="BSD100 is not here"
)
def test_the_set_itself():
    test = load("mnist-m:test")
    assert len(test) == 10_000 and test.counts == load("mnist:test").counts
    assert 60 < float(test.x.float().mean()) < 140
