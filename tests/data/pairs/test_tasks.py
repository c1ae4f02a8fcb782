"""Pairs made from images: each task by its definition, by seed, by name, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.batches import Paired, Unpaired
from zerosum.data.dataset import ALL, DataError, dataset
from zerosum.data.pairs.tasks import TASKS, parse, spoiled, unpaired_task, with_task
from zerosum.data.sources import absolute, reads_files


@pytest.fixture
def photos() -> Tensor:
    return torch.randint(256, (6, 3, 20, 30), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("name", TASKS)
def test_shapes_and_repetition(name: str, photos: Tensor):
    """A row is spoiled alone as among others: by its place."""
    strength = TASKS[name].strength
    found = spoiled(photos, name, strength)
    assert found.dtype == torch.uint8 and found.shape == (6, 1 if TASKS[name].grey else 3, 20, 30)
    assert torch.equal(found[4:5], spoiled(photos[4:5], name, strength, first=4))
    assert not torch.equal(found, photos)


def test_noise_has_its_deviation():
    grey = torch.full((20, 1, 50, 50), 128, dtype=torch.uint8)
    found = spoiled(grey, "denoise", 25.0).float()
    assert float(found.std()) == pytest.approx(25, rel=0.02) and float(found.mean()) == pytest.approx(128, abs=0.5)
    assert not torch.equal(found[0], found[1])


def test_what_is_brighter_than_white_is_white_and_what_is_darker_than_black_black():
    for level in (0, 255):
        found = spoiled(torch.full((1, 1, 50, 50), level, dtype=torch.uint8), "denoise", 25.0)
        assert float((found == level).float().mean()) == pytest.approx(0.5, abs=0.05)
        assert int((found.int() - level).abs().max()) < 130


def test_a_hole_has_its_size_and_leaves_the_rest(photos: Tensor):
    found = spoiled(photos, "inpaint", 0.4)
    for before, after in zip(photos, found, strict=True):
        rows, columns = (after != before).any(0).nonzero().unbind(1)
        assert (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1) == (8, 12)
        assert (after[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] == 128).all()


def test_a_hole_may_be_anywhere_and_reaches_each_border():
    grey = torch.zeros(200, 1, 5, 7, dtype=torch.uint8)
    tops, lefts = set(), set()
    for image in spoiled(grey, "inpaint", 0.4):  # of 2x3 pixels
        rows, columns = image[0].nonzero().unbind(1)
        tops.add(int(rows.min()))
        lefts.add(int(columns.min()))
    assert tops == {0, 1, 2, 3} and lefts == {0, 1, 2, 3, 4}


def test_grey_is_bt_601s_luminance():
    x = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=torch.uint8).view(3, 3, 1, 1)
    assert spoiled(x, "colorize", 0.0).flatten().tolist() == [76, 150, 29]


def test_a_blur_keeps_flat_images_and_spreads_a_point_as_a_gaussian():
    flat = torch.full((1, 1, 9, 9), 77, dtype=torch.uint8)
    assert torch.equal(spoiled(flat, "deblur", 1.5), flat)
    x = torch.arange(-20.0, 21)
    point = torch.zeros(1, 3, 41, 41)
    point[..., 20, 20] = 1.0
    found = TASKS["deblur"].spoil(point, 2.0, [])[0, 1]
    assert float((found.sum(0) * x**2).sum()) == pytest.approx(4.0, rel=0.03)
    assert torch.allclose(found, found.T) and float(found.sum()) == pytest.approx(1)


def test_a_larger_image_of_few_pixels_is_smooth():
    x = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    x[..., ::2] = 255
    found = spoiled(x, "superres", 4.0).float()
    assert float(found.std()) < 12 and float(found.mean()) == pytest.approx(127.5, abs=4)


def test_a_scaled_down_image_has_the_mean_of_its_pixels():
    """A white column of four: one that is sampled without antialiasing would show none of it."""
    x = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    x[..., ::4] = 255
    for image in (x, x.mT):
        assert float(spoiled(image, "superres", 4.0).float().mean()) == pytest.approx(255 / 4, abs=6)


def test_edges_are_where_the_gradient_is():
    x = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    x[..., 4:] = 200
    found = spoiled(x, "edges", 0.15)
    assert set(found[0, 0].any(0).nonzero().flatten().tolist()) == {3, 4} and found.unique().tolist() == [0, 255]
    assert not spoiled(x, "edges", 0.9).any()
    assert torch.equal(spoiled(x.mT, "edges", 0.15), found.mT), "whatever its direction"
    slope = (10 * torch.arange(20)).to(torch.uint8).expand(1, 1, 20, 20)
    assert spoiled(slope, "edges", 0.078)[..., 5, 5] == 255 and not spoiled(slope, "edges", 0.079).any(), "80 of 1020"
    aslant = (slope // 2 + slope.mT // 2).contiguous()  # 40 in both directions
    assert spoiled(aslant, "edges", 0.055)[..., 5, 5] == 255 and not spoiled(aslant, "edges", 0.056).any()


def test_names_and_strengths():
    assert parse("denoise") == ("denoise", 25.0) and parse("superres@3") == ("superres", 3.0)
    assert parse("photos") is None and parse("noise@3") is None
    for wrong in ("denoise@", "denoise@many", "denoise@0", "denoise@nan", "inpaint@1.5", "invert@2"):
        with pytest.raises(DataError, match=f"{wrong}: "):
            parse(wrong)


def test_pairs_and_collections_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (9, 12, 14, 3), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    whole = data.load("x.npy")
    pairs = data.load("colorize:x.npy")
    assert torch.equal(pairs.fields["b"].stored, whole.x) and pairs.fields["a"].modality.shape == (1, 12, 14)
    assert data.Stream(pairs, 4, seed=0, batch=Paired)().a.shape == (4, 1, 12, 14)
    apart = data.load("unpaired:invert:x.npy")
    assert torch.equal(apart.fields["a"].stored, 255 - whole.x[::2])
    assert torch.equal(apart.fields["b"].stored, whole.x[1::2])
    assert data.Stream(apart, 4, seed=0, batch=Unpaired)().b.shape == (4, 3, 12, 14)
    assert pairs.fingerprint != apart.fingerprint != data.load("unpaired:colorize:x.npy").fingerprint
    assert absolute("unpaired:denoise@30:x.npy") == f"unpaired:denoise@30:{tmp_path / 'x.npy'}"
    assert absolute("denoise:digits") == "denoise:digits"
    assert reads_files("denoise:x.npy") and not reads_files("denoise:digits")
    assert data.load("denoise:x.npy", size=(8, 8)).fields["a"].modality.shape == (3, 8, 8)


def test_each_collection_has_the_names_of_its_own_images():
    x = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 4, 4).contiguous()
    whole = replace(dataset("five", x), files={ALL: tuple("vwxyz")})
    apart = unpaired_task(with_task(whole, "invert", 0.0, "invert:five"), "unpaired:invert:five")
    assert apart.files == {"a": ("v", "x", "z"), "b": ("w", "y")}
    assert apart.fields["b"].stored[:, 0, 0, 0].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("denoise:", "name the images"),
        ("denoise", "name the images"),
        ("unpaired:denoise", "name the images"),
        ("denoise:ring", "holds points"),
        ("denoise:denoise:digits", "holds images.*|a task is made from images"),
        ("denoise:nowhere", "no data called 'nowhere'"),
        ("densoise@4:digits", "did you mean 'denoise'"),
    ],
)
def test_what_is_refused(name: str, message: str):
    with pytest.raises(DataError, match=message):
        data.load(name)
