"""MMD^2 of Gaussian kernels, by hand and near equal distributions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from zerosum.losses.discrepancy import discrepancy
from zerosum.util.checks import ArgumentError


def k(distance: float, *widths: float) -> float:
    return sum(math.exp(-(distance**2) / (2 * s**2)) for s in widths) / len(widths)


def test_by_hand():
    real, fake = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [5.0], [5.0]])
    widths = (0.5, 3.0)
    within = k(1, *widths) + (2 * k(2, *widths) + k(0, *widths)) / 3
    between = sum(k(abs(x - y), *widths) for x in (0, 1) for y in (3, 5, 5)) / 6
    expected = pytest.approx(within - 2 * between, rel=1e-5)
    assert float(discrepancy(real, fake, 1.0, widths)) == expected
    assert float(discrepancy(10 * real, 10 * fake, 10.0, widths)) == expected, "scale is that of the vectors"


def test_it_is_about_nothing_of_one_distribution_and_not_of_two():
    torch.manual_seed(0)
    same = torch.stack([discrepancy(torch.randn(20, 3), torch.randn(30, 3)) for _ in range(300)])
    assert abs(float(same.mean())) < 3 * float(same.std()) / 300**0.5
    below = float((same < 0).float().mean())
    assert 0.5 < below < 0.8 and float(same.max()) > -1.5 * float(same.min()), "below 0 more often, above 0 farther"
    assert float(discrepancy(torch.randn(300, 3), 0.5 * torch.randn(300, 3))) > 0.01, "of equal means"
    assert float(discrepancy(torch.zeros(5, 2), torch.full((5, 2), 1e3))) == pytest.approx(2)


def test_the_gradient_brings_fakes_to_the_data():
    torch.manual_seed(0)
    real, fake = torch.randn(60, 2) + 2, torch.randn(60, 2).requires_grad_()
    with torch.no_grad():
        mean = fake.mean(0).clone()
    (slope,) = torch.autograd.grad(discrepancy(real, fake), fake)
    assert ((mean - slope.sum(0)) > mean).all()


@pytest.mark.parametrize(("change", "message"), [
    ({"real": torch.zeros(1, 2)}, "two vectors of each are needed, not 1 real and 3 fake"),
    ({"fake": torch.zeros(3, 4)}, r"fake must have the shape \(M, 2\)"),
    ({"real": torch.zeros(3)}, r"real must have the shape \(B, F\)"),
    ({"fake": torch.zeros(3, 2, dtype=torch.int64)}, "fake must be a tensor of floating-point numbers"),
    ({"scale": 0.0}, "scale and bandwidths must be positive"),
    ({"bandwidths": (1.0, -1.0)}, "scale and bandwidths must be positive"),
    ({"bandwidths": ()}, "scale and bandwidths must be positive"),
])  # fmt: skip
def test_what_is_refused(change: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        discrepancy(**{"real": torch.zeros(2, 2), "fake": torch.zeros(3, 2), **change})
