"""Two-sample tests: accuracies that are known, and p-values against SciPy."""

from __future__ import annotations

import pytest
import scipy.stats
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from zerosum.metrics.two_sample import classifier_test, neighbour_test, p_value


def normal(n: int, seed: int, mean: float = 0.0, dim: int = 4) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)) + mean


COUNTS = [(2, 2, 2), (1, 1, 2), (9, 4, 10), (60, 55, 100), (0, 0, 3), (5, 0, 5)]


@pytest.mark.parametrize(("real", "fake", "each"), COUNTS)
def test_the_p_value_is_that_of_fishers_exact_test(real: int, fake: int, each: int):
    """Of the table of sides and answers; at four test points it has steps of a sixth."""
    table = [[fake, each - fake], [each - real, real]]
    expected = scipy.stats.fisher_exact(table, alternative="greater").pvalue
    assert p_value(real, fake, each) == pytest.approx(expected, rel=1e-9)


def test_at_four_points_the_p_value_is_counted():
    """Two called fake of two real and two fake: of six ways to deal them one has both right, four have one."""
    assert p_value(2, 2, 2) == pytest.approx(1 / 6, rel=1e-12)
    assert p_value(1, 1, 2) == pytest.approx(5 / 6, rel=1e-12)


def test_the_network_guesses_where_the_sets_are_alike():
    accuracy, p = classifier_test(normal(1000, 0), normal(1000, 1), steps=300)
    assert accuracy == pytest.approx(0.5, abs=0.05)
    assert p > 0.01


def test_the_network_comes_near_the_best_possible_accuracy():
    """Means that are 2 apart along the diagonal of 4 dimensions: Phi(1) = 84 % is the most."""
    accuracy, p = classifier_test(normal(2000, 0), normal(2000, 1, mean=1.0), steps=600)
    assert accuracy == pytest.approx(scipy.stats.norm.cdf(1.0), abs=0.03)
    assert p < 1e-9


def test_features_of_any_scale_are_seen():
    """What tells the sides apart is a ten-thousandth of what does not."""
    scale = torch.tensor([1e-2, 1e2, 1e2, 1e2])
    real, fake = normal(600, 0), normal(600, 1)
    fake[:, 0] += 3
    accuracy, _ = classifier_test(scale * real, scale * fake, steps=300)
    assert accuracy > 0.85


def test_it_is_judged_on_samples_that_it_never_saw():
    """100 dimensions and 50 points a side: the network learns its half by heart, and must still guess."""
    accuracy, p = classifier_test(normal(100, 0, dim=100), normal(100, 1, dim=100), steps=300)
    assert abs(accuracy - 0.5) < 0.2
    assert p > 1e-4


def test_equal_seeds_give_equal_answers_and_disturb_nothing():
    real, fake = normal(80, 0), normal(80, 1, 0.5)
    state = torch.get_rng_state()
    first = classifier_test(real, fake, steps=50, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert classifier_test(real, fake, steps=50, seed=3) == first


def test_neighbours_are_those_of_scikit_learn():
    real, fake = normal(150, 0), normal(150, 1, 0.7)
    both = torch.cat([real, fake]).double().numpy()
    nearest = NearestNeighbors(n_neighbors=2).fit(both).kneighbors(both, return_distance=False)[:, 1]
    own = (nearest < 150) == (torch.arange(300).numpy() < 150)
    assert neighbour_test(real, fake) == pytest.approx((own.mean(), own[:150].mean(), own[150:].mean()), rel=1e-12)


def test_copies_make_neighbours_of_the_other_set():
    real = normal(100, 0)
    assert neighbour_test(real, real + 1e-4).accuracy == 0.0
    assert neighbour_test(real, real + 100) == (1.0, 1.0, 1.0)


def test_a_collapsed_generator_is_near_itself_only():
    """All fakes at one place of the data: each has a fake beside it, and the reals keep each other."""
    fake = normal(200, 0)[:1] + 1e-4 * normal(200, 1)
    _, real, own = neighbour_test(normal(200, 2), fake)
    assert own == 1.0
    assert real > 0.9


def test_the_larger_side_is_cut():
    real, fake = normal(60, 0), normal(40, 1)
    assert neighbour_test(real, fake) == neighbour_test(real[:40], fake)


@pytest.mark.parametrize("test", [classifier_test, neighbour_test])
def test_bad_features_are_refused(test):
    with pytest.raises(ValueError, match="at least 4"):
        test(normal(3, 0), normal(100, 1))
    with pytest.raises(ValueError, match=r"\(N, F\)"):
        test(normal(9, 0, dim=2), normal(9, 1, dim=3))
