"""A run directory: `run.json` (this file's `Record`) and the paths of the files that `run.artifacts` lists."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.modality import Classes, Image, Modality, Points, Spec, Vector
from zerosum.recipe import Recipe, Training
from zerosum.util.files import write_atomic


@dataclass(frozen=True)
class DataRecord:
    """The data of a run: enough to find it again, and to notice that it changed."""

    name: str  # as `--data` takes it; a path is absolute
    shape: tuple[int, ...]  # of one sample
    classes: tuple[str, ...]
    count: int
    fingerprint: str
    problems: tuple[str, ...]  # files left out, with the reason
    data_dir: str | None = None
    counts: tuple[int, ...] = ()  # of each class: labelled samples
    labels: int | None = None  # how many were kept, of all there are; None: all
    conditions: tuple[tuple[float, ...], ...] = ()  # some of its vectors, to sample by

    @property
    def spec(self) -> Spec:
        """The modalities of its fields."""
        fields: dict[str, Modality] = {"x": Image(*self.shape) if len(self.shape) == 3 else Points(self.shape[0])}
        if self.classes:
            fields["y"] = Classes(self.classes)
        elif self.conditions:
            fields["y"] = Vector(len(self.conditions[0]))
        return Spec(fields)


@dataclass(frozen=True)
class Record:
    """`run.json`."""

    format: int
    recipe: str
    source: str  # sha256 of the file of a recipe from outside the package
    summary: str
    options: dict[str, dict[str, Any]]  # plain values by the recipe's parameters
    training: Training
    data: DataRecord
    players: dict[str, int]  # parameters of each
    device: str
    precision: str
    versions: dict[str, str]
    command: str
    created: str  # ISO 8601, UTC


@dataclass(frozen=True)
class RunDirectory:
    """The paths of a run, and the rules for writing there."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def health(self) -> Path:
        return self.path / "health.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains here; the lock falls with the process, however it ends."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ZerosumError(
                f"{self.path} is in use: another process is training there; choose another --out"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def create(self, record: Record) -> None:
        """Begin a run here; refused where there is one."""
        if self.record_path.exists():
            raise ZerosumError(
                f"{self.path} already holds a run; go on with it by `zerosum resume {self.path}`, "
                "or choose another --out"
            )
        self.write(record)

    def write(self, record: Record) -> None:
        """Write `run.json`, in one piece."""
        write_atomic(self.record_path, TypeAdapter(Record).dump_json(record, indent=2))

    @property
    def record_path(self) -> Path:
        return self.path / "run.json"

    def read(self) -> Record:
        """`run.json`, validated."""
        try:
            return TypeAdapter(Record).validate_json(self.record_path.read_bytes())
        except FileNotFoundError:
            hint = "`zerosum list` shows the runs below this folder"
            raise ZerosumError(f"{self.path} holds no run (no run.json there); {hint}") from None
        except (OSError, ValidationError) as error:
            raise ZerosumError(f"{self.record_path} is damaged or not a zerosum run: {_first(error)}") from None

    def forget_after(self, step: int) -> None:
        """Drop the metrics of rounds that a resumed run will play again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self.metrics.read_bytes().splitlines(keepends=True) if _is_until(line, step)]
        write_atomic(self.metrics, b"".join(kept))

    def seconds_so_far(self) -> float:
        """Training seconds that the metrics report."""
        lines = self.metrics.read_bytes().splitlines() if self.metrics.exists() else []
        return float(json.loads(lines[-1])["seconds"]) if lines else 0.0


def recipe_of(record: Record, given: str | None) -> Recipe:
    """The recipe of a run; one from outside the package only if it was given, because finding it runs its file."""
    if ":" in record.recipe and given is None:
        raise ZerosumError(
            f"this run was made by {record.recipe}, code from outside zerosum; if you trust that file, "
            f"add --recipe {shlex.quote(record.recipe)}"
        )
    return find(given or record.recipe)


def versions() -> dict[str, str]:
    """What a result may depend on."""
    packages = {name: version(name) for name in ("zerosum", "torch", "numpy")}
    return {"python": platform.python_version(), **packages, "platform": platform.platform()}


def free_path(parent: Path, stem: str) -> Path:
    """`parent/stem-1`, or with the next number that is free."""
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


def _is_until(line: bytes, step: int) -> bool:
    try:
        return bool(json.loads(line)["step"] <= step)
    except (ValueError, KeyError, TypeError):
        return False  # the last line of a killed run


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return str(error)
