"""How many fresh samples of a run of digits the packaged network recognises: `python -m benchmarks.demo_quality`.

A sample counts as recognised where the network gives one digit a probability of at least 0.9. The share of MNIST's test
digits that it recognises is printed beside, and the samples' Fréchet distance to them: the network is sure of some
pictures that are no digits, noise among them, and the distance tells these.

With `--trainings 3` it trains the demo three times first, by `zerosum train demo` with seeds 0, 1 and 2, measures each
and writes all to `benchmarks/demo_quality.json`, whose range README.md quotes; docs/demo.png becomes the picture of the
first. `make demo` is the training with seed 0.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

import zerosum
from zerosum import data
from zerosum.metrics.extractors import Extractor, Features, extract, find
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.studies.study import commit, hardware

SURE = 0.9  # probability from which a sample counts as recognised
SAMPLES = 1000
ENOUGH = 3  # trainings, which differ by more than draws of one do
COMMAND = f"python -m benchmarks.demo_quality --trainings {ENOUGH}"
RESULT = Path(__file__).with_name("demo_quality.json")
PICTURE = Path(__file__).parents[1] / "docs" / "demo.png"


@dataclass(frozen=True)
class Draw:
    """What 1,000 samples of one seed are like."""

    seed: int
    recognised: float  # share
    rarest: float  # share of the digit that is seen least
    frechet: float

    def __str__(self) -> str:
        shares = f"{self.recognised:.1%} recognised, rarest digit {self.rarest:.1%}"
        return f"samples of seed {self.seed}: {shares}, Fréchet {self.frechet:.2f}"


def recognised(digits: Features) -> tuple[float, Tensor]:
    """The share of samples that are recognised, and each sample's likeliest digit (N,)."""
    assert digits.logits is not None
    sure, guess = digits.logits.softmax(1).max(1)
    return (sure >= SURE).double().mean().item(), guess


def measure(run: str | Path, seed: int, extractor: Extractor, real: Moments) -> Draw:
    """Samples as the run's recipe draws them, with its truncation."""
    digits = extractor(zerosum.load(run).sample(SAMPLES, seed=seed))
    share, guess = recognised(digits)
    rarest = torch.bincount(guess, minlength=10).min().item() / SAMPLES
    return Draw(seed, share, rarest, frechet(real, Moments.of(digits.features)))


def train(seed: int, folder: Path) -> dict[str, float]:
    """The demo by its command, as a user runs it: seconds from the command to its end, and those of all cores."""
    shutil.rmtree(folder, ignore_errors=True)
    began, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "zerosum", "train", "demo", "--seed", str(seed), "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(perf_counter() - began, 1), "cpu_seconds": round(cpu, 1)}


def record(trainings: int, seeds: int, extractor: Extractor, real: Moments, test: Mapping[str, float]) -> None:
    """Train, measure, print and write the result's file."""
    command = f"python -m benchmarks.demo_quality --trainings {trainings} --seeds {seeds}"
    runs: list[dict[str, Any]] = []
    for seed in range(trainings):
        folder = Path("runs/demo-quality") / f"seed-{seed}"
        took = train(seed, folder)
        draws = [measure(folder, k, extractor, real) for k in range(seeds)]
        for draw in draws:
            print(f"training {seed}, {took['seconds']:.0f} s, {draw}", flush=True)
        if seed == 0:
            shutil.copyfile(folder / "samples.png", PICTURE)
        runs.append({"seed": seed, **took, "draws": [asdict(draw) for draw in draws]})
        found = {"runs": runs, "test": dict(test), "command": command, "commit": commit(), "hardware": hardware()}
        # Each time: what is done is kept if the next training is stopped.
        RESULT.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(sentence(found))


def sentence(found: Mapping[str, Any]) -> str:
    """A result in words, as README.md has it; of fewer than three trainings nothing is said, since they differ."""
    if len(found["runs"]) < ENOUGH:
        return f"*64 samples of `make demo`. How many are recognised is not recorded yet: `{COMMAND}`.*"
    draws = [draw for run in found["runs"] for draw in run["draws"]]
    shares, rarest = ([100 * draw[key] for draw in draws] for key in ("recognised", "rarest"))
    seconds, cpu = ([run[key] for run in found["runs"]] for key in ("seconds", "cpu_seconds"))
    text = (
        f"*64 samples of `make demo`: 5,000 real digits, {min(seconds):.0f} to {max(seconds):.0f} seconds from the "
        f"command to the finished run, {min(cpu):.0f} to {max(cpu):.0f} of processor time ({found['hardware']}). Of "
        f"1,000 fresh samples {min(shares):.1f} to {max(shares):.1f} % are recognised with a probability of at least "
        f"0.9 by the packaged digit network, which classifies {100 * found['test']['right']:.2f} % of MNIST's test "
        f"images correctly and recognises {100 * found['test']['recognised']:.1f} % of them, and the rarest digit is "
        f"{min(rarest):.1f} to {max(rarest):.1f} % of the samples: {len(seconds)} trainings, "
        f"{len(draws) // len(seconds)} seeds of sampling each, drawn with the recipe's truncation "
        f"(`{found['command']}`).*"
    )
    return textwrap.fill(text, 120, break_on_hyphens=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="*", default=["runs/demo"])
    parser.add_argument("--seeds", type=int, default=3, help="independent draws of 1,000 samples")
    parser.add_argument("--trainings", type=int, default=0, help="train the demo so many times first, and record it")
    options = parser.parse_args()
    extractor, test = find("digits"), data.load("mnist:test")
    assert test.y is not None
    digits = extract(extractor, (part.float() / 127.5 - 1 for part in test.x.split(1000)))
    share, guess = recognised(digits)
    right = (guess == test.y).double().mean().item()
    print(f"{right:.2%} of the test digits right, {share:.1%} recognised")
    real = Moments.of(digits.features)
    if options.trainings:
        record(options.trainings, options.seeds, extractor, real, {"right": right, "recognised": share})
        return
    for run in options.run:
        for seed in range(options.seeds):
            print(f"{run}, {measure(run, seed, extractor, real)}")


if __name__ == "__main__":
    main()
