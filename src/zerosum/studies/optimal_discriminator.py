"""`zerosum reproduce optimal-discriminator`: does D, trained against a frozen generator, become p / (p + q)?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from zerosum.studies.study import Measurements, Study, by_part
from zerosum.theory.divergence import logits_of
from zerosum.theory.optimum import PAIRS, compare, train_discriminator

ROUNDS, BATCH = 4000, 1024


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train D on one pair of densities; its distance from D*, and the value of the game beside the best one."""
    pair = PAIRS[part]
    network = train_discriminator(pair, seed, max(1, round(ROUNDS * fraction)), BATCH)
    found = compare(pair, logits_of(network))
    return {"part": part, "seed": seed, "error": found.error, "value": found.value, "theory": found.best}


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The worst error of each seed; for each pair the errors of all seeds, and the values beside theory's."""
    pairs = {
        pair: {"errors": of["error"], "values": of["value"], "theory": of["theory"][0]}
        for pair, of in by_part(parts, ("error", "value", "theory")).items()
    }
    return {
        "values": [max(p["error"] for p in parts if p["seed"] == seed) for seed in sorted({p["seed"] for p in parts})],
        "worst_error": max(part["error"] for part in parts),
        "worst_value_gap": max(abs(part["value"] - part["theory"]) for part in parts),
        "most_above_theory": max(part["value"] - part["theory"] for part in parts),
        "pairs": pairs,
    }


OPTIMAL_DISCRIMINATOR = Study(
    name="optimal-discriminator",
    protocol=(
        f"{len(PAIRS)} pairs of known densities in one and two dimensions (src/zerosum/theory/optimum.py). A "
        f"discriminator of two hidden layers of 64 units is trained for {ROUNDS} rounds of {BATCH} fresh samples of "
        "each side (Adam, rate 0.005 with cosine decay) while the generator's density stays as it is. The value is the "
        "worst mean absolute error of a seed's discriminators to D* = p / (p + q), by integration under (p + q) / 2; "
        "the game's value V(D, G) is to be within 0.01 of -log 4 + 2 JS(p, q) for every pair and seed, and never above."
    ),
    published="0 (Goodfellow et al., 2014, Proposition 1)",
    target=0.02,
    relation="<=",
    seeds=(0, 1, 2),
    parts=lambda seed: tuple(PAIRS),
    run=run,
    summarise=summarise,
    extra_check=lambda measurements: (
        measurements["worst_error"] <= 0.02
        and measurements["worst_value_gap"] <= 0.01
        and measurements["most_above_theory"] <= 1e-6
        and all(-math.log(4) <= pair["theory"] <= 0 for pair in measurements["pairs"].values())
    ),
    differs="the paper proves it and measures nothing",
    measures="worst mean error of D against D*, three seeds",
    goal="at most 0.02, and the game's value within 0.01",
    ours=lambda result: ", ".join(f"{value:.4f}" for value in result["values"]),
)
