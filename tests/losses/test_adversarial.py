"""Every objective against numbers worked out by hand, and its gradient against finite differences."""

from __future__ import annotations

import inspect
import math
from typing import get_args

import pytest
import torch
from torch import Tensor

import zerosum.losses
from zerosum.losses import adversarial, penalties
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName

LOG2, LOG3, LOG4, LOG5 = (math.log(n) for n in (2, 3, 4, 5))
# Logits whose sigmoids are simple: log 3 -> 3/4, -log 4 -> 1/5, 0 -> 1/2, -log 3 -> 1/4.
REAL = torch.tensor([[LOG3], [-LOG4]], dtype=torch.float64)
FAKE = torch.tensor([[0.0], [-LOG3]], dtype=torch.float64)

CROSS_ENTROPY = -(math.log(3 / 4) + math.log(1 / 5)) / 2 - (math.log(1 / 2) + math.log(3 / 4)) / 2
D_LOSS = {
    "minimax": CROSS_ENTROPY,
    "non-saturating": CROSS_ENTROPY,
    "least-squares": ((LOG3 - 1) ** 2 + (LOG4 + 1) ** 2 + 0 + LOG3**2) / 4,
    "wasserstein": -LOG3 / 2 - (LOG3 - LOG4) / 2,
    "hinge": (0 + 1 + LOG4) / 2 + (1 + 0) / 2,  # log 3 > 1 and -log 3 < -1 are beyond the margins
    "relativistic": (math.log(1 + 1 / 3) + math.log(1 + 4 / 3)) / 2,  # margins log 3 and log 3 - log 4
}
G_LOSS = {
    "minimax": (math.log(1 / 2) + math.log(3 / 4)) / 2,
    "non-saturating": -(math.log(1 / 2) + math.log(1 / 4)) / 2,
    "least-squares": (1 + (LOG3 + 1) ** 2) / 4,
    "wasserstein": LOG3 / 2,
    "hinge": LOG3 / 2,
    "relativistic": (math.log(1 + 3) + math.log(1 + 3 / 4)) / 2,
}
NAMES = list(OBJECTIVES)
WITH_LABELS = ["minimax", "non-saturating", "least-squares", "relativistic"]


def test_every_objective_has_its_numbers_here():
    assert set(D_LOSS) == set(G_LOSS) == set(OBJECTIVES)


def test_options_and_tables_name_the_same_losses():
    assert get_args(get_args(ObjectiveName)[0]) == tuple(OBJECTIVES)
    assert get_args(penalties.PenaltyName) == tuple(penalties.PENALTIES)


@pytest.mark.parametrize("name", NAMES)
def test_both_losses_are_public_functions_with_a_docstring_to_read(name: str):
    objective = OBJECTIVES[name]
    assert getattr(zerosum.losses, name.replace("-", "_")) is objective
    for loss in (objective.d_loss, objective.g_loss):
        assert getattr(adversarial, loss.__name__) is loss and not loss.__name__.startswith("_")
        documented = inspect.getdoc(loss)
        assert all(part in documented for part in ("et al., 20", "Args:", "Returns:"))
        assert set(inspect.signature(loss).parameters) <= {"real_logits", "fake_logits", "targets"}


def test_the_relativistic_objective_alone_pairs_real_samples_with_fakes():
    assert [name for name, objective in OBJECTIVES.items() if objective.paired] == ["relativistic"]
    for name, objective in OBJECTIVES.items():
        if not objective.paired:
            assert torch.equal(objective.g(FAKE), objective.g(FAKE, REAL)), name


def test_losses_add_up_from_the_package():
    """The line of the README: an objective and a penalty from `zerosum.losses` alone."""
    d = torch.nn.Linear(2, 1)
    x, y = torch.ones(3, 2), torch.zeros(3, 2)
    loss = zerosum.losses.relativistic.d(d(x), d(y)) + 0.5 * zerosum.losses.penalties.r1(d, x)
    r1 = d.weight.square().sum() / 2
    torch.testing.assert_close(loss, torch.nn.functional.softplus(d(y) - d(x)).mean() + 0.5 * r1)


