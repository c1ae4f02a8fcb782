"""A study: a protocol, run over several seeds, and the record of what came out.

A study is made of parts that do not depend on each other. Finished parts are kept as files, so a study can be stopped
and taken up again; parts run in parallel, one process a core.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import re
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from zerosum import __version__
from zerosum.errors import ZerosumError
from zerosum.studies.changes import CHANGES
from zerosum.util.files import write_atomic

IN_CHECKOUT = Path(__file__).parents[3] / "reproductions" / "results"
IN_WHEEL = Path(__file__).with_name("results")  # where the build puts them (pyproject.toml)
DIRTY = "+"  # ends the name of a commit whose tree was changed
Measurements = Mapping[str, Any]  # plain values, as JSON has them


def each_value(result: Measurements) -> str:
    """The values of a result, one a seed, to four digits."""
    return ", ".join(f"{value:.4g}" for value in result["values"])


@dataclass(frozen=True)
class Study:
    """What `zerosum reproduce NAME` runs.

    A study is either the protocol of a paper (`papers`): its networks and data, for its budget or a fraction of it that
    `differs` states. Or it is a way of zerosum's own to a goal of its own: a number beside one of another problem or of
    other networks is no reproduction. So only the first kind can be "met"; `differs` says in words what was other.
    """

    name: str
    protocol: str  # in words
    published: str  # what others report for it
    target: float
    relation: Literal[">=", "<="]  # of the mean of the values to the target
    seeds: tuple[int, ...]
    parts: Callable[[int], Sequence[str]]  # of one seed
    run: Callable[[str, int, float, Path], Measurements]  # part, seed, fraction of its rounds, folder of its own
    summarise: Callable[[Sequence[Measurements]], Measurements]  # of all parts to "values", one a seed, and others
    extra_check: Callable[[Measurements], bool] = lambda summary: True  # what the target asks of the others
    papers: bool = False  # a paper's protocol; else a way of zerosum's own
    differs: str = ""  # from the paper whose number is `published`, in words; empty where there is none to differ from
    measures: str = ""  # what a value is, and of how many seeds
    goal: str = ""  # in words; by default the target
    ours: Callable[[Measurements], str] = each_value  # what a recorded result says, in a few numbers
    judged: Callable[[Sequence[float]], float] = statistics.fmean  # what of the values the target is of
    parts_of: str = ""  # the study whose finished parts are those of this one, too
    picture: Callable[[Measurements, Path, Path], None] | None = None  # of a result and the parts' folder, to a file

    @property
    def work(self) -> str:
        """The name under which finished parts are kept."""
        return self.parts_of or self.name

    @property
    def stated_goal(self) -> str:
        """The goal; else the target."""
        return self.goal or f"{'at least' if self.relation == '>=' else 'at most'} {self.target:g}"

    def reached(self, result: Measurements) -> bool:
        """Whether a result's numbers are those that the target asks for."""
        value = self.judged(result["values"])
        near = value >= self.target if self.relation == ">=" else value <= self.target
        return near and self.extra_check(result)

    def verdict(self, result: Measurements) -> str:
        """ "met" or "missed" for a paper's protocol; for a way of our own whether it reaches its own goal."""
        if self.papers:
            return "met" if self.reached(result) else "missed"
        return "reaches it" if self.reached(result) else "does not"


@dataclass(frozen=True)
class Done:
    """A finished part."""

    part: str
    seed: int
    left: int  # parts still to be run
    measurements: Measurements


