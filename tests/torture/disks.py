"""Disks that are full from a random file-system event on: one sentence, nothing lost, and the run goes on exactly."""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from tests.torture import children
from tests.torture.children import draws, outcome, place, run
from tests.torture.kills import RECIPES, SHARED

NAMES = ("gan/toy", "dcgan", "cgan/toy")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.torture disks", description=__doc__)
    parser.add_argument("--disks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    children.ready()
    chance, began, full, wrong = draws(given.seed), time.monotonic(), 0, list[str]()
    with place() as folder:
        for number, name in enumerate(NAMES):
            command = ("train", name, *SHARED, *RECIPES[name])
            whole = run(*command, "--out", f"whole-{number}", watched=folder / f"whole-{number}")
            expected = outcome(folder / f"whole-{number}")
            for k in range(number, given.disks, len(NAMES)):
                out = Path(f"run-{k}")
                if k % 4 == 3:  # files that cannot grow any more, by the system's word
                    with Limited(chance.randint(1, 60_000)):
                        ended = run(*command, "--out", out, watched=out)
                else:
                    event = chance.randint(1, whole.events)
                    ended = run(*command, "--out", out, watched=out, at_event=event, act=children.fill)
                full += ended.code == 2
                if ended.is_traceback or not (ended.code == 0 or ended.said.startswith("zerosum: ")):
                    wrong.append(f"{name}, {k}: {ended.code}, {ended.err}")
                again = ("resume", out) if (out / "run.json").exists() else (*command, "--out", out)
                freed = run(*again, watched=out)
                if freed.code:
                    wrong.append(f"{name}, {k}, resumed: {freed.code}, {freed.err}")
                elif difference := expected.differs(outcome(out)):
                    wrong.append(f"{name}, {k}: {difference}")
                shutil.rmtree(out)
    print(
        f"{given.disks} disks that ran full, {full} of them noticed by the run: {len(wrong)} ended otherwise than in a "
        f"sentence and, once there was room, an equal run; {time.monotonic() - began:.0f} s"
    )
    print("\n".join(wrong))
    return bool(wrong)


class Limited:
    """A context in which no file of this process and its children grows beyond so many bytes."""

    def __init__(self, most: int):
        self.most = most

    def __enter__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.most, self.before[1]))

    def __exit__(self, *exception: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
