"""The data-copying test against SciPy, and on data whose verdict is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import scipy.stats
import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import dataset
from zerosum.metrics import extractors
from zerosum.metrics.memorization import Memorization, as_near, compare_distances, copying, distances
from zerosum.metrics.metric import Context
from zerosum.metrics.samples import of_dataset


def normal(n: int, seed: int, dim: int = 3) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("ties", [False, True])
def test_z_is_that_of_mann_and_whitney(ties: bool):
    a, b = normal(300, 0, 1)[:, 0], normal(200, 1, 1)[:, 0] + 0.2
    if ties:
        a, b = (4 * a).round(), (4 * b).round()
    z, farther, _ = compare_distances(a, b)
    u, p = scipy.stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic")
    assert farther == pytest.approx(u / (300 * 200), rel=1e-12)
    assert 2 * scipy.stats.norm.sf(abs(z)) == pytest.approx(p, rel=1e-9)
    assert z < 0  # a lies nearer


def test_copies_are_counted_below_the_first_percent():
    held_out = torch.arange(1, 201, dtype=torch.float64)  # 1 % of them, two, lie below 3
    assert compare_distances(torch.tensor([1.0, 2.9, 3.0, 50.0]), held_out).copies == 0.5
    assert compare_distances(held_out, held_out) == (0.0, 0.5, 0.01)


def test_copies_of_what_held_out_data_repeat_are_as_near():
    """As of texts: five of a hundred are at the smallest distance, below which there is nothing."""
    held_out = torch.tensor([1.0] * 5 + [2.0] * 95)
    fake = torch.tensor([1.0, 1.0, 1.0, 5.0])
    assert compare_distances(fake, held_out).copies == 0.75
    assert as_near(held_out, held_out) == pytest.approx(0.05)
    assert compare_distances(fake + 1, held_out).copies == 0


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_honest_samples_pass(leave_one_out: bool):
    train, fake, held_out = normal(1000, 0), normal(1000, 1), normal(1000, 2)
    z, farther, copies = copying(train, fake, None if leave_one_out else held_out)
    assert abs(z) < 3
    assert farther == pytest.approx(0.5, abs=0.04)
    assert copies < 0.025


def test_copies_with_a_little_noise_are_found():
    train = normal(1000, 0)
    z, farther, copies = copying(train, train + 0.001 * normal(1000, 1), normal(1000, 2))
    assert z < -30 and farther < 0.01 and copies > 0.9


def test_samples_off_the_data_lie_too_far():
    assert copying(normal(500, 0), 3 * normal(500, 1), normal(500, 2)).z > 10


def test_a_few_copies_among_good_samples_are_seen_where_ranks_see_nothing():
    train = normal(2000, 0)
    fake = torch.cat([normal(960, 1), train[:40]])
    z, _, copies = copying(train, fake, normal(2000, 2))
    assert z > -4
    assert copies > 0.04  # 40 copies in 1,000, and about 10 that come near by chance


def test_leave_one_out_asks_for_another_sample():
    """In a training set of pairs 0.1 apart each sample's distance is 0.1, not 0: fakes at 0.1 are no copies."""
    train = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    assert copying(train, torch.tensor([[0.2], [5.2]])).farther == pytest.approx(0.5)


def test_mirrored_copies_are_copies_where_training_mirrors():
    """By the metric, of a run of digits that flipped them and of one that did not."""
    real = dataset("digits", data.load("digits").x[:300])
    fakes = dataset("fakes", real.x[:60].flip(-1))
    pixels = extractors.find("pixels")
    scores = {}
    for flips in (True, False):
        run: Any = SimpleNamespace(record=SimpleNamespace(training=SimpleNamespace(flip=flips)))
        side = of_dataset(real, pixels)
        context = Context(side, of_dataset(fakes, pixels), 0, "cpu", (), real, side, None, None, run)
        metric = Memorization()
        scores[flips] = metric.measure(context)
        assert ("both orientations" in metric.held_out(context)) is flips
        assert all(("nearest of both orientations" in score.note) is flips for score in scores[flips].values())
    assert scores[True]["copies"].value == 1 and scores[True]["z"].value < -10
    assert scores[False]["copies"].value < 0.1


def test_a_held_out_training_sample_is_held_out_in_both_orientations():
    train, mirrored = torch.tensor([[0.0], [5.0]]), torch.tensor([[0.1], [4.0]])
    near, apart = distances(train, torch.tensor([[0.1], [5.0]]), None, mirrored)
    assert near.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert apart.tolist() == pytest.approx([4, 4.9], abs=1e-6)
    near, apart = distances(train, torch.tensor([[9.0]]), torch.tensor([[4.0]]), mirrored)
    assert (near.tolist(), apart.tolist()) == ([4.0], [0.0])


def test_no_distances_no_answer():
    with pytest.raises(ValueError, match="both sides"):
        compare_distances(torch.zeros(0), torch.zeros(3))


def test_all_equal_distances_say_nothing():
    assert compare_distances(torch.ones(5), torch.ones(7)).z == 0.0
