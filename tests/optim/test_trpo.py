"""TRPO: natural gradients of the right length, a line search that keeps its promises, and no step where none helps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, kl_divergence

from zerosum import optim
from zerosum.losses.policy_gradient import surrogate
from zerosum.optim.trpo import TRPO, conjugate_gradients
from zerosum.recipe import Training
from zerosum.util.checks import ArgumentError


def quadratic(fisher: Tensor, slope: Tensor) -> tuple[nn.Parameter, Callable[[], tuple[Tensor, Tensor]]]:
    """A parameter p at 0, the loss slope.p, and the divergence p F p / 2."""
    p = nn.Parameter(torch.zeros(len(slope)))

    def again() -> tuple[Tensor, Tensor]:
        return slope @ p, p @ fisher @ p / 2

    return p, again


def test_a_step_is_the_natural_gradient_as_long_as_the_region():
    torch.manual_seed(0)
    half = torch.randn(5, 5)
    fisher, slope = half @ half.T + torch.eye(5), torch.randn(5)
    p, again = quadratic(fisher, slope)
    p.grad = slope.clone()
    TRPO([p], 0.01, damping=0.0, iterations=20).step(again)
    natural = torch.linalg.solve(fisher, slope)
    torch.testing.assert_close(p.detach(), -natural * (0.02 / (slope @ natural)).sqrt(), atol=1e-5, rtol=1e-3)
    assert again()[1].item() == pytest.approx(0.01, rel=1e-3)


def test_damping_makes_steps_smaller():
    p, again = quadratic(torch.eye(3), torch.ones(3))
    p.grad = torch.ones(3)
    TRPO([p], 0.01, damping=3.0).step(again)
    assert again()[1].item() == pytest.approx(0.01 / 4, rel=1e-3)


def test_a_policy_moves_within_its_region_and_becomes_better():
    torch.manual_seed(1)
    net, states = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 4)), torch.randn(200, 3)
    with torch.no_grad():
        then = Categorical(logits=net(states))
        actions, worth = then.sample(), torch.randn(200)
        before = then.log_prob(actions)

    def again() -> tuple[Tensor, Tensor]:
        now = Categorical(logits=net(states))
        return surrogate(now.log_prob(actions), before, worth), kl_divergence(then, now).mean()

    optimizer, first = TRPO(net.parameters(), 0.01), again()[0].item()
    again()[0].backward()
    optimizer.step(again)
    loss, changed = again()
    assert loss.item() < first - 0.01 and 0.002 < changed.item() <= 0.01


def test_where_no_step_is_better_nothing_moves():
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)

    def again() -> tuple[Tensor, Tensor]:  # the gradient at hand lies: any other place is worse
        return (p - 1).abs().sum() + (p - p), (p - 1).square().sum() / 2

    def scalar() -> tuple[Tensor, Tensor]:
        loss, changed = again()
        return loss.sum(), changed

    TRPO([p], 0.01).step(scalar)
    assert p.tolist() == [1.0, 1.0]


def test_without_a_gradient_or_without_worth_nothing_moves():
    p, again = quadratic(torch.eye(2), torch.zeros(2))
    TRPO([p], 0.01).step(again)
    p.grad = torch.zeros(2)
    TRPO([p], 0.01).step(again)
    assert p.tolist() == [0.0, 0.0]


def test_conjugate_gradients_solve_what_they_are_given():
    torch.manual_seed(2)
    half = torch.randn(6, 6, dtype=torch.float64)
    matrix, b = half @ half.T + torch.eye(6), torch.randn(6, dtype=torch.float64)
    torch.testing.assert_close(matrix @ conjugate_gradients(lambda v: matrix @ v, b, 6), b, atol=1e-6, rtol=1e-6)
    one = conjugate_gradients(lambda v: matrix @ v, b, 1)
    torch.testing.assert_close(one, b * (b @ b) / (b @ matrix @ b))


def test_it_says_what_it_needs():
    p = nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match="pass step a closure"):
        TRPO([p], 0.01).step()
    for bad in ({"lr": -1.0}, {"lr": 0.1, "damping": -1.0}, {"lr": 0.1, "iterations": 0}):
        with pytest.raises(ArgumentError):
            TRPO([p], **bad)


def test_it_is_built_from_options_and_its_region_follows_the_schedule():
    built = optim.TRPO(0.02, damping=0.3, iterations=7).build([nn.Parameter(torch.zeros(2))])
    assert isinstance(built, TRPO)
    (group,) = built.param_groups
    assert (group["lr"], group["damping"], group["iterations"]) == (0.02, 0.3, 7)
    falling = optim.TRPO(0.02, decay=optim.Decay("linear"))
    assert optim.scheduled(falling, 50, Training(steps=100).steps) == {"lr": pytest.approx(0.01)}
