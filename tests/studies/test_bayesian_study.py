"""`bayesian-mnist-100` by hand: over which single GAN errors are measured."""

from __future__ import annotations

from typing import Any

from zerosum.studies import STUDIES
from zerosum.studies.bayesian_mnist import BAYESIAN_MNIST_100, CHAIN, NOISELESS, OWN, SETTINGS, SINGLE

STUDY = BAYESIAN_MNIST_100


def parts(**errors: list[int]) -> list[dict[str, Any]]:
    names = {"own": OWN, "single": SINGLE, "chain": CHAIN, "noiseless": NOISELESS}
    usual = {"own": [400, 500, 450], "single": [1000] * 3, "chain": [500, 500, 900], "noiseless": [500] * 3} | errors
    return [
        {"part": names[key], "seed": seed, "errors": count, "series": []}
        for key, counts in usual.items()
        for seed, count in enumerate(counts)
    ]


def test_its_parts():
    assert STUDIES["bayesian-mnist-100"] is STUDY and set(STUDY.parts(0)) == set(SETTINGS)
    assert {setting.rounds for setting in SETTINGS.values()} == {1_000}, "equal rounds"
    assert {setting.labels for setting in SETTINGS.values()} == {100}


def test_the_value_is_over_the_better_single_gan():
    summary = STUDY.summarise(parts())
    assert summary["values"] == [0.8, 1.0, 0.5] and summary["single"] == CHAIN and STUDY.reached(summary)
    told = STUDY.ours(summary)
    assert told.startswith("0.80, 1.00, 0.50; over an ensemble without noise 0.90; errors of 10,000: Bayesian GAN 400")
    worse = STUDY.summarise(parts(own=[600, 600, 600], single=[550] * 3))
    assert worse["single"] == SINGLE and not STUDY.reached(worse)
