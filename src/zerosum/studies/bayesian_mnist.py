"""`zerosum reproduce bayesian-mnist-100`: does a posterior over weights err less than a single GAN by 100 labels?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from zerosum.studies.semi_supervised import WITHOUT_VIEWS, Setting, run
from zerosum.studies.study import Measurements, Study

ROUNDS, LABELS = 1_000, 100
OWN, SINGLE, CHAIN, NOISELESS = "Bayesian GAN", "a single GAN", "a single chain", "no noise"
COLD: Mapping[str, Any] = {"temperature": 0.0}
_ONE: Mapping[str, Any] = {"generators": 1, "discriminators": 1}
SETTINGS = {
    OWN: Setting("bayesian-sgan/images", LABELS, ROUNDS, training={"average": 0.0}),
    SINGLE: Setting("sgan/images", LABELS, ROUNDS, {"config": WITHOUT_VIEWS}),
    CHAIN: Setting("bayesian-sgan/images", LABELS, ROUNDS, {"config": _ONE}, {"average": 0.0}),
    NOISELESS: Setting(
        "bayesian-sgan/images", LABELS, ROUNDS, {"config": {"g_optimizer": COLD, "d_optimizer": COLD}}, {"average": 0.0}
    ),
}
SINGLES = (SINGLE, CHAIN)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """Errors over those of the better single GAN, one a seed; the errors of every row."""
    rows = {name: [part["errors"] for part in parts if part["part"] == name] for name in SETTINGS}
    best = min(SINGLES, key=lambda name: statistics.fmean(rows[name]))
    return {
        "values": [round(own / single, 4) for own, single in zip(rows[OWN], rows[best], strict=True)],
        "single": best,
        "noiseless": round(statistics.fmean(rows[OWN]) / statistics.fmean(rows[NOISELESS]), 4),
        "rows": rows,
        "series": [{key: part[key] for key in ("part", "seed", "series")} for part in parts],
    }


def _told(result: Measurements) -> str:
    """The values, and all errors."""
    values = ", ".join(f"{value:.2f}" for value in result["values"])
    rows = "; ".join(f"{name} {', '.join(map(str, errors))}" for name, errors in result["rows"].items())
    return f"{values}; over an ensemble without noise {result['noiseless']:.2f}; errors of 10,000: {rows}"


BAYESIAN_MNIST_100 = Study(
    name="bayesian-mnist-100",
    protocol=(
        "All 60,000 MNIST training images without labels, and 100 labels, ten of each class, chosen anew for each "
        "seed; errors on the 10,000 test images at the end of 1,000 rounds of batches of 64; no weights were selected "
        "by them. Two generators and four discriminators of classes by SGHMC, the recipe bayesian-sgan/images, whose "
        "prediction is the mean of the probabilities of its discriminators' last weights. The value is its errors over "
        "those of the better of two single GANs, by these errors, of the same labels, rounds, networks and batches: "
        "sgan/images without views, by Adam, with averaged weights; and a single chain, one generator and one "
        "discriminator by SGHMC. Beside these all chains without noise (a temperature of 0): an ensemble, which says "
        "what the posterior is worth beyond it (`noiseless`). A round of several costs as much as rounds of one for "
        "each of its discriminators, or more. Settings were chosen on seed 100."
    ),
    published="fewer errors than DCGANs by as few labels (Saatchi and Wilson, 2017)",
    target=1.0,
    relation="<=",
    seeds=(0, 1, 2),
    parts=lambda seed: tuple(SETTINGS),
    run=partial(run, SETTINGS),
    summarise=summarise,
    differs="100 labels of MNIST, small convolutional networks, 1.1 epochs; labels weigh as much as all other samples",
    measures="errors over those of the better single GAN at equal labels and rounds, three seeds",
    goal="at most 1",
    ours=_told,
)
