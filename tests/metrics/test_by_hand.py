"""What scores and intervals are made of, against sums written out: who is counted, over what, and from which side."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from test_scores import SURE, context, points

from zerosum.batches import Labelled
from zerosum.data.dataset import dataset
from zerosum.metrics import extractors, intervals, probe
from zerosum.metrics.extractors import Extractor, Features
from zerosum.metrics.frechet import Frechet
from zerosum.metrics.inception_score import InceptionScore
from zerosum.metrics.kernel import Kernel, kernel, variance_over_fakes
from zerosum.metrics.manifold import DensityCoverage, PrecisionRecall
from zerosum.metrics.memorization import Memorization
from zerosum.metrics.modes import of_stacked
from zerosum.metrics.nearest_distance import nearest_distance
from zerosum.metrics.parzen import Parzen
from zerosum.metrics.path_length import score_of
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.tstr import Tstr, tstr


def test_the_inception_scores_error_is_that_of_a_mean_of_splits():
    """Splits of 1, 2, 4, 1 and 2 kinds score so much: mean 2, deviation sqrt(1.5) with four degrees of freedom."""
    kinds = [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 2, 3, 3, 3, 3, 3, 2, 3, 2, 3]
    score = InceptionScore(splits=5).measure(context(points(20, 0), torch.eye(4)[kinds], SURE))["score"]
    half = scipy.stats.t.ppf(0.975, 4) * math.sqrt(1.5 / 5)
    assert score.value == pytest.approx(2)
    assert score.interval == pytest.approx((max(1.0, 2 - half), 2 + half), rel=1e-2)  # no score is below 1


def test_shares_of_neighbours_are_worth_as_many_reals_as_their_variance_says():
    """400 reals, 800 fakes: three subsets of 250 fakes against 125 reals, whose shares have a variance of 0.01.

    Independent ones would have 0.25 / 125: five times less, so 400 reals are worth 80.
    """
    said = itertools.cycle([0.4, 0.5, 0.6])
    sizes = set()

    def statistic(real: torch.Tensor, fake: torch.Tensor) -> float:
        sizes.add((len(real), len(fake)))
        return next(said)

    found = intervals.of_neighbours(statistic, torch.zeros(400, 1), torch.zeros(800, 1), 0.45)
    assert sizes == {(125, 250)}
    assert found == pytest.approx(intervals.of_share(0.45, 80, intervals.student(30)), rel=1e-6)


def test_the_kernel_distances_variance_is_hoeffdings():
    """By sums over distinct fakes, of all six."""
    real, fake = points(9, 0).double(), points(6, 1, 0.5).double()

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        return (float(a @ b) / 4 + 1) ** 3

    a = [sum(k(y, x) for x in real) / 9 for y in fake]
    h = {(i, j): k(fake[i], fake[j]) - a[i] - a[j] for i, j in itertools.permutations(range(6), 2)}
    squares = np.mean([value**2 for value in h.values()])
    shared = np.mean([h[i, j] * h[i, m] for i, j, m in itertools.permutations(range(6), 3)])
    apart = np.mean([h[i, j] * h[m, n] for i, j, m, n in itertools.permutations(range(6), 4)])
    z1, z2 = max(0.0, shared - apart), max(0.0, squares - apart)
    assert variance_over_fakes(real, fake) == pytest.approx((4 * 4 * z1 + 2 * z2) / 30, rel=1e-9)


def test_the_kernel_distances_interval_adds_the_variance_of_its_subsets():
    measured = context(points(40, 0), points(40, 1, 0.5))
    distance = Kernel(subsets=11, subset_size=5).measure(measured)["distance"]
    mean, std = kernel(measured.real.features, measured.fake.features, 11, 5, 0)
    by_fakes, by_choice = variance_over_fakes(measured.real.features, measured.fake.features), std**2 / 10
    half = scipy.stats.t.ppf(0.975, 10 * (1 + by_fakes / by_choice) ** 2) * math.sqrt(by_fakes + by_choice)
    assert by_choice > by_fakes / 20
    assert distance.interval == pytest.approx((mean - half, mean + half), rel=2e-2)


def test_precision_is_a_share_of_fakes_and_density_a_mean_over_them():
    real, fake = points(150, 0), points(60, 1, 0.4)
    precision = PrecisionRecall().measure(context(real, fake))["precision"]
    assert precision.interval == pytest.approx(intervals.of_share(precision.value, 60))
    density = DensityCoverage(k=5).measure(context(real, fake))["density"]
    radii = torch.cdist(real.double(), real.double()).sort(1).values[:, 5]  # the first is itself
    held = (torch.cdist(fake.double(), real.double()) < radii).double().sum(1) / 5  # of each fake
    assert density.value == pytest.approx(float(held.mean()))
    assert density.interval == pytest.approx(intervals.of_mean(held), rel=1e-6)


def test_copies_of_training_data_that_is_not_compared_with_are_copies():
    """A thousand training samples, of which 50 are compared with; the fakes copy others."""
    train = points(1000, 0)
    measured = context(train[:50], train[500:600])
    whole = of_dataset(dataset("training", train), measured.real.extractor)
    assert Memorization().measure(replace(measured, training=whole))["copies"].value == 1


def test_stacked_digits_are_clear_where_all_three_are_sure():
    """A channel's grey level is the probability of its digit: 0.95 is sure, 0.8 and 0.6 are not."""

    def classify(x: torch.Tensor) -> Features:
        p = x[:, 0, 0, 0].double()
        return Features(x.flatten(1), torch.cat([p[:, None], ((1 - p) / 9)[:, None].expand(-1, 9)], 1).log())

    levels = torch.tensor([[0.95, 0.95, 0.95], [0.95, 0.8, 0.95], [0.95, 0.95, 0.6]])
    images = levels[:, :, None, None].expand(-1, -1, 28, 28)
    assert of_stacked(images, Extractor("digits", "", "none", classify)).high_quality == pytest.approx(1 / 3)


