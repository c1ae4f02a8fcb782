"""Metrics as an evaluation sees them: their figures, how wide their intervals are, when they do not fit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zerosum.data.dataset import dataset
from zerosum.data.points.mixture import ring
from zerosum.errors import ZerosumError
from zerosum.metrics import extractors, manifold, table
from zerosum.metrics.by_features import DensityCoverage, Frechet, InceptionScore, Kernel, Memorization, PrecisionRecall
from zerosum.metrics.by_samples import Modes, NearestDistance, Parzen, Tstr
from zerosum.metrics.extractors import Extractor, Features
from zerosum.metrics.metric import Bench, Metric
from zerosum.metrics.samples import of_dataset

PIXELS = extractors.find("pixels")
SURE = Extractor("sure", "", "none", lambda x: Features(x.flatten(1), 50 * x.flatten(1)[:, :4]))


def points(n: int, seed: int, mean: float = 0.0, std: float = 1.0, dim: int = 4) -> Tensor:
    return mean + std * torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def bench(real: Tensor, fake: Tensor, extractor: Extractor = PIXELS, y: Tensor | None = None, seed: int = 0) -> Bench:
    reference = dataset("real", real, y, tuple("abcdefgh") if y is not None else ())
    side, made = of_dataset(reference, extractor), of_dataset(dataset("fake", fake), extractor)
    return Bench(
        real=side,
        fake=made,
        seed=seed,
        device="cpu",
        classes=(),
        data=reference,
        training=side,
        test=None,
        mixture=None,
        run=None,
    )


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (Frechet(), "distance"),
        (Kernel(subsets=20, subset_size=50), "distance"),
        (PrecisionRecall(), "precision"),
        (PrecisionRecall(), "recall"),
        (DensityCoverage(), "density"),
        (DensityCoverage(), "coverage"),
    ],
)
def test_intervals_hold_the_mean_over_many_draws_of_fakes(metric: Metric, name: str):
    """At least 85 % of the intervals of 60 draws, and they are not much wider than the draws are."""
    real = points(200, 0)
    figures = [metric.measure(bench(real, points(200, 1 + i, 0.3, 1.3), seed=i))[name] for i in range(60)]
    values = torch.tensor([figure.value for figure in figures])
    intervals = torch.tensor([figure.interval for figure in figures])
    held = (intervals[:, 0] <= values.mean()) & (values.mean() <= intervals[:, 1])
    assert held.double().mean() >= 0.85
    assert (intervals[:, 0] <= values).all() and (values <= intervals[:, 1]).all()
    assert (intervals[:, 1] - intervals[:, 0]).mean() < 2 * (2 * 1.96 * values.std())


def test_the_shares_are_those_of_the_functions():
    real, fake = points(150, 0), points(130, 1, 0.4)
    both = {**PrecisionRecall().measure(bench(real, fake)), **DensityCoverage().measure(bench(real, fake))}
    expected = (*manifold.precision_recall(real, fake, 3), *manifold.density_coverage(real, fake, 5))
    assert [figure.value for figure in both.values()] == list(expected)


@pytest.mark.parametrize("metric", [Frechet(), DensityCoverage()])
def test_few_fakes_give_no_interval(metric: Metric):
    figures = metric.measure(bench(points(30, 0), points(10, 1)))
    assert all(figure.interval is None and "too few" in figure.note for figure in figures.values())


def test_subsets_shrink_with_the_samples_and_the_stamp_says_so():
    few = bench(points(90, 0), points(60, 1))
    assert Kernel().adapted(few) == Kernel(subset_size=30)
    assert Kernel(subset_size=10).adapted(few) == Kernel(subset_size=10)
    assert "few" in Kernel().warnings(few)[0]
    assert Kernel().measure(few)["distance"].interval is not None


def test_the_inception_score_of_sure_answers_is_their_number():
    """Each of four classes in equal shares in every split: the score is 4, in every split."""
    fake = torch.eye(4).repeat(25, 1)
    figures = InceptionScore(splits=5).measure(bench(points(20, 0), fake, SURE))
    assert figures["score"].value == pytest.approx(4, rel=1e-6)
    assert figures["score"].interval == pytest.approx((4, 4), rel=1e-6)
    assert "gives none" in InceptionScore().unfit(bench(points(20, 0), points(20, 1)))
    assert "400" in InceptionScore().warnings(bench(points(20, 0), fake, SURE))[0]


def test_parzen_of_one_image_repeated_is_a_gaussian_around_it():
    real, fake = torch.full((50, 1, 3, 3), 255, dtype=torch.uint8), torch.zeros(20, 1, 3, 3, dtype=torch.uint8)
    figures = Parzen().measure(bench(real, fake))
    assert figures["sigma"].value == pytest.approx(1.0)  # the widest of all is the best: the distance is 1 a pixel
    assert figures["log-likelihood"].value == pytest.approx(9 * (-0.5 - 0.5 * math.log(2 * math.pi)), rel=1e-5)


def test_the_nearest_distance_of_copies_is_nothing():
    real = points(60, 0)
    assert NearestDistance().measure(bench(real, real[:20]))["distance"].value == 0
    assert NearestDistance().measure(bench(real, real[:20] + 1000))["distance"].value > 900_000


def test_modes_of_a_mixture():
    mixture = ring()
    real, fake = mixture.sample(500, torch.Generator().manual_seed(0)), mixture.means[:5].repeat(40, 1)
    judged = replace(bench(real, fake), mixture=mixture)
    figures = Modes().measure(judged)
    assert figures["modes"].value == 5 and figures["high quality"].value == 1
    kl = figures["reverse KL"]
    assert kl.value == pytest.approx(math.log(8 / 5), rel=1e-6)
    assert kl.interval is not None and kl.interval[0] <= kl.value + 0.01 and kl.value - 0.01 <= kl.interval[1]
    assert not Modes().uses_features(judged)
    assert "modes are known" in Modes().unfit(bench(real, fake))


def test_classes_are_matched_by_name():
    """Fakes whose classes are the reference's in another order teach as well."""
    x, y = ring().sample_labelled(600, torch.Generator().manual_seed(0))
    names = tuple("abcdefgh")
    made = dataset("fake", x.clone(), 7 - y, names[::-1])
    judged = replace(bench(x, x, y=y), fake=of_dataset(made, PIXELS), classes=names[::-1])
    assert Tstr(steps=300).measure(judged)["accuracy"].value > 0.9
    assert "has no class 'z'" in Tstr().unfit(replace(judged, classes=("z",)))
    assert "needs real data with classes" in Tstr().unfit(replace(judged, data=judged.data.without_labels()))


def test_memorisation_needs_the_training_data():
    judged = bench(points(50, 0), points(50, 1))
    assert "leave out --against" in Memorization().unfit(replace(judged, training=None))
    held_out = dataset("held out", points(40, 2))
    assert Memorization().held_out(replace(judged, test=held_out)) == f"40 samples of {held_out.fingerprint}"
    ours = Memorization().measure(replace(judged, test=held_out))["z"].value
    assert ours != Memorization().measure(judged)["z"].value


@pytest.mark.parametrize("name", list(table.METRICS))
def test_every_metric_says_what_it_measures(name: str):
    metric = table.METRICS[name]
    assert metric.name == name and table.find(name) == metric
    assert metric.__doc__ and (metric.__doc__.rstrip().endswith(".") or ";" in metric.__doc__)


def test_settings_are_given_behind_a_colon():
    assert table.find("kernel:subsets=7,subset_size=30") == Kernel(7, 30)
    assert table.find("modes:within=2.5") == Modes(2.5)
    with pytest.raises(ZerosumError, match="kernel: subsets: should be a valid integer"):
        table.find("kernel:subsets=many")
