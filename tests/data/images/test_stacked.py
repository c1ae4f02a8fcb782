"""Stacked MNIST: three digits a picture, with known modes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum.data import DataError, load
from zerosum.data.dataset import Dataset, dataset
from zerosum.data.images import stacked
from zerosum.data.request import Request
from zerosum.modality import Image


@pytest.fixture
def ten(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Ten digits in place of MNIST, each a flat picture of ten times its class; and only 4,000 stacks of them."""
    y = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    x = (10 * y).to(torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28).contiguous()
    mnist = dataset("mnist", x, y, tuple("0123456789"))

    def source(request: Request) -> Dataset:
        assert request.name == "mnist"
        return mnist

    monkeypatch.setattr(stacked, "MNIST", source)
    monkeypatch.setattr(stacked, "IMAGES", 4_000)
    return mnist


def test_channels_are_digits_and_the_label_is_their_number(ten: Dataset) -> None:
    data = load("stacked-mnist")
    assert data.x.shape == (4_000, 3, 28, 28) and data.x.dtype == torch.uint8 and isinstance(data.modality, Image)
    assert (data.x == data.x[..., :1, :1]).all()
    digits = data.x[..., 0, 0].long() // 10  # (N, 3)
    assert torch.equal(data.y, digits @ torch.tensor([100, 10, 1]))
    assert data.classes[7] == "007" and len(data.classes) == 1000 and data.y.dtype == torch.int64


def test_digits_are_drawn_evenly_and_apart(ten: Dataset) -> None:
    digits = load("stacked-mnist").x[..., 0, 0].long() // 10
    for channel in range(3):  # 400 of each class in each channel; the standard deviation is 19
        assert (digits[:, channel].bincount(minlength=10) - 400).abs().max() < 5 * 19
    pairs = (digits[:, 0] * 10 + digits[:, 1]).bincount(minlength=100)  # 40 each, standard deviation 6.3
    assert (pairs - 40).abs().max() < 5 * 6.3


def test_the_seed_and_the_digits_decide(ten: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    one, again, other = load("stacked-mnist"), load("stacked-mnist"), load("stacked-mnist", seed=1)
    assert torch.equal(one.x, again.x) and one.fingerprint == again.fingerprint
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    less = dataset("mnist", ten.x[1:], ten.y[1:], ten.classes)
    monkeypatch.setattr(stacked, "MNIST", lambda request: less)
    assert load("stacked-mnist").fingerprint != one.fingerprint


def test_without_mnist_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(request: Request) -> Dataset:
        assert request.data_dir == tmp_path
        raise DataError("could not download train-images-idx3-ubyte.gz; check the connection")

    monkeypatch.setattr(stacked, "MNIST", offline)
    with pytest.raises(DataError, match="check the connection"):
        load("stacked-mnist", data_dir=tmp_path)
    with pytest.raises(DataError, match="stacked-mnist has no parts"):
        load("stacked-mnist:test")


def test_the_digit_network_reads_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the packaged digits: the label of a stack is the mode that the metric finds for it."""
    from zerosum.metrics import extractors, modes

    real = load("digits")
    monkeypatch.setattr(stacked, "MNIST", lambda request: real)
    monkeypatch.setattr(stacked, "IMAGES", 300)
    data = load("stacked-mnist")
    found, _ = modes.classify_stacked(data.x / 127.5 - 1, extractors.find("digits"))
    assert data.y is not None and float((found == data.y).double().mean()) > 0.97
