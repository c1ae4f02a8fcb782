"""Policies and critics of behaviour."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zerosum.modality import Behaviour
from zerosum.networks.actor import Actor, Critic, divergence, entropy, log_probability

CART = Behaviour(
    "CartPole-v0", 4, 2, True, 200, mean=(1.0, 2.0, 0.0, 0.0, 0.0, 0.0), scale=(2.0, 4.0, 1.0, 1.0, 1.0, 1.0)
)
SWING = Behaviour("Pendulum-v1", 3, 1, False, 200, mean=(0.0, 0.0, 0.0, 0.5), scale=(1.0, 1.0, 1.0, 2.0))


def test_a_policy_of_choices():
    torch.manual_seed(0)
    actor, states = Actor(CART), torch.randn(50, 4)
    drawn = actor.act(states)
    assert drawn.shape == (50, 2) and drawn.sum(1).eq(1).all() and 5 < drawn[:, 0].sum() < 45
    found = actor(states)
    assert (found.probs - 0.5).abs().max() < 0.05, "it begins with every action alike"
    torch.testing.assert_close(log_probability(found, drawn), found.log_prob(drawn.argmax(1)))
    assert torch.equal(actor.act(states, greedy=True), F.one_hot(found.probs.argmax(1), 2).float())
    torch.testing.assert_close(entropy(found), found.entropy())


def test_a_policy_of_numbers_begins_as_wide_as_what_was_demonstrated():
    torch.manual_seed(0)
    actor, states = Actor(SWING), torch.randn(4000, 3)
    drawn = actor.act(states)
    assert drawn.shape == (4000, 1)
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.15) and float(drawn.std()) == pytest.approx(2, rel=0.05)
    found = actor(states)
    torch.testing.assert_close(log_probability(found, drawn), found.log_prob(drawn).sum(1))
    assert torch.equal(actor.act(states, greedy=True), found.mean)


@pytest.mark.parametrize("behaviour", [CART, SWING])
def test_divergences_are_of_whole_actions(behaviour: Behaviour):
    torch.manual_seed(1)
    one, other, states = Actor(behaviour), Actor(behaviour, hidden=(8,)), torch.randn(3, behaviour.states)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(0.3 * torch.randn(p.shape))
        before, after = one(states), other(states)
        draws = [one.act(states) for _ in range(4000)]
        ratio = torch.stack([log_probability(before, x) - log_probability(after, x) for x in draws])
    found = divergence(before, after)
    assert found.shape == (3,) and torch.equal(divergence(before, before), torch.zeros(3))
    torch.testing.assert_close(ratio.mean(0), found, atol=0.05, rtol=0.2)
    torch.testing.assert_close(
        -torch.stack([log_probability(before, x) for x in draws]).mean(0), entropy(before), atol=0.05, rtol=0.1
    )


def test_numbers_are_seen_in_demonstrated_deviations():
    actor = Actor(CART)
    assert actor.standardised(torch.tensor([[3.0, -2.0, 1.0, 1.0]])).tolist() == [[1.0, -1.0, 1.0, 1.0]]
    judge = Critic(CART, of_pairs=True)
    seen = judge.standardised(torch.tensor([[3.0, -2.0, 1.0, 1.0, 0.0, 1.0]]))
    assert seen.tolist() == [[1.0, -1.0, 1.0, 1.0, 0.0, 1.0]], "choices stay as they are"


def test_after_the_end_is_a_state_of_its_own():
    torch.manual_seed(0)
    judge = Critic(CART, of_pairs=True, absorbing=True)
    average = torch.tensor([CART.mean])  # all zeros as D sees it, as the absorbing state is but for its mark
    assert judge(average).shape == judge.after_the_end(average).shape == (1, 1)
    assert not torch.equal(judge(average), judge.after_the_end(average))
    with pytest.raises(ValueError, match="knows no absorbing state"):
        Critic(CART, of_pairs=True).after_the_end(average)
    assert Critic(CART, of_pairs=False)(torch.zeros(7, 4)).shape == (7, 1)
