"""Instance noise: its strength round by round."""

from __future__ import annotations

import pytest
import torch

from zerosum.augment import InstanceNoise


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
