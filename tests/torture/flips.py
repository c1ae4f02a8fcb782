"""Bits flipped in every file of a run: `sample` and `resume` refuse by name, or do exactly what they did before."""

from __future__ import annotations

import argparse
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tests.torture import children
from tests.torture.children import Ended, draws, place, run
from tests.torture.kills import RECIPES, SHARED

from zerosum.training import checkpoint

NAME = "dcgan"  # of images, whose pictures are quickly drawn

STEPS = 32  # that a run of fewer is resumed to
SAVED = (checkpoint.GAME, checkpoint.AVERAGE, checkpoint.TRAINING, checkpoint.POSITION)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.torture flips", description=__doc__)
    parser.add_argument("--flips", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    children.ready()
    chance, began, counts, wrong = draws(given.seed), time.monotonic(), Counter[str](), list[str]()
    with place() as folder:
        first = run("train", NAME, *SHARED, *RECIPES[NAME], "--out", "run", watched=folder)
        assert first.code == 0, first.err
        shutil.copytree("run", "whole")
        assert _resumed(folder, Path("whole")).code == 0
        assert _sampled(folder, Path("run"), "whole.npz").code == 0
        files = sorted(path.relative_to("run") for path in Path("run").rglob("*") if path.is_file())
        files = [path for path in files if Path("run", path).stat().st_size]
        for k in range(given.flips):
            file = files[k % len(files)]
            shutil.copytree("run", "flipped")
            bit = chance.randrange(8 * Path("run", file).stat().st_size)
            _flip(Path("flipped", file), bit)
            Path("now.npz").unlink(missing_ok=True)
            ends = [_sampled(folder, Path("flipped"), "now.npz"), _resumed(folder, Path("flipped"))]
            same = [_same_samples, _same_weights]
            for what, ended, is_same in zip(("sample", "resume"), ends, same, strict=True):
                kind = _kind(ended, file) or ("same" if is_same() else "silent")
                counts[f"{what}: {kind}"] += 1
                if kind in ("silent", "traceback", "unnamed"):
                    wrong.append(f"{what}, bit {bit} of {file}: {kind}: {ended.said}")
            shutil.rmtree("flipped")
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    print(f"{given.flips} flipped bits in {len(files)} files: {told}; {time.monotonic() - began:.0f} s")
    print("\n".join(wrong))
    return bool(wrong)


def _kind(ended: Ended, file: Path) -> str:
    """What the command said of a flip; "" if it did what it was asked."""
    if ended.is_traceback:
        return "traceback"
    if ended.code:
        return "refused" if file.name in ended.said and (";" in ended.said or ":" in ended.said[9:]) else "unnamed"
    return ""


def _flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def _sampled(folder: Path, path: Path, out: str) -> Ended:
    return run("sample", path, "-n", 20, "--seed", 3, "--out", out, watched=folder)


def _resumed(folder: Path, path: Path) -> Ended:
    return run("resume", path, "--steps", STEPS, watched=folder)


def _same_samples() -> bool:
    with np.load("now.npz") as now, np.load("whole.npz") as whole:
        return set(now) == set(whole) and all(now[name].tobytes() == whole[name].tobytes() for name in whole)


def _same_weights() -> bool:
    """At the end, whatever the log and the earlier checkpoints hold."""
    files = [f"checkpoints/step-{STEPS:08d}/{name}" for name in SAVED]
    return all(Path("flipped", file).read_bytes() == Path("whole", file).read_bytes() for file in files)
