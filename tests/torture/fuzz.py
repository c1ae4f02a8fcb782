"""Damaged and hostile files for every reader: each is read, or refused in a sentence, in bounds of time and memory.

A process reads them one by one, so that whatever one does to it is seen: how it ends, how long it takes, and how much
memory it had at most.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tests.torture import fuzz_readers
from tests.torture.fuzz_readers import READERS

from zerosum.errors import ZerosumError

SECONDS = 20.0  # of the processor, for one input
ROUNDS = 10  # of collecting garbage before memory is measured
MEMORY = 1 << 30  # bytes beyond what the process had before: more cannot be had
PATIENCE = 300.0  # seconds of silence after which a process is ended


class Outcome(NamedTuple):
    """What one input did."""

    reader: str
    number: int
    kind: str  # "read", "refused", or what is wrong
    detail: str = ""
    seconds: float = 0.0


def fuzz(counts: dict[str, int], seed: int, keep: Path | None = None) -> list[Outcome]:
    """The outcomes of so many inputs of each reader.

    Args:
        keep: a folder for inputs whose outcome is wrong.
    """
    jobs = [(reader, number) for reader, count in counts.items() for number in range(count)]
    found: list[Outcome] = []
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        if os.environ.get("ZEROSUM_CACHE") is None:
            os.environ["ZEROSUM_CACHE"] = f"{folder}/cache"
        needs_run = {Path(name).name for name in fuzz_readers.OF_RUN} & counts.keys()
        if needs_run:
            fuzz_readers.make_run(Path(folder))
        while len(found) < len(jobs):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(jobs[len(found) :], seed, Path(folder), theirs))
            process.start()
            theirs.close()
            found += _collected(ours, process, jobs[len(found) :])
        if keep is not None:
            _keep(wrong(found), seed, keep)
    return found


def _keep(outcomes: Sequence[Outcome], seed: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        name = f"{outcome.reader.strip('.').replace(' ', '-').replace(',', '')}-{outcome.number}"
        (folder / name).write_bytes(content_of(outcome.reader, outcome.number, seed))
        (folder / f"{name}.txt").write_text(f"{outcome.kind}\n{outcome.detail}\n")


def content_of(reader: str, number: int, seed: int) -> bytes:
    """The input of a number."""
    return READERS[reader].input(random.Random(f"{seed} {reader} {number}"))


def wrong(found: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in found if outcome.kind not in ("read", "refused")]


def _collected(
    ours: Connection, process: multiprocessing.process.BaseProcess, jobs: list[tuple[str, int]]
) -> list[Outcome]:
    """What a process reports until it has done all, or ends otherwise, which is the outcome of the input it was at."""
    found: list[Outcome] = []
    try:
        while len(found) < len(jobs):
            if not ours.poll(PATIENCE):
                process.kill()
                raise EOFError
            found.append(ours.recv())
    except EOFError:
        process.join()
        found.append(Outcome(*jobs[len(found)], f"the process ended with {process.exitcode}"))
    process.join()
    return found


def _work(jobs: list[tuple[str, int]], seed: int, folder: Path, told: Connection) -> None:
    own = folder / f"of-{os.getpid()}"
    own.mkdir()
    for _ in range(ROUNDS):  # else what only garbage holds counts as had, and can be had again once it is gone
        if not gc.collect():  # what is freed may leave garbage of its own
            break
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    for reader, number in jobs:
        began = time.process_time()
        kind, detail = _outcome(reader, content_of(reader, number, seed), own)
        took = time.process_time() - began
        if kind in ("read", "refused") and took > SECONDS:
            kind = "too slow"
        told.send(Outcome(reader, number, kind, detail, took))
    shutil.rmtree(own, ignore_errors=True)
    told.close()
    os._exit(0)


def _outcome(reader: str, content: bytes, folder: Path) -> tuple[str, str]:
    try:
        READERS[reader].read(folder, content)
        return "read", ""
    except ZerosumError as error:
        text = str(error)
        return ("refused", text[:200]) if "\n" not in text and len(text) < 3000 else ("no sentence", text[:2000])
    except BaseException as error:
        lines = "".join(traceback.format_exception(error))[-3000:]
        return type(error).__name__, lines


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.torture fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of all readers together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="*", default=(), help=", ".join(READERS))
    parser.add_argument("--keep", type=Path, help="a folder for inputs that are neither read nor refused in a sentence")
    given = parser.parse_args(arguments)
    names = list(given.readers or READERS)
    share, more = divmod(given.inputs, len(names))
    began = time.monotonic()
    found = fuzz({name: share + (k < more) for k, name in enumerate(names)}, given.seed, given.keep)
    print(f"{'reader':<18} {'inputs':>7} {'read':>7} {'refused':>8} {'wrong':>6} {'slowest':>8}")
    for name in names:
        own = [outcome for outcome in found if outcome.reader == name]
        kinds = Counter(outcome.kind for outcome in own)
        slowest = max((outcome.seconds for outcome in own), default=0.0)
        bad = len(wrong(own))
        print(f"{name:<18} {len(own):>7,} {kinds['read']:>7,} {kinds['refused']:>8,} {bad:>6,} {slowest:>6.1f} s")
    for outcome in wrong(found):
        last = outcome.detail.strip().splitlines()[-1:] or [""]
        print(f"{outcome.reader} {outcome.number}: {outcome.kind}: {last[0][:200]}")
    bad = len(wrong(found))
    print(f"{len(found):,} inputs, {bad:,} neither read nor refused in a sentence, in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0
