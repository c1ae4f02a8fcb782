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
from zerosum.data.twins import equal, twins
from zerosum.evaluation.distinct import without_twins
from zerosum.metrics.extractors import find
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
    first = twins(x, Image(3, 24, 24))
    assert first[300:].tolist() == [7, 20, 20]
    assert torch.equal(first[:300], torch.arange(300))
    assert [7, 300] in equal(x)


def test_points_are_twins_where_they_are_equal_and_texts_never():
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0001], [0.0, 1.0]])
    assert twins(x, Points(2)).tolist() == [0, 1, 0]
    assert twins(torch.tensor([[1, 2], [1, 2]]), Tokens(("a", "b", "c"), 2)).tolist() == [0, 1]


def test_images_that_thumbnails_cannot_tell_apart_cost_no_more():
    noise = (256 * torch.rand(400, 1, 128, 128, generator=torch.Generator().manual_seed(0))).to(torch.uint8)
    assert torch.equal(twins(noise, Image(1, 128, 128)), torch.arange(400))


def test_the_first_of_the_order_stays_and_held_out_copies_go():
    """Rows 1 and 4 are equal, and held-out row 0 is row 2: one of the two stays, in no part of a split but one."""
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    x[4] = x[1]
    real, test = dataset("real", x, torch.arange(6) % 2, ("a", "b")), dataset("test", torch.stack([x[2], x[2] + 9]))
    pixels = find("pixels")
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


def test_samples_that_repeat_are_counted(doubled: Path):
    made = evaluate(doubled / "doubled.npz", str(doubled / "copies.npz"), ["precision-recall"], extractor="pixels")
    assert any(note.startswith("6 of the 206 samples repeat another") for note in made.notes)


def test_known_digits_have_no_twins():
    digits = data.load("digits")
    assert torch.equal(twins(digits.x[:2000], digits.modality), torch.arange(2000))
