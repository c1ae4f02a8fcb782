"""Optimisers as values, and what they build; the decay of learning rates in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.latent import LatentDim
from zerosum.optim import SGD, Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer, RMSprop
from zerosum.options import OptionError, help_of, hints, parse


@pytest.mark.parametrize(("decay", "shares"), [
    (Decay(), {0: 1.0, 500: 1.0, 10_000: 1.0}),
    (Decay("linear"), {0: 1.0, 250: 0.75, 500: 0.5, 1000: 0.0, 2000: 0.0}),
    (Decay("linear", start=200, steps=400, final=0.2), {0: 1.0, 200: 1.0, 400: 0.6, 600: 0.2, 999: 0.2}),
    (Decay("linear", start=500), {499: 1.0, 750: 0.5, 1000: 0.0}),  # until training ends
    (Decay("cosine"), {0: 1.0, 250: (1 + math.sqrt(0.5)) / 2, 500: 0.5, 1000: 0.0}),
    (Decay("cosine", final=0.1), {500: 0.55, 1000: 0.1}),
    (Decay("exponential", final=0.01), {0: 1.0, 500: 0.1, 1000: 0.01, 5000: 0.01}),
    (Decay("exponential", steps=2000, final=0.25), {1000: 0.5}),
    (Decay("exponential"), {1000: 1e-8}),
    (Decay("inverse", final=11**-0.75), {step: (1 + step / 100) ** -0.75 for step in (0, 100, 500, 1000)}),
    (Decay("inverse", steps=500, final=0.25), {0: 1.0, 500: 0.25, 900: 0.25}),
    (Decay("inverse"), {step: (1 + step / 100) ** -0.75 for step in (0, 100, 1000)}),
    (Decay("inverse", final=0.0), {0: 1.0, 1000: 1e-8}),
    (Decay(warmup=4), {0: 0.25, 2: 0.75, 3: 1.0, 4: 1.0, 999: 1.0}),
    (Decay("linear", warmup=10), {0: 0.1, 9: 1.0, 500: 0.5}),
])  # fmt: skip
def test_decay(decay: Decay, shares: dict[int, float]):
    assert {step: decay(step, 1000) for step in shares} == pytest.approx(shares, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("shape", ["linear", "cosine", "exponential", "inverse"])
def test_decay_never_rises_nor_leaves_its_bounds(shape):
    decay = Decay(shape, start=10, steps=50, final=0.3)
    shares = [decay(step, 100) for step in range(120)]
    assert shares == sorted(shares, reverse=True) and shares[0] == 1 and shares[-1] == pytest.approx(0.3)


def test_a_decay_that_starts_when_training_ends_divides_by_nothing():
    assert Decay("linear", start=1000)(1000, 1000) == 1.0
    assert Decay("linear", start=1000)(1001, 1000) == 0.0


def built(value, gradients: list[float], x: float = 1.0) -> list[float]:
    """The values of one parameter as the optimiser meets these gradients."""
    p = nn.Parameter(torch.tensor([x], dtype=torch.float64))
    optimizer, path = value.build([p]), []
    for gradient in gradients:
        p.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        path.append(p.item())
    return path


def test_adam_takes_the_steps_of_algorithm_1():
    lr, b1, b2, eps = 0.1, 0.5, 0.9, 1e-3
    x, m, v, expected = 1.0, 0.0, 0.0, []
    for t, g in enumerate([2.0, -1.0, 0.5], start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        x -= lr * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + eps)
        expected.append(x)
    assert built(Adam(lr, (b1, b2), eps), [2.0, -1.0, 0.5]) == pytest.approx(expected, rel=1e-9)


def test_rmsprop():
    lr, alpha, eps = 0.1, 0.9, 1e-3
    x, v, expected = 1.0, 0.0, []
    for g in (2.0, -1.0, 0.5):
        v = alpha * v + (1 - alpha) * g * g
        x -= lr * g / (math.sqrt(v) + eps)
        expected.append(x)
    assert built(RMSprop(lr, alpha, eps), [2.0, -1.0, 0.5]) == pytest.approx(expected, rel=1e-9)


def test_sgd_with_momentum():
    x, u, expected = 1.0, 0.0, []
    for g in (2.0, -1.0, 0.5):
        u = 0.5 * u + g
        x -= 0.1 * u
        expected.append(x)
    assert built(SGD(0.1, 0.5), [2.0, -1.0, 0.5]) == pytest.approx(expected, rel=1e-9)


def test_what_is_built():
    p = [nn.Parameter(torch.ones(3))]
    adam, rms, sgd = Adam(0.3, (0.1, 0.2), 1e-4).build(p), RMSprop(0.4, 0.7, 1e-5).build(p), SGD(0.5, 0.6).build(p)
    assert type(adam) is torch.optim.Adam and type(rms) is torch.optim.RMSprop and type(sgd) is torch.optim.SGD
    (a,), (r,), (s,) = adam.param_groups, rms.param_groups, sgd.param_groups
    assert (a["lr"], a["betas"], a["eps"], a["weight_decay"], a["fused"]) == (0.3, (0.1, 0.2), 1e-4, 0, True)
    assert (r["lr"], r["alpha"], r["eps"], r["momentum"], r["centered"]) == (0.4, 0.7, 1e-5, 0, False)
    assert (s["lr"], s["momentum"], s["dampening"], s["nesterov"], s["fused"]) == (0.5, 0.6, 0, False, True)


def test_generators_of_parameters_are_not_used_up():
    layer = nn.Linear(2, 2)
    for value in (Adam(), RMSprop(), SGD()):
        (group,) = value.build(layer.parameters()).param_groups
        assert group["params"] == [layer.weight, layer.bias]


def test_they_are_values():
    assert Adam() == Adam(2e-4, (0.5, 0.999)) and hash(Adam()) == hash(Adam())
    assert len({Adam(), SGD(), RMSprop(), Adam(1e-3), Adam()}) == 4


@dataclass(frozen=True)
class Aliased:
    """What games annotate their fields with, so that one sentence is written once."""

    latent_dim: LatentDim = 8
    noise: DiscriminatorNoise = InstanceNoise()
    g_optimizer: GeneratorOptimizer = Adam()
    d_optimizer: DiscriminatorOptimizer = Adam()


def test_aliases_of_options_carry_their_bounds_and_help():
    with pytest.raises(OptionError, match="latent_dim: should be greater than 0"):
        parse(Aliased(), {"latent_dim": 0})
    assert parse(Aliased(), {"g_optimizer": {"kind": "rmsprop"}}).g_optimizer == RMSprop()
    assert all(help_of(hint) for hint in hints(Aliased).values())
