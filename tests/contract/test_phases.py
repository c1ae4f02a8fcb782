"""Which rounds are said to be alike; that they are is a rule of every recipe (`test_recipes.py`)."""

from __future__ import annotations

from torch import nn

from zerosum.augment import InstanceNoise
from zerosum.games.two_player import TwoPlayer


def test_lazy_penalties_and_annealed_noise_have_phases_of_their_own(case_of):
    config = TwoPlayer.Config(penalties={"r1": 1.0}, penalty_every=4, noise=InstanceNoise(0.1, steps=6))
    game = TwoPlayer(nn.Linear(100, 2), nn.Linear(2, 1), config)
    assert [game.phase(step) for step in range(9)] == [None] * 6 + [False, False, True]
