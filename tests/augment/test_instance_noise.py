"""Instance noise: its strength round by round."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.augment import InstanceNoise, further_layers, noisy_layers


@pytest.mark.parametrize(("noise", "strength"), [
    (InstanceNoise(0.4, 100), {0: 0.4, 25: 0.3, 50: 0.2, 99: 0.004}),
    (InstanceNoise(0.4), {0: 0.4, 10_000: 0.4}),
])  # fmt: skip
def test_its_deviation(noise: InstanceNoise, strength: dict[int, float]):
    x = torch.full((200, 3, 8, 8), 5.0, dtype=torch.float64)
    for step, std in strength.items():
        added = noise(x, step) - x
        assert added.std().item() == pytest.approx(std, rel=0.02)
        assert added.mean().item() == pytest.approx(0, abs=0.02 * std)
        assert (added[0] - added[1]).abs().max() > 0 and (added[:, 0] - added[:, 1]).abs().max() > 0


ANNEALED = InstanceNoise(0.4, 100)


@pytest.mark.parametrize(("noise", "step"), [(InstanceNoise(), 0), (ANNEALED, 100), (ANNEALED, 500)])
def test_none_leaves_the_samples_and_the_random_numbers_alone(noise: InstanceNoise, step: int):
    x = torch.randn(4, 2)
    before = torch.get_rng_state()
    assert noise(x, step) is x
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_pass_through():
    x = torch.zeros(3, 2, requires_grad=True)
    InstanceNoise(0.1)(x, 0).sum().backward()
    assert torch.equal(x.grad, torch.ones(3, 2))


def test_the_layers_after_the_first_are_noisy_within_the_block():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 1))
    assert list(further_layers(network)) == [network[3]]
    x = torch.randn(5, 1, 8, 8)
    clean = network(x)
    with noisy_layers(network, InstanceNoise(0.3, 10), 0):
        drawn = network(x), network(x)
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], clean)
    with noisy_layers(network, InstanceNoise(0.3, 10), 10):
        assert torch.equal(network(x), clean)
    assert torch.equal(network(x), clean)
    with pytest.raises(RuntimeError), noisy_layers(network, InstanceNoise(0.3), 0):
        network(torch.zeros(1))
    assert torch.equal(network(x), clean), "after an error, too"
