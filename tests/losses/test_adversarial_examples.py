"""FGSM and PGD: how far they go, which way, and where they stay."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.losses.adversarial_examples import fgsm, margin, pgd, random_signs


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 3)).eval()


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return 2 * torch.rand(40, 1, 4, 4, generator=draw) - 1, torch.arange(40) % 3


def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(network(x), y, reduction="none")


def test_fgsm_goes_epsilon_along_the_signs_of_the_loss(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(network, leaf, y).sum(), leaf)
    found = fgsm(network, x, y, 0.01, bounds=None)
    torch.testing.assert_close(found, x + 0.01 * gradient.sign())
    assert not found.requires_grad and bool((loss(network, found, y) > loss(network, x, y)).all())


def test_images_stay_images(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    for found in (fgsm(network, x, y, 0.5), pgd(network, x, y, 0.5, step=0.2, steps=4)):
        assert found.min() >= -1 and found.max() <= 1 and float((found - x).abs().max()) <= 0.5 + 1e-6
    assert fgsm(network, x, y, 0.5, bounds=None).abs().max() > 1


def test_pgd_stays_within_epsilon_and_finds_more_than_one_step(
    network: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    x, y = batch
    once = fgsm(network, x, y, 0.6, bounds=None)
    often = pgd(network, x, y, 0.6, step=0.1, steps=20, bounds=None, generator=torch.Generator().manual_seed(0))
    assert float((often - x).abs().max()) <= 0.6 + 1e-6
    assert loss(network, often, y).mean() > loss(network, once, y).mean() > loss(network, x, y).mean()


def test_the_start_is_random_by_the_generator_alone(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch

    def found(seed: int) -> Tensor:
        return pgd(network, x, y, 0.1, step=0.0, steps=1, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(found(1), found(1)) and not torch.equal(found(1), found(2)) and not torch.equal(found(1), x)


def test_where_the_network_is_sure_its_gradient_does_not_vanish() -> None:
    sure = nn.Linear(2, 2, bias=False)
    sure.weight.data = torch.tensor([[-200.0, 0.0], [200.0, 0.0]])
    x, y = torch.tensor([[1.0, 0.5]]), torch.tensor([1])
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(sure, leaf, y).sum(), leaf)
    assert not gradient.any(), "that of cross-entropy does"
    assert fgsm(sure, x, y, 0.3, bounds=None).tolist() == [[pytest.approx(0.7), 0.5]]


def test_weights_and_their_gradients_are_left_alone(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    before = [parameter.clone() for parameter in network.parameters()]
    with torch.no_grad():
        pgd(network, *batch, 0.1, step=0.1, steps=2)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("wrong", [{"epsilon": -0.1}, {"step": -1.0}, {"steps": 0}, {"epsilon": float("nan")}])
def test_what_cannot_be_is_refused(network: nn.Module, batch: tuple[Tensor, Tensor], wrong: dict[str, Any]) -> None:
    given = {"epsilon": 0.1, "step": 0.1, "steps": 2, **wrong}
    with pytest.raises(ZerosumError, match=next(iter(wrong))):
        pgd(network, *batch, given["epsilon"], step=given["step"], steps=given["steps"])


def test_by_default_pgd_can_reach_all_that_lies_within_epsilon(
    network: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    x, y = batch
    a, b = (
        pgd(network, x, y, 0.4, steps=4, generator=torch.Generator().manual_seed(0), **own)
        for own in ({}, {"step": 0.25})
    )
    assert torch.equal(a, b)


LOGITS = torch.tensor([[2.0, -1.0, 1.5], [0.0, 3.0, -4.0]])


def test_the_margin_is_that_of_the_best_other_class_and_stops_at_kappa() -> None:
    y = torch.tensor([0, 2])
    torch.testing.assert_close(margin(LOGITS, y), torch.tensor((0.5 + 0.0) / 2))
    torch.testing.assert_close(margin(LOGITS, y, confidence=5.0), torch.tensor((0.5 - 5.0) / 2))
    torch.testing.assert_close(margin(LOGITS, y, confidence=99.0), torch.tensor((0.5 - 7.0) / 2))
    torch.testing.assert_close(margin(LOGITS, y, targeted=True), torch.tensor((0.0 + 7.0) / 2))
    assert margin(LOGITS.bfloat16(), y).dtype == torch.float32
    with pytest.raises(ZerosumError, match="confidence"):
        margin(LOGITS, y, confidence=-1.0)


def test_its_gradient_moves_the_two_classes_apart_until_then() -> None:
    logits = LOGITS.clone().requires_grad_()
    margin(logits, torch.tensor([0, 2])).backward()
    assert logits.grad is not None and logits.grad.tolist() == [[0.5, 0.0, -0.5], [0.0, 0.0, 0.0]]


def test_random_signs_are_as_large_and_of_no_design() -> None:
    x = torch.zeros(50, 1, 8, 8)
    found = random_signs(x, 0.3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found.abs(), torch.full_like(x, 0.3)) and abs(float(found.mean())) < 0.02
    assert torch.equal(found, random_signs(x, 0.3, generator=torch.Generator().manual_seed(0)))
    assert random_signs(x + 0.9, 0.3).max() == 1 and random_signs(x + 0.9, 0.3, bounds=None).max() > 1.1
