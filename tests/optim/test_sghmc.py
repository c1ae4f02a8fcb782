"""SGHMC: the steps of its equation, and samples of a posterior that is known."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from zerosum import data
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.games.gan import GAN
from zerosum.modality import Points, Spec
from zerosum.optim import SGHMC, Adam, sghmc
from zerosum.optim.data_points import for_data
from zerosum.options import parse, to_json


def test_the_steps_of_equation_15():
    lr, friction, temperature = 0.05, 0.3, 0.2
    p = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = SGHMC(lr, friction, 5 * temperature, data_points=5).build([p])
    gradients = torch.tensor([[2.0, -1.0], [0.5, 3.0], [-1.0, 0.0]], dtype=torch.float64)
    torch.manual_seed(3)
    noise = [torch.randn(2, dtype=torch.float64) for _ in gradients]
    v, expected = torch.zeros(2, dtype=torch.float64), p.detach().clone()
    torch.manual_seed(3)
    for gradient, n in zip(gradients, noise, strict=True):
        v = (1 - friction) * v - lr * gradient + math.sqrt(2 * friction * lr * temperature) * n
        expected = expected + v
        p.grad = gradient.clone()
        optimizer.step()
        assert torch.allclose(p, expected, rtol=1e-12)


def test_adaptive_steps_divide_by_the_gradients_size():
    """Where gradients of 3 and of 0.01 meet, both weights take steps of equal size, and so is their noise scaled."""
    p = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = SGHMC(0.1, friction=1.0, temperature=0.0, adaptive=True, data_points=1).build([p])
    for gradient in ([3.0, 0.01], [-3.0, 0.01]):
        p.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    assert torch.allclose(p, torch.tensor([0.0, -0.2], dtype=torch.float64), atol=3e-4)

    p = nn.Parameter(torch.zeros(2, 5000))
    p.grad = torch.tensor([[4.0], [0.04]]).expand(2, 5000).clone()
    SGHMC(0.1, friction=1.0, temperature=0.3, adaptive=True, data_points=1).build([p]).step()
    noise = (p + 0.1).detach().var(1)
    assert torch.allclose(noise, 2 * 0.1 * 0.3 / torch.tensor([4.0, 0.04]), rtol=0.1)


@pytest.mark.parametrize(("lr", "adaptive"), [(0.02, False), (0.002, True)])
def test_samples_have_the_posterior_of_a_mean(lr, adaptive):
    """100 points of unit variance and a flat prior: the posterior of their mean is N(their mean, 1 / 100)."""
    torch.manual_seed(0)
    points = torch.randn(100)
    points = 0.7 + (points - points.mean()) / points.std(correction=0)
    chains = nn.Parameter(points.mean() + 0.1 * torch.randn(2000))
    optimizer = SGHMC(lr, friction=0.2, adaptive=adaptive, data_points=len(points)).build([chains])
    kept = []
    for step in range(1200):
        chains.grad = chains.detach() - points.mean()  # of a mean over the points of (x - p)^2 / 2
        optimizer.step()
        if step >= 600:
            kept.append(chains.detach().clone())
    samples = torch.stack(kept)
    assert samples.mean().item() == pytest.approx(0.7, abs=0.005)
    assert samples.var().item() == pytest.approx(0.01, rel=0.1 if adaptive else 0.05)
    kurtosis = ((samples - 0.7) ** 4).mean() / samples.var() ** 2
    assert kurtosis.item() == pytest.approx(3.0, abs=0.1)  # a Gaussian's


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_the_posterior_narrows_with_the_data(temperature: float):
    """With a prior N(0, s^2), N points of unit variance make a posterior of variance 1 / (N + 1 / s^2) = v.

    Its samples at a temperature T have the variance T v, and its mean, v N times that of the points, at any T.
    """
    torch.manual_seed(0)
    std, mean, kept = 0.2, 0.5, {}
    for count in (10, 40, 160, 640):
        v = 1 / (count + 1 / std**2)
        chains = nn.Parameter(v * count * mean + v**0.5 * torch.randn(3000))
        optimizer = SGHMC(0.02, 0.3, temperature, data_points=count).build([chains])
        samples = []
        for step in range(600):
            chains.grad = chains.detach() - mean + chains.detach() / (std**2 * count)  # of U / N
            optimizer.step()
            if step >= 400:
                samples.append(chains.detach().clone())
        kept[count] = torch.stack(samples)
        assert kept[count].mean().item() == pytest.approx(v * count * mean, abs=5e-3)
        assert kept[count].var().item() == pytest.approx(temperature * v, rel=0.05)


def test_a_recipe_takes_the_number_of_points_from_its_data():
    for count in (30, 900):
        game = find("bayesian/toy").build(Spec({"x": Points(2)}, count))
        assert {player.optimizer.points for player in game.players().values()} == {count}
    options = {"config": {"g_optimizer": {"kind": "sghmc", "data_points": 7}, "d_optimizer": {"kind": "sghmc"}}}
    players = find("gan/toy").build(Spec({"x": Points(2)}, 30), options).players()
    assert (players["generator"].optimizer.points, players["discriminator"].optimizer.points) == (7, 30)
    assert for_data(GAN.Config(), 5) == GAN.Config()
    loaded = data.load("digits")
    assert find("bayesian/images").build(loaded.spec).players()["generator"].optimizer.points == len(loaded)


def test_without_data_it_asks_how_many_points():
    with pytest.raises(ZerosumError, match="set data_points"):
        SGHMC().build([nn.Parameter(torch.ones(1))])


@pytest.mark.parametrize(("lr", "friction", "temperature", "named"), [
    (-0.1, 0.1, 1.0, "lr must be at least 0"), (0.1, 1.5, 1.0, "friction must be from 0 to 1"),
    (0.1, 0.1, -1.0, "temperature"), (0.1, 0.1, math.nan, "temperature"),
])  # fmt: skip
def test_numbers_that_no_sampler_has_are_refused(lr: float, friction: float, temperature: float, named: str):
    with pytest.raises(ValueError, match=named):
        sghmc.SGHMC([nn.Parameter(torch.ones(1))], lr, friction, temperature)


def test_a_temperature_of_0_descends_with_momentum():
    p, q = (nn.Parameter(torch.tensor([1.0])) for _ in range(2))
    ours = SGHMC(0.1, friction=0.4, temperature=0.0, data_points=1).build([p])
    theirs = torch.optim.SGD([q], 0.1, momentum=0.6)
    for _ in range(5):
        p.grad, q.grad = p.detach().clone(), q.detach().clone()
        ours.step()
        theirs.step()
        assert torch.allclose(p, q)


def test_a_parameter_without_a_gradient_stays():
    p, q = (nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = SGHMC(data_points=100).build([p, q])
    p.grad = torch.ones(3)
    optimizer.step()
    assert not torch.equal(p, torch.ones(3)) and torch.equal(q, torch.ones(3))


def test_its_state_goes_into_another_of_its_kind():
    def played(steps: int, optimizer: torch.optim.Optimizer, p: nn.Parameter) -> torch.Tensor:
        for _ in range(steps):
            p.grad = 3 * p.detach()
            optimizer.step()
        return p.detach().clone()

    value = SGHMC(0.05, 0.2, adaptive=True, data_points=100)
    p = nn.Parameter(torch.ones(4))
    first = value.build([p])
    torch.manual_seed(1)
    played(4, first, p)
    q = nn.Parameter(p.detach().clone())
    second = value.build([q])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    torch.manual_seed(2)
    expected = played(5, first, p)
    torch.manual_seed(2)
    assert torch.equal(played(5, second, q), expected)


def test_it_is_an_option_like_the_other_optimisers():
    chosen = parse(GAN.Config(), {"g_optimizer": {"kind": "sghmc", "temperature": 0.5, "adaptive": True}})
    assert chosen.g_optimizer == SGHMC(temperature=0.5, adaptive=True) and chosen.d_optimizer == Adam(2e-4)
    assert parse(GAN.Config(), to_json(chosen)) == chosen
    assert hash(SGHMC()) == hash(SGHMC())