def by_part(parts: Sequence[Measurements], keys: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """By the name of each part what it measured: of each key a list, with one value a seed."""
    names = dict.fromkeys(part["part"] for part in parts)
    return {name: {key: [p[key] for p in parts if p["part"] == name] for key in keys} for name in names}


def run(study: Study, seeds: Sequence[int], fraction: float, work: Path, processes: int) -> Iterator[Done]:
    """Run the parts that `work` does not hold yet, yielding each as it is done; what stops it stops the others at once.

    Raises:
        ZerosumError: `work` holds parts of another study, or a process was killed.
    """
    todo = [(part, seed) for seed in seeds for part in study.parts(seed) if _read(study, work, seed, part) is None]
    if not todo:
        return
    # Spawned, not forked: a forked process inherits locks of PyTorch's threads.
    context, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    with ProcessPoolExecutor(processes, context, _worker) as pool:
        futures = {
            pool.submit(_part, study.run, study.work, part, seed, fraction, _path(work, seed, part)): (part, seed)
            for part, seed in todo
        }
        try:
            for count, future in enumerate(as_completed(futures), 1):
                yield Done(*futures[future], left=len(todo) - count, measurements=future.result())
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # a part may take hours, and its checkpoints are kept
                if process not in others:
                    process.terminate()
            if isinstance(error, BrokenProcessPool):
                cure = "with fewer --processes" if processes > 1 else "where there is more of it"
                raise ZerosumError(
                    "a process was killed, perhaps by the system for want of memory; what is finished is kept: run the "
                    f"same command again, {cure}"
                ) from None
            raise


def record(study: Study, seeds: Sequence[int], work: Path, command: str) -> dict[str, Any]:
    """The result of all parts in `work`, as the results' files have it.

    Raises:
        ZerosumError: a part is missing, or is of another study.
    """
    parts = []
    for seed in seeds:
        for part in study.parts(seed):
            found = _read(study, work, seed, part)
            if found is None:
                path = _path(work, seed, part)
                raise ZerosumError(f"{path} is missing; run `zerosum reproduce {study.name}` again to finish it")
            parts.append(found)
    summary = dict(study.summarise([part["figures"] for part in parts]))
    values = [float(value) for value in summary.pop("values")]
    return {
        "name": study.name,
        "protocol": study.protocol,
        "papers": study.papers,
        "differs": study.differs,
        "measures": study.measures,
        "goal": study.stated_goal,
        "seeds": list(seeds),
        "values": values,
        "mean": statistics.fmean(values),
        "std": statistics.stdev(values) if len(values) > 1 else 0.0,
        "published": study.published,
        "target": f"{study.relation} {study.target:g}",
        **({} if study.judged is statistics.fmean else {"judged": study.judged(values)}),
        "verdict": study.verdict({"values": values, **summary}),
        "ours": study.ours({"values": values, **summary}),
        **summary,
        "command": command,
        "commit": ", ".join(sorted({part["commit"] for part in parts})),
        "changes": sorted(set.intersection(*(set(part.get("changes", ())) for part in parts))),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "hardware": ", ".join(sorted({part["hardware"] for part in parts})),
    }


def check_committed() -> None:
    """`ZerosumError` where the package was changed since its commit, or lies in none: a result names what made it."""
    code = commit()
    if code.endswith(DIRTY):
        cause = f"src/zerosum has changes since {code.removesuffix(DIRTY)} that are not committed; commit them"
    elif code.startswith("zerosum "):
        cause = "this checkout has no history of git; clone zerosum"
    else:
        return
    raise ZerosumError(f"a recorded result names its commit, and {cause}, or run fewer --seeds or a --fraction")


def checkout_results() -> Path:
    """`reproductions/results` of the checkout that the package lies in; `ZerosumError` where it lies in none."""
    if not IN_CHECKOUT.is_dir():
        raise ZerosumError(
            "results are recorded in a checkout of zerosum, and this is an installed package; "
            "run fewer --seeds or a --fraction, which are not recorded, or install the checkout (pip install -e .)"
        )
    return IN_CHECKOUT


def write(result: Mapping[str, Any], folder: Path) -> Path:
    """Write `folder/NAME.json`; `ZerosumError` where a part was measured on a tree that no commit has."""
    if DIRTY in result["commit"]:
        raise ZerosumError(
            f"not recorded: parts of {result['name']} were measured with changes that are not committed "
            f"({result['commit']}); delete those parts, commit, and run it again"
        )
    path = folder / f"{result['name']}.json"
    text = json.dumps(_finite(result), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, f"{text}\n".encode())
    return path


def _finite(value: Any) -> Any:
    """A JSON value with nothing in place of what is infinite or no number, such as PSNR of equal images."""
    if isinstance(value, Mapping):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(own) for own in value]
    return value if not isinstance(value, float) or math.isfinite(value) else None


def results(folder: Path | None = None) -> list[dict[str, Any]]:
    """All recorded results, by name: those of the checkout, or those that an installed package comes with.

    Raises:
        ZerosumError: a file is damaged, or there are none.
    """
    folder = folder or next((known for known in (IN_CHECKOUT, IN_WHEEL) if known.is_dir()), None)
    if folder is None:
        raise ZerosumError(f"no recorded results in {IN_WHEEL}; install zerosum's wheel, or its checkout")
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(json.loads(path.read_bytes()))
        except ValueError:
            raise ZerosumError(f"{path} is damaged; delete it, or run its protocol again") from None
    return found


def _part(
    run: Callable[[str, int, float, Path], Measurements], study: str, part: str, seed: int, fraction: float, path: Path
) -> Measurements:
    start, code = time.perf_counter(), commit()  # the checkout may move on while a part runs
    measurements = run(part, seed, fraction, path.with_suffix(""))
    done = {
        "study": study,
        "part": part,
        "seed": seed,
        "fraction": fraction,
        "figures": measurements,
        "seconds": round(time.perf_counter() - start, 2),
        "commit": code,
        "changes": sorted(CHANGES),
        "hardware": hardware(),
    }
    write_atomic(path, json.dumps(done).encode())
    return measurements


def _read(study: Study, work: Path, seed: int, part: str) -> dict[str, Any] | None:
    """A finished part, or none; `ZerosumError` for a part of another study: names of parts are alike."""
    path = _path(work, seed, part)
    if not path.exists():
        return None
    done: dict[str, Any] = json.loads(path.read_bytes())
    if done.get("study") != study.work:
        owner = done.get("study", "a study of an older zerosum, which may have had another name")
        raise ZerosumError(f"{path} is of {owner}, not of {study.work}; delete it, or choose another --work")
    return done


def part_folder(work: Path, seed: int, part: str) -> Path:
    """The folder in `work` where a part keeps what it makes."""
    return _path(work, seed, part).with_suffix("")


def _path(work: Path, seed: int, part: str) -> Path:
    return work / f"seed-{seed}" / (re.sub(r"[^\w]+", "-", part) + ".json")


def _worker() -> None:
    """One thread, and an end with the process that began it, however that one ends."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def commit() -> str:
    """The commit of the checkout that the package lies in, "+" if it was changed since; else the version."""
    here = Path(__file__).parents[1]
    try:
        head, changes = (
            subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
            for command in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", "."])
        )
    except (OSError, subprocess.CalledProcessError):
        return f"zerosum {__version__}"
    return head + ("+" if changes else "")


def hardware() -> str:
    """The processor and the number of cores, and the GPU where there is one."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, {os.cpu_count()} cores{gpu}"
