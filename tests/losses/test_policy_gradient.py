"""Advantages and what policies minimise, beside sums written out and beside autograd."""

from __future__ import annotations

import pytest
import torch

from zerosum.losses.policy_gradient import advantages, clipped_surrogate, surrogate
from zerosum.util.checks import ArgumentError

T, N = 7, 3


def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(4)
    return torch.randn(T, N, generator=draw), torch.randn(T + 1, N, generator=draw)


def test_advantages_are_sums_of_surprises():
    """Schulman et al., 2016, eq. 16: the sum over l of (gamma lambda)^l delta_{t+l}, to the end of the episode."""
    rewards, values = drawn()
    terminated, ended = torch.zeros(T, N).bool(), torch.zeros(T, N).bool()
    terminated[2, 0] = ended[2, 0] = ended[4, 1] = True
    found = advantages(rewards, values, terminated, ended, discount=0.9, lam=0.8, after=5.0)
    for n in range(N):
        for t in range(T):
            total, weight = 0.0, 1.0
            for later in range(t, T):
                following = 5.0 if terminated[later, n] else float(values[later + 1, n])
                total += weight * (float(rewards[later, n]) + 0.9 * following - float(values[later, n]))
                if ended[later, n]:
                    break
                weight *= 0.9 * 0.8
            assert float(found[t, n]) == pytest.approx(total, abs=1e-5)


def test_lambda_one_is_the_return_and_lambda_zero_the_surprise():
    rewards, values = drawn()
    never = torch.zeros(T, N).bool()
    surprise = advantages(rewards, values, never, never, discount=0.9, lam=0.0)
    torch.testing.assert_close(surprise, rewards + 0.9 * values[1:] - values[:-1])
    whole = advantages(rewards, values, never, never, discount=1.0, lam=1.0)
    torch.testing.assert_close(whole, rewards.flip(0).cumsum(0).flip(0) + values[-1] - values[:-1])


def test_at_its_own_policy_the_surrogate_has_the_policy_gradient():
    logits = torch.randn(6, 4, requires_grad=True)
    actions, worth = torch.randint(4, (6, 1)), torch.randn(6)
    log_p = logits.log_softmax(1).gather(1, actions)[:, 0]
    wanted = torch.autograd.grad(-(log_p * worth).mean(), logits, retain_graph=True)[0]
    for loss in (surrogate, clipped_surrogate):
        found = torch.autograd.grad(loss(log_p, log_p.detach(), worth), logits, retain_graph=True)[0]
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(("ratio", "worth", "moves"), [
    (1.3, 1.0, False), (1.3, -1.0, True), (0.7, -1.0, False), (0.7, 1.0, True), (1.1, 1.0, True), (0.9, -1.0, True),
])  # fmt: skip
def test_clipping_stops_what_has_gained_enough(ratio: float, worth: float, moves: bool):
    log_p = torch.tensor([ratio]).log().requires_grad_()
    loss = clipped_surrogate(log_p, torch.zeros(1), torch.tensor([worth]), 0.2)
    (slope,) = torch.autograd.grad(loss, log_p)
    assert bool(slope != 0) is moves
    least = min(ratio * worth, min(max(ratio, 0.8), 1.2) * worth)
    assert float(loss.detach()) == pytest.approx(-least)


def test_shapes_that_do_not_fit_are_refused():
    rewards, values = drawn()
    never = torch.zeros(T, N).bool()
    with pytest.raises(ArgumentError, match="values must have the shape"):
        advantages(rewards, values[1:], never, never, discount=0.9, lam=0.9)
    with pytest.raises(ArgumentError, match=r"ended must have the shape bool \(7, 3\)"):
        advantages(rewards, values, never, never[0], discount=0.9, lam=0.9)
    with pytest.raises(ArgumentError, match="terminated must have the shape bool"):
        advantages(rewards, values, never.float(), never, discount=0.9, lam=0.9)
    with pytest.raises(ArgumentError, match="ended must be true wherever terminated is"):
        advantages(rewards, values, ~never, never, discount=0.9, lam=0.9)
    with pytest.raises(ArgumentError, match="discount"):
        advantages(rewards, values, never, never, discount=1.5, lam=0.9)
    with pytest.raises(ArgumentError, match="advantage"):
        surrogate(torch.zeros(3), torch.zeros(3), torch.zeros(4))
    with pytest.raises(ArgumentError, match="clip"):
        clipped_surrogate(torch.zeros(3), torch.zeros(3), torch.zeros(3), -0.1)
