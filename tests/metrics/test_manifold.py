"""Precision, recall, density and coverage where they can be counted."""

from __future__ import annotations

import pytest
import torch
from test_scores import context, points
from torch import Tensor

from zerosum.metrics import neighbours
from zerosum.metrics.manifold import DensityCoverage, PrecisionRecall, all_four, density_coverage, precision_recall
from zerosum.metrics.metric import Metric


def line(*x: float) -> Tensor:
    return torch.tensor(x)[:, None]


def counted(real: Tensor, fake: Tensor, k: int) -> tuple[float, float, float, float]:
    """All four from their definitions, with every distance at hand."""

    def distances(a: Tensor, b: Tensor) -> Tensor:
        return (a.double()[:, None] - b.double()).square().sum(2).sqrt()

    def radii(x: Tensor) -> Tensor:
        return torch.stack(
            [row[torch.arange(len(x)) != i].sort().values[k - 1] for i, row in enumerate(distances(x, x))]
        )

    across = distances(real, fake)
    in_real, in_fake = across < radii(real)[:, None], across < radii(fake)
    precision, recall = in_real.any(0).double().mean(), in_fake.any(1).double().mean()
    density, coverage = in_real.sum().double() / (k * len(fake)), in_real.any(1).double().mean()
    return float(precision), float(recall), float(density), float(coverage)


def test_on_a_line():
    """Real balls (-1, 1), (0, 2), (1, 5), (3, 17) and fake ones (-0.5, 1.5), (0.5, 2.5), (1.5, 38.5), with k = 1."""
    real, fake = line(0, 1, 3, 10), line(0.5, 1.5, 20)
    assert precision_recall(real, fake, k=1) == (2 / 3, 4 / 4)
    assert density_coverage(real, fake, k=1) == ((2 + 2 + 0) / 3, 3 / 4)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("at_a_time", [1, 500, 4_000_000])
def test_as_counted_on_random_points(k: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neighbours, "_AT_A_TIME", at_a_time)
    real, fake = torch.randn(60, 3), 0.8 * torch.randn(45, 3) + 0.5
    expected = counted(real, fake, k)
    assert precision_recall(real, fake, k) == pytest.approx(expected[:2], abs=1e-15)
    assert density_coverage(real, fake, k) == pytest.approx(expected[2:], abs=1e-15)
    assert all(0.1 < share < 1 for share in expected[:2])


@pytest.mark.parametrize("k", [1, 3])
def test_as_counted_where_many_points_are_equal_and_many_lie_on_a_rim(k: int):
    real, fake = torch.randint(4, (60, 3)).float(), torch.randint(1, 5, (50, 3)).float()
    expected = counted(real, fake, k)
    assert precision_recall(real, fake, k) == pytest.approx(expected[:2], abs=1e-15)
    assert density_coverage(real, fake, k) == pytest.approx(expected[2:], abs=1e-15)
    assert 0 < expected[1] < 1


@pytest.mark.parametrize("dim", [2, 64, 1000])
def test_a_perfect_copy_scores_one(dim: int):
    x = torch.randn(80, dim) + 3
    order = torch.randperm(80)
    assert precision_recall(x, x[order]) == (1, 1)
    assert density_coverage(x, x[order]) == (1, 1)


def test_sets_far_apart_share_nothing():
    real, fake = torch.randn(30, 4), torch.randn(40, 4) + 100
    assert precision_recall(real, fake) == (0, 0)
    assert density_coverage(real, fake) == (0, 0)


def test_one_good_mode_is_precise_and_dense_but_recalls_and_covers_little():
    modes = torch.tensor([[-10.0, 0.0], [10.0, 0.0]])
    real = modes.repeat_interleave(100, 0) + torch.randn(200, 2)
    fake = modes[1] + 0.3 * torch.randn(200, 2)
    precision, recall = precision_recall(real, fake)
    density, coverage = density_coverage(real, fake)
    assert precision > 0.95 and density > 0.9
    assert recall < 0.4 and 0.1 < coverage < 0.5


def test_outliers_among_the_fakes_raise_recall_not_coverage():
    """A few far fakes have balls that hold all data; what motivated coverage."""
    real = torch.randn(200, 4)
    fake = torch.cat([torch.randn(196, 4) + 30, 60 * torch.randn(4, 4)])
    assert precision_recall(real, fake).recall > 0.9
    assert density_coverage(real, fake).coverage < 0.05


def test_all_four_at_once_are_the_two_and_two():
    real, fake = torch.randn(70, 3), 0.8 * torch.randn(50, 3) + 0.5
    assert all_four(real, fake, 4) == (precision_recall(real, fake, 4), density_coverage(real, fake, 4))


def test_the_sides_change_places():
    a, b = torch.randn(50, 3), torch.randn(70, 3) + 0.5
    assert precision_recall(a, b) == precision_recall(b, a)[::-1]


@pytest.mark.parametrize(("metric", "name"), [(PrecisionRecall(30), "recall"), (DensityCoverage(30), "coverage")])
def test_few_fakes_beside_many_reals_have_intervals(metric: Metric, name: str):
    """Subsets of a quarter would have 25 of a hundred fakes, which have no 30 neighbours."""
    score = metric.measure(context(points(5000, 0), points(100, 1)))[name]
    assert score.interval is not None and score.interval[0] < score.value < score.interval[1]


def test_too_few_samples_are_refused():
    x = torch.randn(10, 2)
    for real, fake in ((x, x[:3]), (x[:3], x)):
        with pytest.raises(ValueError, match="3 neighbours among 2"):
            precision_recall(real, fake)
    assert density_coverage(x, x[:1]).coverage <= 1  # only the reals need neighbours
    with pytest.raises(ValueError, match="5 neighbours among 4"):
        density_coverage(x[:5], x)
    with pytest.raises(ValueError, match=r"\(N, F\)"):
        density_coverage(x, torch.randn(10, 3))
