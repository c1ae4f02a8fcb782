"""What monitoring costs: steps per second with the monitor over those without. `python -m benchmarks.health`.

Both trainings run in turn, in one process, from equal states; the set-up of the monitor is counted as well.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from zerosum.games import find
from zerosum.health.history import History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.training.hooks.log import Log
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.train import split


def rate(recipe: str, steps: int, monitored: bool) -> float:
    """Steps per second of a short training."""
    found = find(recipe)
    training, options = split(found, {"steps": steps})
    trainer, loaded, *_ = prepare(found, training, options, DataChoice(found.data))
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        hooks = [Log(training.log_every, steps, ())]
        if monitored:
            meter = SignalMeter(loaded, trainer.game.makes)
            hooks.insert(0, Monitor(meter, Path(folder, "health.jsonl"), History(steps)))
        trainer.train(hooks)
        return steps / (perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for recipe, steps in (("demo", 2000), ("gan/toy", 5000)):
        rate(recipe, 100, monitored=True)  # the disk and the caches are warm from here on
        pairs = [(rate(recipe, steps, monitored=True), rate(recipe, steps, monitored=False)) for _ in range(repeats)]
        ratio = statistics.median(monitored / alone for monitored, alone in pairs)
        print(f"{recipe}: {ratio:.3f} of the steps per second (goal: 0.97 or more)")


if __name__ == "__main__":
    main()
