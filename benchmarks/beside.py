"""Training beside other programs: `python -m benchmarks.beside` prints the share of its quiet speed that is left.

A small network is trained for some seconds: alone, beside a process that keeps one processor busy, and beside a second
training. Each time OpenMP's threads wait for each other as they do by default, and as the command `zerosum` lets them
(`zerosum.cli.spin_briefly`). The goal of a case is a third of the share of the processors that is left to it: as many
processors as there are, divided by the threads that want one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from time import perf_counter

from zerosum.cli import SPINS

SECONDS, WARM_UP, STARTED = 3.0, 3, "started"
BUSY = f"print({STARTED!r}, flush=True)\nwhile True: pass"
SETTINGS: dict[str, dict[str, str]] = {"default": {}, "zerosum": {"GOMP_SPINCOUNT": SPINS}}
CASES = ("alone", "busy", "twin")


def train(name: str, seconds: float) -> float:
    """Training steps a second, of `seconds` after a few steps."""
    from zerosum.games import find
    from zerosum.workflows.prepare import DataChoice, prepare

    recipe = find(name)
    trainer = prepare(recipe, recipe.training, {}, DataChoice(recipe.data)).trainer
    trainer.game.train()
    for _ in range(WARM_UP):
        trainer.round()
    print(STARTED, flush=True)
    played, began = 0, perf_counter()
    while (passed := perf_counter() - began) < seconds:
        trainer.round()
        trainer.pop_metrics()
        played += 1
    return played / passed


def speed(name: str, case: str, setting: Mapping[str, str]) -> float:
    """Steps a second of a training in a process of its own, beside what the case says."""
    known = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in known} | setting
    training = [sys.executable, "-m", "benchmarks.beside", "--train", name, "--seconds"]
    beside = {"alone": None, "busy": [sys.executable, "-c", BUSY], "twin": [*training, "1000000"]}[case]
    other = subprocess.Popen(beside, env=environment, stdout=subprocess.PIPE, text=True) if beside else None
    try:
        if other and other.stdout:
            other.stdout.readline()  # it is under way
        done = subprocess.run([*training, str(SECONDS)], env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout.split()[-1])
    finally:
        if other:
            other.kill()
            other.wait()


def measured(name: str, repeats: int, settings: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], float]:
    """The median steps a second by setting and case, which take turns."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        for case in CASES:
            for label, setting in settings.items():
                found.setdefault((label, case), []).append(speed(name, case, setting))
    return {key: statistics.median(speeds) for key, speeds in found.items()}


def share(case: str, processors: int) -> float:
    """Of the processors, what is left to a training with a thread for each."""
    others = {"alone": 0, "busy": 1, "twin": processors}[case]
    return processors / (processors + others)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", metavar="RECIPE", help="train, and print the steps a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.train:
        print(train(given.train, given.seconds))
        return
    found, processors = measured(given.recipe, given.repeats, SETTINGS), os.cpu_count() or 1
    for (label, case), steps in found.items():
        left, goal = steps / found[label, "alone"], share(case, processors) / 3
        print(f"{given.recipe} {label:8} {case:6} {steps:8.2f} steps/s, {left:.2f} of alone (goal {goal:.2f})")


if __name__ == "__main__":
    main()
