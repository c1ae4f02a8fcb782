"""Rounds a second on a GPU with rounds recorded as CUDA graphs, and without: `python -m benchmarks.graphs`."""

from __future__ import annotations

import statistics
import time

import torch

from zerosum import data
from zerosum.games import find
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

CASES = {"gan/toy": ("ring", 256), "gan/paper": ("mnist", 100), "dcgan": ("mnist", 64)}
SECONDS, REPEATS = 3.0, 3


def rounds_a_second(name: str, graphs: bool) -> float:
    """The median of several timings, after the rounds that are needed to record."""
    source, batch_size = CASES[name]
    loaded = data.load(source)
    device = torch.device("cuda")
    training = Training(10**9, batch_size, precision="fp32", graphs=graphs)
    stream = data.Stream(loaded, batch_size, seed=0, device=device)
    trainer = Trainer(find(name).build(loaded.spec), stream, training, device)
    trainer.game.train()
    rates = []
    for _ in range(REPEATS + 1):
        torch.cuda.synchronize()
        began, rounds = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            for _ in range(50):
                trainer.round()
            trainer.pop_metrics()  # waits for the device
            rounds += 50
        rates.append(rounds / (time.perf_counter() - began))
    return statistics.median(rates[1:])  # the first records


if __name__ == "__main__":
    if not torch.cuda.is_available():
        raise SystemExit("benchmarks.graphs: there is no GPU here")
    torch.set_num_threads(1)
    for case in CASES:
        plain, recorded = rounds_a_second(case, False), rounds_a_second(case, True)
        print(f"{case}: {plain:.0f} rounds/s, recorded {recorded:.0f}, ratio {recorded / plain:.1f}", flush=True)
