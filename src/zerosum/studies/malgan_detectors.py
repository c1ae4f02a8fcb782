"""`zerosum reproduce malgan-detectors`: six detectors under MalGAN, before and after they have learnt from it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zerosum import data
from zerosum.evaluation.detectors import DETECTORS
from zerosum.studies.study import Measurements, Study
from zerosum.workflows.audit import audit

STEPS, ROUNDS = 2_000, 2
ADDITION = 0.05
OWN, SAME, PAPER = "different vectors", "same vectors", "the paper's loss"
ROWS: Mapping[str, Mapping[str, Any]] = {  # how a detector is attacked
    OWN: {"knows": "different", "objective": "non-saturating", "addition": ADDITION},
    SAME: {"knows": "same", "objective": "non-saturating", "addition": ADDITION},
    PAPER: {"knows": "different", "objective": "minimax", "addition": 0.0},
}
BEFORE, LEFT, AFTER = 0.92, 0.05, 0.9  # true-positive rates that are asked for


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """A detector, attacked in each way: all that an audit says of both its rounds."""
    vectors = data.load("bits", seed=seed)
    steps = max(1, round(STEPS * fraction))
    rows = {
        name: [asdict(one) for one in audit(vectors, part, steps=steps, rounds=ROUNDS, seed=seed, **options).rounds]
        for name, options in ROWS.items()
    }
    return {"part": part, "seed": seed, "rows": rows}


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The highest rate under the first attack of zerosum's own loss, a value a seed; of each detector its means."""
    seeds = sorted({part["seed"] for part in parts})
    first = [(part["seed"], part["rows"][name][0]) for part in parts for name in (OWN, SAME)]
    every = [one for part in parts for rounds in part["rows"].values() for one in rounds]
    return {
        "values": [max(one["attacked"] for own, one in first if own == seed) for seed in seeds],
        "before": min(part["rows"][OWN][0]["detected"] for part in parts),
        "retrained": min(one["retrained"] for one in every),
        "detectors": {part: _means([p for p in parts if p["part"] == part]) for part in DETECTORS},
        "runs": list(parts),
    }


def _means(parts: Sequence[Measurements]) -> dict[str, list[dict[str, float]]]:
    """By how a detector is attacked what both rounds say, means over seeds."""
    return {name: [_mean([part["rows"][name][k] for part in parts]) for k in range(ROUNDS)] for name in ROWS}


def _mean(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: round(statistics.fmean(one[key] for one in rounds), 4) for key in rounds[0]}


def holds(result: Measurements) -> bool:
    """Whether each detector was good before, and is after it has learnt from each attack."""
    return result["before"] >= BEFORE and result["retrained"] >= AFTER


def in_few_numbers(result: Measurements) -> str:
    worst = ", ".join(f"{100 * value:.2f}" for value in result["values"])
    told = []
    for name, rows in result["detectors"].items():
        first = rows[OWN][0]
        told.append(
            f"{name} {100 * first['detected']:.1f}, {100 * first['attacked']:.1f} (at random "
            f"{100 * first['at_random']:.1f}) with {first['added']:.1f} features"
        )
    return f"{worst} %; after learning {100 * result['retrained']:.1f} % at least; {'; '.join(told)}"


MALGAN_DETECTORS = Study(
    name="malgan-detectors",
    protocol=(
        "12,000 binary vectors of 128 features, `bits` drawn by the seed, and no programs. Each of zerosum's six "
        f"detectors is audited (`zerosum audit`): it learns from a third of them, MalGAN attacks for {STEPS:,} steps, "
        f"the detector learns from its own malware as MalGAN changes it, too, and is attacked anew. "
        f"{OWN.capitalize()}: MalGAN learns from others than the detector; {SAME}: from the detector's own; both with "
        f"the non-saturating loss and {ADDITION:g} for each feature added; {PAPER}, from others: minimax, and features "
        "cost nothing. The value is the highest true-positive rate of any detector under the first attack with either "
        "vectors, on a quarter that nobody learnt from; retrained is the lowest, of all rows and both rounds, on "
        "attacked vectors after learning from such. The generator of `bits` was fixed before any attack, by "
        "true-positive rates of detectors alone; losses and weights were chosen on seed 100."
    ),
    published="at most 0.2 % of six detectors, from 92 to 98 % before (Hu and Tan, 2017; their own data)",
    target=LEFT,
    relation="<=",
    seeds=(0, 1, 2),
    parts=lambda seed: tuple(DETECTORS),
    run=run,
    summarise=summarise,
    extra_check=holds,
    differs="drawn vectors, 128 features for 160; a loss that does not saturate, and additions cost something",
    measures="the highest true-positive rate of six detectors under attack, three seeds",
    goal=f"below {LEFT:.0%}, from {BEFORE:.0%} before, and {AFTER:.0%} after learning",
    ours=in_few_numbers,
)
