"""Twins: found in real data, left out of what they would falsify, and said."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import dataset
from zerosum.data.images.resize import resized
from zerosum.data.random_crops import with_crops
from zerosum.data.twins import equal, find
from zerosum.evaluation.distinct import without_twins
from zerosum.metrics import extractors
from zerosum.metrics.memorization import copying
from zerosum.metrics.metric import Context
from zerosum.metrics.samples import of_dataset
from zerosum.modality import Image, Points, Tokens
from zerosum.workflows.evaluate import evaluate


def pictures(count: int, seed: int = 0) -> Tensor:
    """Smooth images of 24 pixels, uint8, of about as much colour as photographs have."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 0.8 * torch.rand(count, 1, 6, 6, generator=generator) + 0.2 * torch.rand(
        count, 3, 1, 1, generator=generator
    )
    fine = torch.nn.functional.interpolate(coarse, (24, 24), mode="bilinear")
    return (255 * fine).to(torch.uint8)


def again_by_jpeg(image: Tensor) -> Tensor:
    buffer = io.BytesIO()
    Picture.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=90)
    return torch.from_numpy(np.array(Picture.open(buffer))).permute(2, 0, 1)


def test_equal_and_compressed_images_are_twins_and_others_are_not():
    x = pictures(300)
    x = torch.cat([x, x[7:8], again_by_jpeg(x[20])[None], again_by_jpeg(again_by_jpeg(x[20]))[None]])
    first = find(x, Image(3, 24, 24)).first
    assert first[300:].tolist() == [7, 20, 20]
    assert torch.equal(first[:300], torch.arange(300))
    assert [7, 300] in equal(x)


def test_points_are_twins_where_they_are_equal_and_texts_never():
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0001], [0.0, 1.0]])
    assert find(x, Points(2)).first.tolist() == [0, 1, 0]
    assert find(torch.tensor([[1, 2], [1, 2]]), Tokens(("a", "b", "c"), 2)).first.tolist() == [0, 1]


def test_images_that_thumbnails_cannot_tell_apart_cost_no_more():
    noise = (256 * torch.rand(400, 1, 128, 128, generator=torch.Generator().manual_seed(0))).to(torch.uint8)
    assert torch.equal(find(noise, Image(1, 128, 128)).first, torch.arange(400))


