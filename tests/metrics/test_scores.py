"""Metrics as an evaluation sees them: their scores, how wide their intervals are, when they do not fit."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from zerosum.data.dataset import dataset
from zerosum.data.points.mixture import ring
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.games import find as find_recipe
from zerosum.metrics import METRICS, extractors, find, intervals
from zerosum.metrics.discrimination import DiscriminatorAccuracy
from zerosum.metrics.extractors import Extractor, Features
from zerosum.metrics.frechet import Frechet
from zerosum.metrics.inception_score import InceptionScore
from zerosum.metrics.kernel import Kernel
from zerosum.metrics.manifold import DensityCoverage, PrecisionRecall, density_coverage, precision_recall
from zerosum.metrics.memorization import Memorization
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.modes import Modes
from zerosum.metrics.nearest_distance import NearestDistance
from zerosum.metrics.parzen import Parzen
from zerosum.metrics.path_length import PathLength, score_of
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.tstr import Tstr
from zerosum.modality import Points, Spec

TWO_PAIRS = Path(__file__).parents[1] / "support" / "two_pairs.py"
PIXELS = extractors.find("pixels")
SURE = Extractor("sure", "", "none", lambda x: Features(x.flatten(1), 50 * x.flatten(1)[:, :4]))


def points(n: int, seed: int, mean: float = 0.0, std: float = 1.0, dim: int = 4) -> Tensor:
    return mean + std * torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def context(
    real: Tensor, fake: Tensor, extractor: Extractor = PIXELS, y: Tensor | None = None, seed: int = 0
) -> Context:
    reference = dataset("real", real, y, tuple("abcdefgh") if y is not None else ())
    side, made = of_dataset(reference, extractor), of_dataset(dataset("fake", fake), extractor)
    return Context(
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
    scores = [metric.measure(context(real, points(200, 1 + i, 0.3, 1.3), seed=i))[name] for i in range(60)]
    values = torch.tensor([score.value for score in scores])
    intervals = torch.tensor([score.interval for score in scores])
    held = (intervals[:, 0] <= values.mean()) & (values.mean() <= intervals[:, 1])
    assert held.double().mean() >= 0.85
    assert (intervals[:, 0] <= values).all() and (values <= intervals[:, 1]).all()
    assert (intervals[:, 1] - intervals[:, 0]).mean() < 2 * (2 * 1.96 * values.std())


def test_the_shares_are_those_of_the_functions():
    real, fake = points(150, 0), points(130, 1, 0.4)
    both = {**PrecisionRecall().measure(context(real, fake)), **DensityCoverage().measure(context(real, fake))}
    expected = (*precision_recall(real, fake, 3), *density_coverage(real, fake, 5))
    assert [score.value for score in both.values()] == list(expected)


@pytest.mark.parametrize("metric", [Frechet(), DensityCoverage()])
def test_few_fakes_give_no_interval(metric: Metric):
    scores = metric.measure(context(points(30, 0), points(10, 1)))
    assert all(score.interval is None and "too few" in score.note for score in scores.values())


def test_intervals_stay_in_the_range_of_their_score():
    """One sample of many is far out, or one split is other than all: Student's t knows no range."""
    real, fakes = points(30, 0), points(30, 1)
    fakes[0] += 40
    spread = torch.cat([real[:1].expand(29, 4), fakes[:1]])
    kinds = torch.eye(4)[[0] * 10 + [0, 1, 2, 3] * 2 + [1, 2]]
    found = [
        NearestDistance().measure(context(real, spread))["distance"].interval,
        DensityCoverage().measure(context(real, torch.cat([real[:2], 99 + fakes[:28]])))["density"].interval,
        InceptionScore(splits=5).measure(context(real, kinds, SURE))["score"].interval,
        score_of(torch.cat([torch.zeros(30), torch.full((2,), 9.0)])).interval,
    ]
    lows = [0.0, 0.0, 1.0, 0.0]
    for interval, low in zip(found, lows, strict=True):
        assert interval is not None and low <= interval[0] < interval[1], found
    assert [interval[0] for interval in found[:3] if interval] == lows[:3]
    assert intervals.of_mean(torch.tensor([1.0, 1.0, 0.2]), 0.0, 1.0)[1] == 1.0
    assert intervals.of_mean(torch.tensor([0.0, 0.0, 0.2]), 0.0, 1.0)[0] == 0.0


@pytest.mark.parametrize("metric", [Frechet(), Kernel(subsets=5, subset_size=50)])
def test_heavy_tails_are_said_to_make_the_interval_too_narrow(metric: Metric):
    heavy, light = points(400, 1).mul(1.5).exp(), points(400, 1).exp().clamp(max=4)
    real = points(2000, 0)
    assert any("heavy tails, a kurtosis of about" in said for said in metric.warnings(context(real, heavy)))
    assert not any("heavy tails" in said for said in metric.warnings(context(real, light)))
    assert not any("heavy tails" in said for said in metric.warnings(context(real, heavy[:19])))


def test_subsets_shrink_with_the_samples_and_the_stamp_says_so():
    few = context(points(90, 0), points(60, 1))
    assert Kernel().adapt(few) == Kernel(subset_size=30)
    assert Kernel(subset_size=10).adapt(few) == Kernel(subset_size=10)
    assert "few" in Kernel().warnings(few)[0]
    assert Kernel().measure(few)["distance"].interval is not None


