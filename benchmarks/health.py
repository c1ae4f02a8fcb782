"""What watching costs: rounds per second with the monitor over those without. `python -m benchmarks.health`.

Both trainings go in turn, in one process, from equal states; the monitor's own setting up is counted as well.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.health.verdicts import History
from zerosum.recipe import find
from zerosum.training.hooks.log import Log
from zerosum.workflows.train import prepare, split


def rate(recipe: str, steps: int, watched: bool) -> float:
    """Rounds per second of a short training."""
    found = find(recipe)
    training, options = split(found, {"steps": steps})
    trainer, loaded, *_ = prepare(found, training, options, found.data)
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        hooks = [Log(training.log_every, steps, ())]
        if watched:
            hooks.insert(0, Monitor(SignalMeter(loaded), Path(folder, "health.jsonl"), History(steps)))
        trainer.train(hooks)
        return steps / (perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for recipe, steps in (("composed/demo", 2000), ("gan/toy", 5000)):
        rate(recipe, 100, watched=True)  # the disk and the caches are warm from here on
        pairs = [(rate(recipe, steps, watched=True), rate(recipe, steps, watched=False)) for _ in range(repeats)]
        ratio = statistics.median(watched / alone for watched, alone in pairs)
        print(f"{recipe}: {ratio:.3f} of the rounds per second (goal: 0.97 or more)")


if __name__ == "__main__":
    main()
