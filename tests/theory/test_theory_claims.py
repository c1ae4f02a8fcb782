"""Every claim of `zerosum theory`, and what its experiments are made of."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import pytest
import torch

from zerosum.networks import mlp
from zerosum.optim import Adam
from zerosum.recipe import Training
from zerosum.theory import normal
from zerosum.theory.claim import Claim, outcome
from zerosum.theory.figure_1 import EDGES, GRID, pushforward, quantiles
from zerosum.theory.frozen import DensityStream, FrozenGenerator
from zerosum.theory.lines import THETAS, exact, measure
from zerosum.theory.saddle import SADDLE, predicted
from zerosum.theory.topics import TOPICS
from zerosum.training.trainer import Trainer

experiment = functools.cache(lambda name: TOPICS[name].experiment())  # one for all claims of a topic


@pytest.mark.parametrize(
    ("name", "index"),
    [pytest.param(t.name, i, id=f"{t.name}: {c.statement}") for t in TOPICS.values() for i, c in enumerate(t.claims)],
)
def test_the_claim_holds(name: str, index: int) -> None:
    claim = TOPICS[name].claims[index]
    found = outcome(claim, claim.measured(experiment(name)))
    assert found.holds, (
        f"{claim.statement}: {found.measured} is not {claim.relation} {claim.theory} ± {claim.tolerance}"
    )


@pytest.mark.parametrize(
    ("relation", "tolerance", "measured", "holds"),
    [
        ("=", 0.1, 1.09, True),
        ("=", 0.1, 0.89, False),
        ("=", 0.1, math.nan, False),
        ("<=", 0.0, 1.0, True),
        ("<=", 0.1, 1.11, False),
        ("<=", 0.1, -math.inf, True),
        (">=", 0.1, 0.91, True),
        (">=", 0.1, 0.89, False),
        (">=", 0.1, math.nan, False),
    ],
)
def test_what_holds(relation, tolerance: float, measured: float, holds: bool) -> None:
    claim: Claim[float] = Claim("it is 1", "", 1.0, lambda found: found, tolerance, relation)
    assert outcome(claim, measured).holds is holds


def test_infinity_is_equal_to_itself_alone() -> None:
    claim: Claim[float] = Claim("it is infinite", "", math.inf, lambda found: found)
    assert outcome(claim, math.inf).holds
    assert not outcome(claim, 1e300).holds and not outcome(claim, -math.inf).holds


def test_a_wrong_measurement_fails_its_claim_alone() -> None:
    wrong = replace(experiment("saddle"), regularised=0.01)
    assert [o.holds for o in SADDLE.check(wrong)] == [True] * 7 + [False]


def test_claims_and_topics_have_names_of_their_own() -> None:
    for name, topic in TOPICS.items():
        assert topic.name == name and len({claim.statement for claim in topic.claims}) == len(topic.claims)
        assert all(claim.source and claim.tolerance >= 0 for claim in topic.claims)


def test_change_of_variables_along_a_straight_line() -> None:
    density = pushforward(1.0 + 0.5 * quantiles(4001)[:, 0], EDGES).log_prob(GRID.points).exp()
    torch.testing.assert_close(density, normal(1.0, 0.5).log_prob(GRID.points).exp(), atol=0.005, rtol=0)
    assert float(GRID.integral(density)) == pytest.approx(1, abs=1e-9)


def test_change_of_variables_adds_up_where_g_folds() -> None:
    """|z| of z ~ N(0, 1) has twice the normal density, on the right."""
    density = pushforward(quantiles(4001)[:, 0].abs(), EDGES).log_prob(GRID.points).exp()
    x = GRID.points[:, 0]
    expected = torch.where(x > 0, 2 * normal(0.0, 1.0).log_prob(GRID.points).exp(), 0.0)
    torch.testing.assert_close(density[x.abs() > 0.1], expected[x.abs() > 0.1], atol=0.01, rtol=0)


def test_parallel_lines_jump_at_zero_in_all_but_wasserstein() -> None:
    random = torch.Generator().manual_seed(0)
    for theta in THETAS[::4]:
        found, theory = measure(theta, random), exact(theta)
        assert found[:3] == pytest.approx(theory[:3], abs=1e-9)
        assert found.wasserstein == pytest.approx(theory.wasserstein, abs=0.06)


def test_the_dirac_gan_is_stable_with_r1_alone() -> None:
    assert [value.real for value in predicted()] == [0.0, 0.0]
    assert all(value.real < 0 for gamma in (0.1, 1.0, 3.0) for value in predicted(gamma))


def test_a_position_among_fresh_samples_is_one_number() -> None:
    stream = DensityStream(normal(0.0, 1.0), 8, seed=3)
    first, second = stream(), stream()
    assert first.shape == (8, 1) and first.dtype == torch.float32 and not torch.equal(first, second)
    again = DensityStream(normal(0.0, 1.0), 8, seed=3)
    again.restore({"drawn": 1})
    assert torch.equal(again(), second) and again.state() == stream.state() == {"drawn": 2}
    assert not torch.equal(DensityStream(normal(0.0, 1.0), 8, seed=4)(), first)


def test_fakes_stay_frozen_while_d_learns() -> None:
    generator, network = torch.nn.Linear(1, 1), mlp.Discriminator((1,), (8,))
    before = generator.weight.clone()
    game = FrozenGenerator(lambda n: generator(torch.randn(n, 1)), network, Adam(1e-2))
    trainer = Trainer(game, DensityStream(normal(3.0, 1.0), 64, 0), Training(steps=50, average=0.0, precision="fp32"))
    trainer.train()
    assert torch.equal(generator.weight, before) and generator.weight.grad is None
    logged = trainer.pop_metrics()
    assert logged["discriminator/logits/real"] > logged["discriminator/logits/fake"]
