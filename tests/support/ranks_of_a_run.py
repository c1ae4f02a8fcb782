"""Parts of a run, played by each process: `python ranks_of_a_run.py PART FOLDER` writes {world}-{rank}.json there."""

from __future__ import annotations

import gc
import json
import shutil
import sys
from pathlib import Path

import torch

import zerosum
from zerosum.training.trainer import Trainer
from zerosum.util import distributed

torch.set_num_threads(1)
distributed.start()
rank, world = distributed.rank(), distributed.world_size()
part, folder = sys.argv[1], Path(sys.argv[2])
few = {"batch_size": 16 // world, "log_every": 5, "checkpoint_every": 4, "quiet": True, "health": False}


def state(trainer: Trainer) -> list[float]:
    """Of this process: its next random number, and a sum of its weights."""
    with torch.random.fork_rng():
        noise = float(torch.rand(()))
    return [noise, sum(p.detach().double().sum().item() for p in trainer.game.parameters())]


def whole() -> object:
    """Eight rounds, at once, and four and four: what each process ends with."""
    found: list[list[float]] = []

    def keep(trainer: Trainer) -> None:
        if trainer.step == 8:
            found.append(state(trainer))

    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == 4 and rank == world - 1  # the last process alone asks

    zerosum.train("gan/toy", out=folder / f"at-once-{world}", steps=8, hooks=[keep], **few)
    run = zerosum.train("gan/toy", out=folder / f"stopped-{world}", steps=8, hooks=[stop], **few)
    found.append([float(run.step)])
    zerosum.resume(folder / f"stopped-{world}", hooks=[keep], quiet=True)
    return found


def unread() -> object:
    """Eight rounds, at once, and stopped between two lines of the log: the lines of each, but for their seconds."""
    settings = few | {"checkpoint_every": 100, "steps": 8}

    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == 3

    runs = [folder / f"{name}-{world}" for name in ("unbroken", "between")]
    zerosum.train("gan/toy", out=runs[0], **settings)
    zerosum.train("gan/toy", out=runs[1], hooks=[stop], **settings)
    shutil.copytree(runs[1], folder / f"stopped-{world}") if rank == 0 else None
    zerosum.resume(runs[1], quiet=True)
    lines = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in runs]
    return [[line | {"seconds": 0} for line in of_run] for of_run in lines]


def retained() -> object:
    """How many objects and tensors there are after some rounds, and after three times as many."""
    counts = []

    def count(trainer: Trainer) -> None:
        if trainer.step in (100, 300):
            gc.collect()
            objects = gc.get_objects()
            counts.append([len(objects), sum(isinstance(o, torch.Tensor) for o in objects)])

    zerosum.train("gan/toy", out=folder / f"run-{world}", steps=301, hooks=[count], **few)
    return counts


with open(folder / f"{world}-{rank}.json", "w", encoding="utf-8") as file:
    json.dump({"whole": whole, "unread": unread, "retained": retained}[part](), file)