@pytest.mark.parametrize("name", NAMES)
def test_values(name: str):
    objective = OBJECTIVES[name]
    assert objective.d(REAL, FAKE).item() == pytest.approx(D_LOSS[name], rel=1e-12)
    assert objective.g(FAKE, REAL).item() == pytest.approx(G_LOSS[name], rel=1e-12)
    assert objective.d(REAL[:, 0], FAKE[:, 0]).item() == pytest.approx(D_LOSS[name], rel=1e-12)  # (B,) as (B, 1)
    assert objective.g(FAKE[:, 0], REAL[:, 0]).item() == pytest.approx(G_LOSS[name], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients(name: str):
    objective = OBJECTIVES[name]
    real = REAL.clone().requires_grad_()
    fake = FAKE.clone().requires_grad_()
    assert torch.autograd.gradcheck(objective.d, (real, fake))
    assert torch.autograd.gradcheck(lambda fake: objective.g(fake, REAL), (fake,))
    assert torch.autograd.gradgradcheck(objective.d, (real, fake))
    assert torch.autograd.gradgradcheck(lambda fake: objective.g(fake, REAL), (fake,))


@pytest.mark.parametrize("name", NAMES)
def test_d_rises_on_real_and_falls_on_fakes_while_g_raises_its_fakes(name: str):
    real, fake = torch.tensor([0.3], requires_grad=True), torch.tensor([0.2], requires_grad=True)
    on_real, on_fake = torch.autograd.grad(OBJECTIVES[name].d(real, fake), (real, fake))
    (for_g,) = torch.autograd.grad(OBJECTIVES[name].g(fake, real), fake)
    assert on_real < 0 < on_fake and for_g < 0  # each descends its gradient


@pytest.mark.parametrize("logit", [-20.0, -5.0, 0.0, 5.0, 20.0])
def test_only_the_minimax_generator_saturates_where_d_is_sure(logit: float):
    """d/dx log(1 - sigmoid(x)) = -sigmoid(x), and d/dx -log sigmoid(x) = -(1 - sigmoid(x))."""
    x = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    sigmoid = 1 / (1 + math.exp(-logit))
    (saturating,) = torch.autograd.grad(OBJECTIVES["minimax"].g(x), x)
    (strong,) = torch.autograd.grad(OBJECTIVES["non-saturating"].g(x), x)
    assert saturating.item() == pytest.approx(-sigmoid, rel=1e-9)
    assert strong.item() == pytest.approx(-1 / (1 + math.exp(logit)), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_logits_stay_finite(name: str, size: float):
    real = torch.tensor([size, -size], requires_grad=True)
    fake = torch.tensor([-size, size], requires_grad=True)
    for loss in (OBJECTIVES[name].d(real, fake), OBJECTIVES[name].g(fake, real)):
        gradients = torch.autograd.grad(loss, (real, fake), allow_unused=True)
        assert loss.isfinite() and all(g.isfinite().all() for g in gradients if g is not None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_raised_first(name: str, dtype: torch.dtype):
    """bf16 has 8 bits: 256 values of 1.0 and 256 of 1.0078125 have a mean that only float32 can tell from either."""
    real = torch.tensor([1.0, 1.0078125], dtype=dtype).repeat(256)
    fake = torch.tensor([-1.0, -1.0078125], dtype=dtype).repeat(256)
    for half, full in (
        (OBJECTIVES[name].d(real, fake), OBJECTIVES[name].d(real.float(), fake.float())),
        (OBJECTIVES[name].g(fake, real), OBJECTIVES[name].g(fake.float(), real.float())),
    ):
        assert half.dtype == torch.float32 and torch.equal(half, full)
    assert OBJECTIVES[name].d(REAL, FAKE).dtype == torch.float64


def cross_entropy(logit: Tensor, target: float) -> Tensor:
    return -(target * logit.sigmoid().log() + (1 - target) * (-logit).sigmoid().log()).mean()


@pytest.mark.parametrize("targets", [LabelSmoothing(real=0.9), LabelSmoothing(0.9, 0.1), LabelSmoothing(0.7, 0.3)])
def test_smoothed_labels(targets: LabelSmoothing):
    entropy = (cross_entropy(REAL, targets.real) + cross_entropy(FAKE, targets.fake)).item()
    squares = ((REAL - targets.real).square().mean() + (FAKE - targets.fake).square().mean()).item() / 2
    for name in ("minimax", "non-saturating"):
        assert OBJECTIVES[name].d(REAL, FAKE, targets).item() == pytest.approx(entropy, rel=1e-12)
    assert OBJECTIVES["least-squares"].d(REAL, FAKE, targets).item() == pytest.approx(squares, rel=1e-12)
    pair = cross_entropy(REAL - FAKE, targets.real).item()
    assert OBJECTIVES["relativistic"].d(REAL, FAKE, targets).item() == pytest.approx(pair, rel=1e-12)


@pytest.mark.parametrize("name", WITH_LABELS)
def test_smoothing_moves_the_best_logit_to_that_of_the_target(name: str):
    """With a target of 0.9 the cross-entropy is least at sigmoid(x) = 0.9, the square at x = 0.9."""
    best = torch.tensor([0.9 if name == "least-squares" else math.log(9.0)], dtype=torch.float64, requires_grad=True)
    zero = torch.zeros_like(best)
    (slope,) = torch.autograd.grad(OBJECTIVES[name].d(best, zero, LabelSmoothing(real=0.9)), best)
    (hard,) = torch.autograd.grad(OBJECTIVES[name].d(best, zero), best)
    assert slope.item() == pytest.approx(0, abs=1e-12) and hard.item() < -0.05


@pytest.mark.parametrize("name", WITH_LABELS)
def test_explicitly_hard_labels_change_nothing(name: str):
    assert LabelSmoothing(1.0, 0.0, 0.0) == HARD
    nearly = OBJECTIVES[name].d(
        REAL, FAKE, LabelSmoothing(flip=1e-300)
    )  # takes the general path; no coin ever falls so
    assert nearly.item() == pytest.approx(OBJECTIVES[name].d(REAL, FAKE).item(), rel=1e-12)


@pytest.mark.parametrize("name", WITH_LABELS)
def test_flipped_labels_in_expectation(name: str):
    """Flipping a share f of the targets is, in the mean, (1 - f) of the loss and f of the loss with both swapped."""
    share, n = 0.2, 40_000
    real, fake = torch.full((n,), 0.8, dtype=torch.float64), torch.full((n,), -0.4, dtype=torch.float64)
    flipped = OBJECTIVES[name].d(real, fake, LabelSmoothing(flip=share)).item()
    hard = OBJECTIVES[name].d(real, fake, HARD).item()
    swapped = OBJECTIVES[name].d(real, fake, LabelSmoothing(real=0.0, fake=1.0)).item()
    expected = (1 - share) * hard + share * swapped
    assert abs(hard - swapped) > 0.7
    assert flipped == pytest.approx(expected, abs=0.01)  # 3 standard errors are 0.007 at most
    assert OBJECTIVES[name].d(real, fake, LabelSmoothing(flip=1.0)).item() == pytest.approx(swapped, rel=1e-12)


def test_targets_flip_a_share_of_each_side_on_their_own():
    targets = LabelSmoothing(real=0.9, fake=0.2, flip=0.25)
    logits = torch.zeros(20_000)
    real, fake = targets.of(logits), targets.of(logits, other=True)
    assert real.unique().tolist() == fake.unique().tolist() == pytest.approx([0.2, 0.9])
    assert (real < 0.5).float().mean().item() == pytest.approx(0.25, abs=0.012)  # 4 standard errors
    assert (fake > 0.5).float().mean().item() == pytest.approx(0.25, abs=0.012)
    both = ((real < 0.5) & (fake > 0.5)).float().mean().item()
    assert both == pytest.approx(0.0625, abs=0.008)  # independent: not the same coins for both


@pytest.mark.parametrize("name", ["wasserstein", "hinge"])
@pytest.mark.parametrize("targets", [LabelSmoothing(real=0.9), LabelSmoothing(fake=0.1), LabelSmoothing(flip=0.1)])
def test_objectives_without_targets_refuse_labels(name: str, targets: LabelSmoothing):
    with pytest.raises(ValueError, match=rf"(?i){name} objective has no targets"):
        OBJECTIVES[name].d(REAL, FAKE, targets)


def test_the_relativistic_generator_asks_for_real_logits():
    with pytest.raises(ValueError, match="real samples"):
        OBJECTIVES["relativistic"].g(FAKE)


def test_relativistic_pairs_are_compared_one_by_one():
    """Not mean against mean: one pair won by 2 and one lost by 2 cost more than two draws."""
    won_and_lost = OBJECTIVES["relativistic"].d(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])).item()
    assert won_and_lost == pytest.approx((math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2))) / 2, rel=1e-6)
    assert OBJECTIVES["relativistic"].d(torch.ones(2), torch.ones(2)).item() == pytest.approx(LOG2, rel=1e-6)


def test_at_equilibrium_d_loses_log_4_and_cannot_improve():
    zero = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    loss = OBJECTIVES["non-saturating"].d(zero, zero)
    assert loss.item() == pytest.approx(LOG4, rel=1e-12)
    assert torch.autograd.grad(loss, zero)[0].abs().max() < 1e-15
