"""Kills at random instants and before random file-system events: a run that is resumed equals one never stopped."""

from __future__ import annotations

import argparse
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from tests.torture import children
from tests.torture.children import Outcome, draws, outcome, place, run

DIVERGING = f"{Path(__file__).with_name('diverging.py')}:toy"
SHARED = ("--batch-size", 8, "--steps", 30, "--checkpoint-every", 4, "--log-every", 3, "--keep", 2, "--device", "cpu")
QUICK = ("--no-health",)
RECIPES: dict[str, tuple[object, ...]] = {
    "gan/toy": (),
    "cgan/toy": (),
    "wgan/toy": QUICK,
    "wgan-gp/toy": QUICK,
    "began/toy": QUICK,
    "r3gan/toy": QUICK,
    "bigan/toy": QUICK,
    "infogan/toy": QUICK,
    "unrolled/toy": QUICK,
    "sgan/toy": QUICK,
    "dcgan": ("--data", "digits", "--size", 16, "--network.width", 4, *QUICK),
    DIVERGING: ("--retries", 12, "--keep", 3, *QUICK),  # it is rolled back on the way
}
A_CHAIN = 5  # kills of one run, at most


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.torture kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--recipes", type=int, default=len(RECIPES), help="so many of the last ones")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    children.ready()
    names, began = list(RECIPES)[-given.recipes :], time.monotonic()
    shares = [given.kills // len(names) + (i < given.kills % len(names)) for i in range(len(names))]
    total, runs, wrong, rolled = 0, 0, list[str](), 0
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        with place() as folder:
            command = ("train", name, *SHARED, *RECIPES[name])
            whole = run(*command, "--out", "whole", watched=folder / "whole")
            if whole.code:
                raise SystemExit(f"{name} does not train: {whole.err}")
            back = whole.err.count("back to step")
            rolled += back
            expected, killed, attempt = outcome(folder / "whole"), 0, 0
            while killed < share:
                attempt += 1
                kills, difference = _chain(command, whole, expected, min(A_CHAIN, share - killed), number, attempt)
                killed, runs = killed + kills, runs + 1
                wrong += [f"{name}, seed {number}.{attempt}: {difference}"] if difference else []
            total += killed
            print(f"{Path(name).name}: {killed} kills of {attempt} runs, each {back} times rolled back", flush=True)
    print(
        f"{total} kills of {runs} runs of {len(names)} recipes, {rolled} rollbacks in an uninterrupted run of each: "
        f"{runs - len(wrong)} runs equal the uninterrupted one bit for bit, {len(wrong)} do not; "
        f"{time.monotonic() - began:.0f} s"
    )
    print("\n".join(wrong))
    return bool(wrong)


def _chain(
    command: Sequence[object], whole: children.Ended, expected: Outcome, kills: int, number: int, attempt: int
) -> tuple[int, str]:
    """Kill a run so many times, and resume it to its end: kills, and what is other than in the uninterrupted run."""
    chance, out, done = draws(1000 * number + attempt), Path(f"run-{attempt}"), 0
    for kill in range(kills + 1):
        begun = (out / "run.json").exists()
        own = "--recipe" if ":" in str(command[1]) else ""
        arguments = ("resume", out, *((own, command[1]) if own else ())) if begun else (*command, "--out", out)
        if kill == kills:
            ended = run(*arguments, watched=out)
        elif chance.random() < 0.5:
            ended = run(*arguments, watched=out, at_event=chance.randint(1, whole.events // 2), act=children.kill)
        else:
            ended = run(*arguments, watched=out, kill_after=chance.uniform(0.0, 0.7 * whole.seconds))
        if ended.code == -signal.SIGKILL:
            done += 1
        elif ended.code:
            return done, f"ended with {ended.code}: {ended.err}"
    difference = expected.differs(outcome(out))
    shutil.rmtree(out)
    return done, difference
