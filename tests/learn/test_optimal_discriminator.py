"""A discriminator trained against a frozen generator on known densities finds p / (p + q); Goodfellow et al., 2014.

Proposition 1: the best D is p / (p + q). Theorem 1: the value is then -log 4 + 2 JSD(p, q).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum.networks import mlp
from zerosum.studies.optimal_discriminator import OPTIMAL_DISCRIMINATOR, run, summarise
from zerosum.theory.divergence import logits_of
from zerosum.theory.optimum import PAIRS, compare

QUICK = ("1-D, a mode is missing", "2-D, two modes against two")


@pytest.mark.parametrize("name", QUICK)
def test_the_best_discriminator(name: str, tmp_path: Path, record_property) -> None:
    pair = PAIRS[name]
    untrained = compare(pair, logits_of(mlp.Discriminator((pair.grid.points.shape[1],), (64, 64))))
    assert untrained.error > 0.1
    found = run(name, 5, 0.12, tmp_path)
    record_property("found", str(found))
    print(f"{found}, untrained {untrained.error:.3f}")
    assert found["error"] < 0.02
    assert found["value"] == pytest.approx(found["theory"], abs=0.01)
    assert found["value"] <= found["theory"] + 1e-6, "no D does better than the best"


def test_pairs_are_neither_equal_nor_apart() -> None:
    for name, (p, q, grid) in PAIRS.items():
        best = compare(PAIRS[name], lambda x: torch.zeros(len(x))).best
        assert -1.386 + 0.2 < best < -0.2, name
        for density in (p, q):
            assert float(grid.integral(density.log_prob(grid.points).exp())) == pytest.approx(1, abs=1e-9)


def test_the_summary_takes_each_seeds_worst() -> None:
    def part(pair: str, seed: int, error: float, value: float) -> dict[str, object]:
        return {"part": pair, "seed": seed, "error": error, "value": value, "theory": -1.0}

    good = [part("a", 0, 0.01, -1.001), part("b", 0, 0.015, -1.002), part("a", 1, 0.005, -1.0), part("b", 1, 0.0, -1.0)]
    figures = summarise(good)
    assert figures["values"] == [0.015, 0.005] and figures["worst_error"] == 0.015
    assert figures["worst_value_gap"] == pytest.approx(0.002) and OPTIMAL_DISCRIMINATOR.extra_check(figures)
    assert figures["pairs"]["b"] == {"errors": [0.015, 0.0], "values": [-1.002, -1.0], "theory": -1.0}
    for bad in (part("a", 1, 0.005, -1.02), part("a", 1, 0.005, -0.99), part("a", 1, 0.03, -1.0)):
        assert not OPTIMAL_DISCRIMINATOR.extra_check(summarise([*good, bad]))
