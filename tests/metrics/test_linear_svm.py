"""The linear support vector machine: it is LIBLINEAR's minimum."""

from __future__ import annotations

import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from zerosum.metrics.linear_svm import TOLERANCE, linear_svm


def clouds(count: int, classes: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    y = torch.randint(classes, (count,), generator=draw)
    x = torch.randn(count, 12, generator=draw) + 0.6 * torch.randn(classes, 12, generator=draw)[y]
    return x.double(), y


@pytest.mark.parametrize("cost", [1e-4, 1e-2, 1.0])
def test_it_is_the_minimum_that_liblinear_finds(cost: float) -> None:
    x, y = clouds(300, 4)
    ours = linear_svm(x, y, cost)
    theirs = LinearSVC(C=cost, dual=False, tol=1e-10, max_iter=100_000).fit(x.numpy(), y.numpy())
    scale = torch.from_numpy(theirs.coef_).abs().max()
    assert ours.gradient <= TOLERANCE
    assert torch.allclose(ours.weight / scale, torch.from_numpy(theirs.coef_) / scale, atol=2e-3)
    assert torch.allclose(ours.bias / scale, torch.from_numpy(theirs.intercept_) / scale, atol=2e-3)
    assert ours.accuracy(x, y) == pytest.approx(theirs.score(x.numpy(), y.numpy()), abs=0.01)


def test_what_hyperplanes_can_tell_apart_is_told_apart() -> None:
    x = torch.tensor([[0.0, 1.0], [0.1, 1.2], [1.0, 0.0], [1.1, 0.1], [-1.0, -1.0], [-1.2, -0.9]])
    y = torch.tensor([0, 0, 1, 1, 2, 2])
    machine = linear_svm(x, y, cost=100.0)
    assert machine.accuracy(x, y) == 1 and machine.predict(x).tolist() == y.tolist()
    assert machine.accuracy(x, (y + 1) % 3) == 0
    assert machine.weight.shape == (3, 2) and machine.bias.shape == (3,) and not machine.weight.requires_grad


def test_one_that_was_cut_off_says_so() -> None:
    x, y = clouds(100, 3)
    assert linear_svm(x, y, 1.0, iterations=2).gradient > TOLERANCE


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_features_that_tell_nothing_apart_have_weights_of_zero(value: float) -> None:
    machine = linear_svm(torch.full((4, 2), value), torch.tensor([0, 1, 0, 1]), 1.0)
    assert not machine.weight.any() and not machine.bias.any() and machine.gradient == 0


def test_a_caller_who_wants_no_gradients_gets_a_machine() -> None:
    x, y = clouds(50, 2)
    with torch.no_grad():
        assert linear_svm(x, y, 1.0).accuracy(x, y) > 0.6


@pytest.mark.parametrize(
    ("features", "y", "cost", "said"),
    [
        (torch.ones(3), torch.zeros(3, dtype=torch.int64), 1.0, "features"),
        (torch.ones(3, 2), torch.zeros(2, dtype=torch.int64), 1.0, "features"),
        (torch.ones(0, 2), torch.zeros(0, dtype=torch.int64), 1.0, "features"),
        (torch.tensor([[1.0], [torch.nan]]), torch.tensor([0, 1]), 1.0, "finite"),
        (torch.ones(2, 2), torch.tensor([0, -1]), 1.0, "from 0 up"),
        (torch.ones(2, 2), torch.tensor([0, 1]), 0.0, "above 0"),
    ],
)
def test_what_no_machine_learns_from_is_refused(features: Tensor, y: Tensor, cost: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        linear_svm(features, y, cost)
