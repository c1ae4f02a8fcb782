"""Changes of zerosum that make recorded results stale, each with the studies whose numbers it may move.

A result says which of these it was measured with ("changes" in its file); those that it lacks are printed beside it,
until it is measured again. A new entry belongs to the commit that changes what a study measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """What is other since then, in words, and whose results it touches."""

    what: str
    studies: Sequence[str]


CHANGES: Mapping[str, Change] = {
    "draws": Change(
        "a sample follows from the seed and its place alone, no longer from how many are drawn",
        (
            "acgan-class-accuracy",
            "began-equilibrium",
            "cgan-class-accuracy",
            "cgan-parzen-own",
            "gan-parzen",
            "grid-25",
            "grid-25-own",
            "improved-techniques",
            "stacked-mnist-own",
            "synthesize-mnist",
            "wgan-critic-correlation",
            "wgan-without-batch-norm",
        ),
    ),
    "feature matching": Change(
        "feature matching is a mean over features, as the authors' is, no longer a sum",
        ("bad-gan-mnist-100-own", "improved-techniques", "sgan-mnist-100-own"),
    ),
    "monitor": Change(
        "the monitor's verdicts have other criteria",
        ("health", "wgan-without-batch-norm"),
    ),
    "evidence": Change(
        "a healthy run's fakes have the data's colours and fine detail, do not repeat each other, reach all of it, and "
        "are of the classes that are asked for",
        ("health", "health-texts", "health-translators", "wgan-without-batch-norm"),
    ),
    "specks": Change(
        "a healthy run's fakes have no more isolated pixels than the data, and copies of training samples are counted",
        ("health", "health-texts", "health-translators", "wgan-without-batch-norm"),
    ),
    "minibatch": Change(
        "distances of minibatch discrimination are calibrated on data, as the authors' are",
        ("improved-techniques",),
    ),
    "order": Change(
        "the recipe moves all players at once, as its authors do",
        ("bigan-1nn", "gan-parzen"),
    ),
    "R3GAN": Change(
        "R3GAN has the paper's schedules of rates, penalty and averaging",
        ("grid-25", "grid-25-own"),
    ),
    "relativistic": Change(
        "the relativistic loss of G compares with logits of the D that it plays against, as D stands after its step",
        ("grid-25-own", "stacked-mnist-own"),
    ),
    "temperature": Change("SGHMC's temperature follows from how much data there is", ("grid-25-own",)),
    "WGAN-GP": Change(
        "WGAN-GP's generator has the shortcut's convolution and the initialisation of the paper",
        ("stacked-mnist-own",),
    ),
}


def missing(result: Mapping[str, Any]) -> list[str]:
    """The changes that a recorded result was measured before, by name."""
    had = result.get("changes", ())
    return [name for name, change in CHANGES.items() if result["name"] in change.studies and name not in had]
