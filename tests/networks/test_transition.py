"""The transition model: what it is shown at each time, and what its actions do."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.networks.transition import Transition


def model() -> Transition:
    torch.manual_seed(0)
    return Transition(3, 2, 8)


def test_it_is_shown_the_codes_given_and_then_its_own():
    network, codes, actions = model(), torch.randn(2, 3, 3), torch.randn(2, 6, 2)
    seen: list[Tensor] = []
    network.cell.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    foreseen = network(codes, actions)
    assert foreseen.shape == (2, 6, 3) and len(seen) == 6
    for t, shown in enumerate(seen):
        torch.testing.assert_close(shown[:, 3:], actions[:, t])
        wanted = codes[:, t] if t < 3 else foreseen[:, t - 1]
        torch.testing.assert_close(shown[:, :3], wanted)


def test_a_scene_stands_still_where_the_network_says_nothing():
    network = model()
    torch.nn.init.zeros_(network.out.weight)
    torch.nn.init.zeros_(network.out.bias)
    codes = torch.randn(2, 2, 3)
    foreseen = network(codes, torch.randn(2, 5, 2))
    torch.testing.assert_close(foreseen, codes[:, [0, 1, 1, 1, 1]])


def test_an_action_changes_what_comes_after_it_alone():
    network, codes, actions = model(), torch.randn(1, 2, 3), torch.zeros(1, 5, 2)
    other = actions.clone()
    other[:, 3] = 1
    one, two = network(codes, actions), network(codes, other)
    assert torch.equal(one[:, :3], two[:, :3]) and (one[:, 3:] != two[:, 3:]).any(2).all()
