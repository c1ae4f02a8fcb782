"""How many fresh samples of a run of digits the packaged network recognises: `python -m benchmarks.demo_quality`.

A sample counts as recognised where the network gives one digit a probability of at least 0.9. The share of MNIST's test
digits that it recognises is printed beside, and the samples' Fréchet distance to them: the network is sure of some
pictures that are no digits, noise among them, and the distance tells these.
"""

import argparse

import torch
from torch import Tensor

import zerosum
from zerosum import data
from zerosum.metrics.extractors import Extractor, Features, extract, find
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments

SURE = 0.9  # probability from which a sample counts as recognised
SAMPLES = 1000


def recognised(digits: Features) -> tuple[float, Tensor]:
    """The share of samples that are recognised, and each sample's likeliest digit (N,)."""
    assert digits.logits is not None
    sure, guess = digits.logits.softmax(1).max(1)
    return (sure >= SURE).double().mean().item(), guess


def report(run: str, seed: int, extractor: Extractor, real: Moments) -> str:
    digits = extractor(zerosum.load(run).sample(SAMPLES, seed=seed))
    share, guess = recognised(digits)
    rarest = torch.bincount(guess, minlength=10).min().item() / SAMPLES
    distance = frechet(real, Moments.of(digits.features))
    return f"{run}, samples of seed {seed}: {share:.1%} recognised, rarest digit {rarest:.1%}, Fréchet {distance:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="*", default=["runs/demo"])
    parser.add_argument("--seeds", type=int, default=3, help="independent draws of 1,000 samples")
    options = parser.parse_args()
    extractor, test = find("digits"), data.load("mnist:test")
    assert test.y is not None
    digits = extract(extractor, (part.float() / 127.5 - 1 for part in test.x.split(1000)))
    share, guess = recognised(digits)
    print(f"{(guess == test.y).double().mean():.2%} of the test digits right, {share:.1%} recognised")
    for run in options.run:
        for seed in range(options.seeds):
            print(report(run, seed, extractor, Moments.of(digits.features)))


if __name__ == "__main__":
    main()