ODD = {  # images, and the first twin of each
    "none": (torch.empty(0, 1, 8, 8), []),
    "one": (torch.zeros(1, 1, 8, 8), [0]),
    "two equal": (torch.ones(2, 3, 8, 8), [0, 0]),
    "two of other brightness": (torch.tensor([10, 200]).view(2, 1, 1, 1).expand(2, 1, 8, 8), [0, 1]),
    "all equal": (torch.full((700, 1, 8, 8), 7), [0] * 700),
    "one pixel": (torch.tensor([0, 255, 0]).view(3, 1, 1, 1), [0, 1, 0]),
    "a row": (torch.tensor([0, 255, 0]).view(3, 1, 1, 1).expand(3, 1, 1, 40), [0, 1, 0]),
    "constant, one a little brighter": (
        torch.tensor([0, 200, 90, 201]).view(4, 1, 1, 1).expand(4, 3, 9, 9),
        [0, 1, 2, 1],
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_images(kind: str):
    x, first = ODD[kind]
    found = find(x.to(torch.uint8), Image(*x.shape[1:]))
    assert found.first.tolist() == first and not found.unsearched


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points_and_texts(count: int):
    assert find(torch.zeros(count, 3), Points(3)).first.tolist() == [0] * count
    assert find(torch.zeros(count, 3, dtype=torch.int64), Tokens(("a", "b"), 3)).first.tolist() == list(range(count))


def test_large_groups_of_near_twins_are_found():
    """1,500 frames of 10 still scenes with the noise of a camera: far more pairs than images."""
    scenes = pictures(10).float().repeat_interleave(150, 0)
    frames = scenes + 2 * torch.randn(scenes.shape, generator=torch.Generator().manual_seed(0))
    found = find(frames.clamp(0, 255).to(torch.uint8), Image(3, 24, 24))
    assert not found.unsearched and torch.equal(found.first, torch.arange(1500) // 150 * 150)


def test_where_near_twins_were_not_looked_for_the_evaluation_says_so(doubled: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zerosum.data.twins.SEARCHED", 100)
    made = evaluate(doubled / "copies.npz", str(doubled / "doubled.npz"), ["precision-recall"], extractor="pixels")
    assert any("near twins among the real samples were not looked for" in note for note in made.notes)
    assert made["precision-recall"].protocol.twins == 6  # equal ones


def test_the_first_of_the_order_stays_and_held_out_copies_go():
    """Rows 1 and 4 are equal, and held-out row 0 is row 2: one of the two stays, in no part of a split but one."""
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    x[4] = x[1]
    real, test = dataset("real", x, torch.arange(6) % 2, ("a", "b")), dataset("test", torch.stack([x[2], x[2] + 9]))
    pixels = extractors.find("pixels")
    order = torch.tensor([4, 0, 2, 1, 3, 5])
    side = of_dataset(real, pixels, chosen=order[:3])
    context = Context(side, side, 0, "cpu", (), real, of_dataset(real, pixels), test, None, None)
    found = without_twins(context, order, 3)
    assert (found.of_data, found.of_test, found.context.twins) == (1, 1, 2)
    assert found.unused.tolist() == [3, 5]  # 1 is the twin of 4, which is compared with
    assert found.context.real.count == 3 and len(found.context.data) == 5 and len(found.context.data.y) == 5
    assert found.context.training is not None and found.context.training.count == 5
    assert found.context.test is not None and torch.equal(found.context.test.x, test.x[1:])
    alone = replace(context, data=dataset("real", x[:4]), training=None, test=None)
    assert without_twins(alone, torch.arange(4), 2).context is alone


def test_exact_copies_are_seen_though_one_in_fifty_training_images_occurs_twice():
    train = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    twice = torch.cat([train, train[:20]])
    assert copying(twice, train[100:200]).copies == 1
    fresh = torch.randn(500, 4, generator=torch.Generator().manual_seed(1))
    assert copying(twice, fresh).copies == 0


@pytest.fixture
def doubled(tmp_path: Path) -> Path:
    """200 images, of which 6 are there twice, in a file with classes."""
    x = pictures(200)
    np.savez(tmp_path / "doubled.npz", samples=torch.cat([x, x[:6]]).numpy(), labels=np.arange(206) % 2)
    np.savez(tmp_path / "copies.npz", samples=x[50:120].numpy(), labels=np.arange(70) % 2)
    return tmp_path


def test_every_score_that_twins_touch_says_that_they_were_left_out(doubled: Path):
    names = ["memorization", "precision-recall", "two-sample:steps=5", "tstr:steps=2", "nearest-distance", "frechet"]
    made = evaluate(doubled / "copies.npz", str(doubled / "doubled.npz"), names, extractor="pixels")
    assert made["memorization"].scores["copies"].value == 1
    for name in ("memorization", "precision-recall", "two-sample", "tstr", "nearest-distance"):
        assert made[name].protocol.twins == 6, name
        assert all("6 twins left out" in score.note for score in made[name].scores.values()), name
    assert made["frechet"].protocol.twins == 0 and made["frechet"].protocol.real == 206
    assert made["precision-recall"].protocol.real == 200
    assert any("6 of 206 samples" in note and "left out of memorization" in note for note in made.notes)
    assert made["nearest-distance"].scores["distance"].references["real"] > 0


def test_real_data_are_said_to_be_as_many_as_are_left(doubled: Path):
    shared = (doubled / "copies.npz", str(doubled / "doubled.npz"))
    both, alone, all_of_them = (
        evaluate(*shared, names, extractor="pixels").references["real"]
        for names in (["frechet", "precision-recall"], ["precision-recall"], ["frechet"])
    )
    assert alone.endswith("against the other, 100 and 100 samples")
    assert all_of_them.endswith("against the other, 103 and 103 samples")
    assert both == f"{all_of_them}; where twins are left out, {alone}"


def test_samples_that_repeat_are_counted(doubled: Path):
    made = evaluate(doubled / "doubled.npz", str(doubled / "copies.npz"), ["precision-recall"], extractor="pixels")
    assert any(note.startswith("6 of the 206 samples repeat another") for note in made.notes)


def test_known_digits_have_no_twins():
    digits = data.load("digits")
    assert torch.equal(find(digits.x[:2000], digits.modality).first, torch.arange(2000))


@pytest.mark.parametrize("share", [0.1, 0.01, 0.99])
def test_twins_are_found_among_a_few_black_and_white_images(share: float) -> None:
    """Whose covariance has few ranks and many equal eigenvalues."""
    draw = torch.Generator().manual_seed(0)
    for count in range(2, 42):
        x = (torch.rand(count, 3, 8, 8, generator=draw) < share).to(torch.uint8) * 255
        x = torch.cat([x, x[:1]])
        assert find(x, Image(3, 8, 8)).first[-1] == 0


def test_images_that_crops_are_drawn_of_go_with_their_crops():
    x = pictures(6)
    x[4] = x[1]
    real = with_crops(dataset("real", x, files=tuple("abcdef")), (16, 16))
    side = of_dataset(real, extractors.find("pixels"))
    found = without_twins(Context(side, side, 0, "cpu", (), real, side, None, None, None), torch.arange(6), 6)
    own = found.context.data.fields["x"]
    rest = [0, 1, 2, 3, 5]
    assert own.whole is not None and torch.equal(own.whole, x[rest])
    assert torch.equal(own.stored, x[rest][:, :, 4:20, 4:20]) and found.context.data.files["all"] == tuple("abcdf")


def test_images_that_are_resized_have_no_crops_of_another_size():
    real = with_crops(dataset("real", pictures(3)), (16, 16))
    own = resized(real, (8, 8)).fields["x"]
    assert own.modality == Image(3, 8, 8) and own.stored.shape == (3, 3, 8, 8) and own.whole is None
