"""Losses of discriminators that know classes, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses import semi_supervised
from zerosum.techniques.consistency import Guesses

N = 5  # classes
IMPLICIT, EXPLICIT = torch.randn(7, N, dtype=torch.float64) * 2, torch.randn(7, N + 1, dtype=torch.float64) * 2
Y = torch.tensor([0, 1, 2, 3, 4, 0, 1])


def probabilities(logits: Tensor) -> Tensor:
    """(B, N + 1) of the classes, the last that of fakes."""
    return F.softmax(logits if logits.shape[1] > N else F.pad(logits, (0, 1)), dim=1)


@pytest.mark.parametrize("logits", [IMPLICIT, EXPLICIT], ids=["implicit", "explicit"])
def test_the_source_is_the_sum_over_the_real_classes(logits: Tensor):
    """The sigmoid of its logit is p(y <= N | x): the sum over real classes is the D of two classes."""
    torch.testing.assert_close(semi_supervised.real_logit(logits, N).sigmoid(), probabilities(logits)[:, :N].sum(1))


@pytest.mark.parametrize("logits", [IMPLICIT, EXPLICIT], ids=["implicit", "explicit"])
def test_supervised_is_conditional_on_being_real(logits: Tensor):
    p = probabilities(logits)
    expected = -(p[torch.arange(7), Y] / p[:, :N].sum(1)).log().mean()
    torch.testing.assert_close(semi_supervised.supervised(logits, Y, N), expected)


def test_one_number_added_to_all_logits_changes_nothing():
    """Hence one of N + 1 logits may be fixed at 0."""
    moved = EXPLICIT + 3.0
    torch.testing.assert_close(semi_supervised.real_logit(moved, N), semi_supervised.real_logit(EXPLICIT, N))
    fixed = EXPLICIT[:, :N] - EXPLICIT[:, N:]
    torch.testing.assert_close(semi_supervised.real_logit(fixed, N), semi_supervised.real_logit(EXPLICIT, N))
    torch.testing.assert_close(semi_supervised.supervised(fixed, Y, N), semi_supervised.supervised(EXPLICIT, Y, N))


def test_conditional_entropy_lies_between_certainty_and_chance():
    sure = torch.full((3, N), -200.0)
    sure[:, 2] = 200.0
    assert semi_supervised.conditional_entropy(sure, N).item() == 0.0
    assert semi_supervised.conditional_entropy(torch.zeros(3, N), N).item() == pytest.approx(math.log(N))
    p = F.softmax(EXPLICIT[:, :N], dim=1)
    torch.testing.assert_close(semi_supervised.conditional_entropy(EXPLICIT, N), -(p * p.log()).sum(1).mean())


def test_agreement_counts_sure_guesses_alone_and_moves_the_view_alone():
    logits = torch.tensor([[4.0, 0.0], [0.2, 0.0], [0.0, 5.0]], requires_grad=True)
    view = torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.5, 1.5]], requires_grad=True)
    loss = semi_supervised.pseudo_label_loss(F.softmax(logits, 1), view, confidence=0.9)
    expected = (math.log(1 + math.e) + math.log(1 + math.exp(-1))) / 3
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert logits.grad is None
    assert view.grad is not None and view.grad[1].abs().sum() == 0 and view.grad[0].abs().sum() > 0


def test_agreement_at_a_confidence_of_zero_is_cross_entropy():
    torch.testing.assert_close(
        semi_supervised.pseudo_label_loss(probabilities(EXPLICIT)[:, :N], EXPLICIT, 0.0),
        F.cross_entropy(EXPLICIT[:, :N], EXPLICIT[:, :N].argmax(1)),
    )


def test_aligned_guesses_come_equally_often():
    p = F.softmax(torch.tensor([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [1.0, 0.5, 0.0]]), 1)
    frequencies = p.mean(0)
    better = semi_supervised.align_distribution(p, frequencies)
    torch.testing.assert_close(better.sum(1), torch.ones(3))
    assert (better.mean(0) - 1 / 3).abs().max() < 0.3 * (p.mean(0) - 1 / 3).abs().max()
    torch.testing.assert_close(semi_supervised.align_distribution(p, torch.full((3,), 1 / 3)), p)
    torch.testing.assert_close(semi_supervised.align_distribution(p, 2 * frequencies), better)


def test_guesses_remember_how_often_each_class_was_guessed():
    guesses, logits = Guesses(2), torch.tensor([[3.0, 0.0], [1.0, 0.0]])
    guesses(logits, logits, 0.5)
    expected = 0.99 * 0.5 + 0.01 * F.softmax(logits, 1).mean(0)
    torch.testing.assert_close(guesses.frequencies, expected)
    again = guesses(logits, logits, 0.0)
    p = semi_supervised.align_distribution(F.softmax(logits, 1), guesses.frequencies)
    torch.testing.assert_close(again, F.cross_entropy(logits, p.argmax(1)))


def test_pull_away_is_the_mean_squared_cosine_of_pairs():
    features = torch.randn(6, 4, dtype=torch.float64)
    pairs = [F.cosine_similarity(features[i], features[j], dim=0) ** 2 for i in range(6) for j in range(6) if i != j]
    torch.testing.assert_close(semi_supervised.pull_away(features), torch.stack(pairs).mean())
    assert semi_supervised.pull_away(torch.ones(4, 3)).item() == pytest.approx(1.0)
    assert semi_supervised.pull_away(torch.eye(4)).item() == 0.0


def test_low_density_is_of_those_above_the_threshold():
    log_density = torch.tensor([-5.0, -1.0, 2.0], requires_grad=True)
    loss = semi_supervised.low_density(log_density, torch.tensor(-2.0))
    assert loss.item() == pytest.approx((1.0 + 4.0) / 2)
    loss.backward()
    assert log_density.grad is not None and log_density.grad.tolist() == [0.0, 0.5, 0.5]
    assert semi_supervised.low_density(torch.tensor([-5.0, -4.0]), torch.tensor(-2.0)).item() == 0.0


@pytest.mark.parametrize("loss", [
    lambda x: semi_supervised.real_logit(x, N).sum(),
    lambda x: semi_supervised.supervised(x, Y, N),
    lambda x: semi_supervised.conditional_entropy(x, N),
    lambda x: semi_supervised.pseudo_label_loss(probabilities(IMPLICIT)[:, :N], x, 0.3),
    lambda x: semi_supervised.pull_away(x),
])  # fmt: skip
def test_gradients(loss):
    assert torch.autograd.gradcheck(loss, EXPLICIT.clone().requires_grad_())


def test_half_precision_is_raised():
    half = IMPLICIT.to(torch.bfloat16)
    for value in (
        semi_supervised.real_logit(half, N),
        semi_supervised.supervised(half, Y, N),
        semi_supervised.conditional_entropy(half, N),
        semi_supervised.pseudo_label_loss(half.softmax(1), half, 0.1),
        semi_supervised.pull_away(half),
    ):
        assert value.dtype == torch.float32