def test_the_nearest_distance_is_a_mean_over_the_values_of_a_sample():
    fake, real = torch.tensor([[3.0, 0.0, 0.0, 4.0]]), torch.tensor([[0.0, 0.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]])
    assert nearest_distance(fake, real).tolist() == [25 / 4]


def test_parzen_scores_other_images_than_those_that_chose_the_width():
    """The first two of ten are black, as the fakes are, and choose the least width; the white others are scored."""
    real = torch.full((10, 1, 3, 3), 255, dtype=torch.uint8)
    real[:2] = 0
    scores = Parzen().measure(context(real, torch.zeros(20, 1, 3, 3, dtype=torch.uint8)))
    assert scores["sigma"].value == pytest.approx(0.1)
    each = -0.5 / 0.1**2 - math.log(0.1) - 0.5 * math.log(2 * math.pi)
    assert scores["log-likelihood"].value == pytest.approx(9 * each, rel=1e-5)


def test_the_error_of_a_trimmed_mean_is_over_what_is_kept():
    """Of 1 to 1000 the 10th to the 991st are kept; without skew the interval is that of Tukey and McLaughlin."""
    pulled = np.clip(np.arange(1, 1001), 10, 991)
    half = scipy.stats.t.ppf(0.975, 999) * pulled.std(ddof=1) * math.sqrt(1000) / 982
    score = score_of(torch.arange(1.0, 1001.0))
    assert score.value == 500.5 and score.interval == pytest.approx((500.5 - half, 500.5 + half), rel=1e-4)


def test_classifiers_learn_from_equally_many_samples(monkeypatch: pytest.MonkeyPatch):
    learnt: list[int] = []
    monkeypatch.setattr(probe, "fit", lambda build, x, y, **_: learnt.append(len(x)))
    monkeypatch.setattr(probe, "mistakes", lambda *_: 5)
    few, many = (Labelled(torch.zeros(n, 2), torch.zeros(n, dtype=torch.int64)) for n in (30, 70))
    for fake, train in ((few, many), (many, few)):
        assert tstr(fake, train, many).trained_on == 30
    assert learnt == [30] * 4


def test_classifiers_are_tested_on_the_half_that_they_did_not_learn_from():
    x = torch.arange(40.0)[:, None]
    measured = context(x, x, extractors.find("pixels"), y=torch.zeros(40, dtype=torch.int64))
    train, test = Tstr()._real(measured)
    both: list[Any] = [*train.x.flatten().tolist(), *test.x.flatten().tolist()]
    assert len(train.y) == len(test.y) == 20 and sorted(both) == x.flatten().tolist()


def test_a_frechet_distance_is_not_below_0_and_neither_is_its_interval(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intervals, "jackknife", lambda value, without: (-1.0, 2.0))
    assert Frechet().measure(context(points(40, 0), points(40, 1)))["distance"].interval == (0.0, 2.0)
