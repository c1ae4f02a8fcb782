"""Samples in blocks: everything is computed once, and the same however it is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.metrics.extractors import Extractor, Features
from zerosum.metrics.intervals import GROUPS
from zerosum.metrics.samples import BLOCK, Samples, of_dataset
from zerosum.metrics.statistics import Moments
from zerosum.modality import Points, to_float

EXTRACTOR = Extractor("sum", "", "none", lambda x: Features(x.flatten(1)[:, :2] + 1, x.flatten(1)[:, :3]))


def made(count: int) -> tuple[Samples, list[str]]:
    """Points 0 ... count - 1 in blocks, and a list in which every pass over them is noted."""
    passes: list[str] = []
    points = torch.arange(count * 4.0).reshape(count, 4)

    def blocks() -> Iterator[Tensor]:
        passes.append("pass")
        yield from points.split(BLOCK)

    return Samples("them", count, Points(4), blocks, EXTRACTOR, torch.arange(count)), passes


def test_samples_and_features_are_made_once():
    samples, passes = made(2500)
    assert samples.stored.shape == (2500, 4) and samples.features.shape == (2500, 2)
    assert torch.equal(samples.features, samples.x[:, :2] + 1)
    assert samples.probabilities is not None and samples.probabilities.shape == (2500, 3)
    assert samples.moments[0].count == 250
    assert passes == ["pass"]


def test_moments_alone_keep_nothing():
    samples, passes = made(2500)
    whole = Moments.pooled(samples.moments)
    assert passes == ["pass"]
    assert samples._stored is None and samples._features is None
    reference = torch.arange(10_000.0, dtype=torch.float64).reshape(2500, 4)[:, :2] + 1
    torch.testing.assert_close(whole.mean, reference.mean(0))
    torch.testing.assert_close(whole.covariance, reference.T.cov())


@pytest.mark.parametrize("count", [3, 9, 10, 1001, 2500])
def test_groups_are_successive_equal_and_complete(count: int):
    counts = [moments.count for moments in made(count)[0].moments]
    assert sum(counts) == count and len(counts) == GROUPS
    assert max(counts) - min(counts) <= 1


def test_halves_share_what_is_known():
    samples, passes = made(1501)
    _ = samples.features
    first, second = samples.halves()
    assert (first.count, second.count) == (750, 751)
    assert torch.equal(torch.cat([first.features, second.features]), samples.features)
    assert passes == ["pass"]
    assert torch.equal(torch.cat([first.stored, second.stored]), samples.stored)
    assert first.labels is not None and first.labels.tolist() == list(range(750))


def test_a_data_set_in_any_order():
    digits = data.load("digits")
    chosen = torch.tensor([4999, 0, 17])
    side = of_dataset(digits, EXTRACTOR, chosen=chosen)
    assert torch.equal(side.stored, digits.x[chosen])
    assert side.labels is not None and side.labels.tolist() == [9, 0, 0]
    assert torch.equal(of_dataset(digits, EXTRACTOR).stored, digits.x)


def test_images_are_seen_as_in_training():
    digits = data.load("digits")
    batch = data.Stream(digits, 64, seed=0)()
    x = to_float(digits.x)
    assert x.min() == -1 and 1 - 1e-6 < x.max() <= 1
    assert all(any(torch.equal(image, other) for other in x) for image in batch[:3])
    assert torch.equal(to_float(torch.tensor([[0.1, 5.0]])), torch.tensor([[0.1, 5.0]]))


def test_progress_tells_of_each_block():
    told: list[tuple[str, int, int]] = []
    samples = of_dataset(data.load("digits"), EXTRACTOR, name="digits", progress=lambda *a: told.append(a))
    _ = samples.features
    assert told == [("features of digits", n, 5000) for n in range(1000, 5001, 1000)]
