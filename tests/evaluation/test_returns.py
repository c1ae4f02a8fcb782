"""Returns of policies, beside what was demonstrated and acting at random."""

from __future__ import annotations

import torch

from zerosum.data.behaviour import environment, experts
from zerosum.evaluation.returns import at_random, of_policy, share


def test_returns_follow_from_the_seed_and_leave_the_training_s_numbers_alone():
    places = environment.of("CartPole-v0")
    before = torch.get_rng_state()
    one, same, other = (of_policy(places, at_random(places), 12, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other) and len(one) == 12
    assert torch.equal(before, torch.get_rng_state())
    assert 15 < one.mean() < 35 and of_policy(places, experts.find(places), 5, 1).tolist() == [200] * 5


def test_at_random_is_anywhere_between_the_ends():
    torch.manual_seed(0)
    drawn = at_random(environment.of("Pendulum-v1"))(torch.zeros(4000, 3))
    assert drawn.shape == (4000, 1) and -2 <= drawn.min() < -1.9 and 1.9 < drawn.max() <= 2
    chosen = at_random(environment.of("Acrobot-v1"))(torch.zeros(3000, 6))
    assert chosen.sum(1).eq(1).all() and (chosen.mean(0) - 1 / 3).abs().max() < 0.05


def test_a_share_is_of_the_way_from_random_to_the_expert():
    assert share(-200, -200, -100) == 0 and share(-100, -200, -100) == 1 and share(-150, -200, -100) == 0.5