def test_the_inception_score_of_sure_answers_is_their_number():
    """Each of four classes in equal shares in every split: the score is 4, in every split."""
    fake = torch.eye(4).repeat(25, 1)
    scores = InceptionScore(splits=5).measure(context(points(20, 0), fake, SURE))
    assert scores["score"].value == pytest.approx(4, rel=1e-6)
    assert scores["score"].interval == pytest.approx((4, 4), rel=1e-6)
    assert "gives none" in InceptionScore().why_not(context(points(20, 0), points(20, 1)))
    assert "400" in InceptionScore().warnings(context(points(20, 0), fake, SURE))[0]


def test_parzen_of_one_image_repeated_is_a_gaussian_around_it():
    real, fake = torch.full((50, 1, 3, 3), 255, dtype=torch.uint8), torch.zeros(20, 1, 3, 3, dtype=torch.uint8)
    scores = Parzen().measure(context(real, fake))
    assert scores["sigma"].value == pytest.approx(1.0)  # the widest of all is the best: the distance is 1 a pixel
    assert scores["log-likelihood"].value == pytest.approx(9 * (-0.5 - 0.5 * math.log(2 * math.pi)), rel=1e-5)


def test_the_nearest_distance_of_copies_is_nothing():
    real = points(60, 0)
    assert NearestDistance().measure(context(real, real[:20]))["distance"].value == 0
    assert NearestDistance().measure(context(real, real[:20] + 1000))["distance"].value > 900_000


def test_modes_of_a_mixture():
    mixture = ring()
    real, fake = mixture.sample(500, torch.Generator().manual_seed(0)), mixture.means[:5].repeat(40, 1)
    measured = replace(context(real, fake), mixture=mixture)
    scores = Modes().measure(measured)
    assert scores["modes"].value == 5 and scores["high quality"].value == 1
    kl = scores["reverse KL"]
    assert kl.value == pytest.approx(math.log(8 / 5), rel=1e-6)
    assert kl.interval is not None and kl.interval[0] <= kl.value + 0.01 and kl.value - 0.01 <= kl.interval[1]
    assert not Modes().uses_features(measured)
    assert "modes are known" in Modes().why_not(context(real, fake))


def test_classes_are_matched_by_name():
    """Fakes whose classes are the reference's in another order teach as well."""
    x, y = ring().sample_labelled(600, torch.Generator().manual_seed(0))
    names = tuple("abcdefgh")
    made = dataset("fake", x.clone(), 7 - y, names[::-1])
    measured = replace(context(x, x, y=y), fake=of_dataset(made, PIXELS), classes=names[::-1])
    assert Tstr(steps=300).measure(measured)["accuracy"].value > 0.9
    assert "has no class 'z'" in Tstr().why_not(replace(measured, classes=("z",)))
    assert "needs real data with classes" in Tstr().why_not(replace(measured, data=measured.data.without_labels()))


class Trained(NamedTuple):
    """All that a metric reads of a run."""

    game: Game[Any]
    step: int = 3
    batch_size: int = 16

    def labels_for(self, count: int) -> Tensor | None:
        return None


def test_the_discriminator_and_paths_need_a_game_no_run_directory():
    """Batches come to the device of the game, whatever that of the extractor is."""
    x = ring().sample(200, torch.Generator().manual_seed(0))
    measured = replace(context(x, x), device="meta", run=Trained(find_recipe("gan/toy").build(Spec({"x": Points(2)}))))
    assert set(DiscriminatorAccuracy(samples=40).measure(measured)) == {"accuracy", "real", "fake", "order"}
    assert PathLength(paths=20).measure(measured)["length"].value > 0
    assert "needs a run" in DiscriminatorAccuracy().why_not(replace(measured, run=None))


def test_each_of_several_discriminators_is_measured():
    """Of two pairs the second discriminator is broken: its logits are all 0."""
    x = ring().sample(200, torch.Generator().manual_seed(0))
    game = find_recipe(f"{TWO_PAIRS}:ring").build(Spec({"x": Points(2)}))
    game.discriminators["b"].register_forward_hook(lambda module, inputs, logits: 0 * logits)
    scores = DiscriminatorAccuracy(samples=40).measure(replace(context(x, x), run=Trained(game)))
    assert list(scores) == [
        f"{name}, {player}" for player in ("d_a", "d_b") for name in ("accuracy", "real", "fake", "order")
    ]
    assert scores["order, d_b"].value == 0.5 and scores["real, d_b"].value == 0.0
    assert scores["order, d_a"].value != 0.5


def test_memorisation_needs_the_training_data():
    measured = context(points(50, 0), points(50, 1))
    assert "leave out --against" in Memorization().why_not(replace(measured, training=None))
    held_out = dataset("held out", points(40, 2))
    assert Memorization().held_out(replace(measured, test=held_out)) == f"40 samples of {held_out.fingerprint}"
    ours = Memorization().measure(replace(measured, test=held_out))["z"].value
    assert ours != Memorization().measure(measured)["z"].value


def test_every_metric_has_a_row_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert [name for name in METRICS if f"\n| `{name}`" not in page] == []


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_says_what_it_measures(name: str):
    metric = METRICS[name]
    assert metric.name == name and find(name) == metric
    assert metric.__doc__ and (metric.__doc__.rstrip().endswith(".") or ";" in metric.__doc__)


def test_settings_are_given_behind_a_colon():
    assert find("kernel:subsets=7,subset_size=30") == Kernel(7, 30)
    assert find("modes:within=2.5") == Modes(2.5)
    with pytest.raises(ZerosumError, match="kernel: subsets: should be a valid integer"):
        find("kernel:subsets=many")
