"""The Inception score of answers for which it is known."""

from __future__ import annotations

import math

import pytest
import torch

from zerosum.metrics.inception_score import inception_score

D = torch.float64


def test_it_goes_from_one_to_the_number_of_classes():
    undecided = torch.full((40, 8), 1 / 8)
    collapsed = torch.eye(8)[[3] * 40]
    sure_and_varied = torch.eye(8).repeat(5, 1)
    assert inception_score(undecided, 5) == pytest.approx((1, 0), abs=1e-12)
    assert inception_score(collapsed, 5) == pytest.approx((1, 0), abs=1e-12)
    assert inception_score(sure_and_varied, 5) == pytest.approx((8, 0), rel=1e-12)


def test_sure_answers_score_the_exponential_of_their_entropy():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    entropy = -sum(p * math.log(p) for p in (0.6, 0.3, 0.1))
    assert inception_score(torch.eye(4)[labels], splits=1).mean == pytest.approx(math.exp(entropy), rel=1e-7)


def test_two_kinds_of_unsure_answers():
    p = torch.tensor([[0.9, 0.1], [0.1, 0.9]], dtype=D).repeat(10, 1)
    divergence = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert inception_score(p, 10) == pytest.approx((math.exp(divergence), 0), rel=1e-12, abs=1e-12)


def test_splits_are_scored_apart_as_the_rows_come():
    """Seven rows in two splits are three and four; a split of one kind scores 1."""
    p = torch.eye(2)[[0, 0, 0, 0, 0, 1, 1]]
    assert inception_score(p, 2) == pytest.approx((1.5, 0.5), rel=1e-12)
    assert inception_score(p[[0, 1, 5, 2, 3, 4, 6]], 2).mean == pytest.approx(
        (
            math.exp(-(2 * math.log(2 / 3) + math.log(1 / 3)) / 3)
            + math.exp(-(3 * math.log(3 / 4) + math.log(1 / 4)) / 4)
        )
        / 2,
        rel=1e-7,
    )


def test_what_are_no_distributions_is_refused():
    good = torch.full((4, 2), 0.5)
    for wrong in (good * 2, torch.tensor([[1.5, -0.5]] * 4), good * torch.nan, torch.randn(4, 2)):
        with pytest.raises(ValueError, match="sum to 1"):
            inception_score(wrong, 2)
    for splits in (0, 5):
        with pytest.raises(ValueError, match=f"{splits} splits"):
            inception_score(good, splits)
    with pytest.raises(ValueError, match=r"\(N, K\)"):
        inception_score(good[0], 1)
