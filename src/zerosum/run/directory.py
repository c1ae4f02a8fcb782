"""The directory of a run: what it holds, and the rules for writing there.

`run.json` (`run.record.Record`), `metrics.jsonl`, `health.jsonl`, `samples/`, `checkpoints/step-N/`, the pictures
`samples.png`, `film.gif`, `neighbours.png`, `interpolation.png` and, where z has codes, `codes.png`, `report.html`; on
demand `evaluation.json` and `health.png`.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from zerosum.errors import ZerosumError
from zerosum.run.migrations import MIGRATIONS
from zerosum.run.record import Record
from zerosum.util import formats
from zerosum.util.files import write_atomic

LOCK = ".lock"


class RunDirectory:
    """The paths of a run, and the rules for writing there."""

    def __init__(self, path: Path):
        self.path, self.record_path = path, path / "run.json"
        self.checkpoints, self.samples = path / "checkpoints", path / "samples"
        self.metrics, self.health = path / "metrics.jsonl", path / "health.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains here; the lock falls with the process, however it ends."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK)
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
        fields = TypeAdapter(Record).dump_python(record, mode="json")
        text = json.dumps({"format": formats.newest(MIGRATIONS), **fields}, indent=2, ensure_ascii=False)
        write_atomic(self.record_path, text.encode())

    def unmake(self) -> None:
        """Delete what a run that never began has written here, and the directory if there is nothing else."""
        for part in (self.checkpoints, self.samples, self.path / "tensorboard"):
            shutil.rmtree(part, ignore_errors=True)
        for file in (self.record_path, self.metrics, self.health, self.path / LOCK):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # somebody's files are there
            self.path.rmdir()

    def read(self) -> Record:
        """`run.json`, in the newest format and validated."""
        try:
            fields = formats.upgrade(json.loads(self.record_path.read_bytes()), MIGRATIONS)
            return TypeAdapter(Record).validate_python(fields)
        except FileNotFoundError:
            raise ZerosumError(
                f"{self.path} holds no run (no run.json there); `zerosum list` shows the runs below this folder"
            ) from None
        except formats.NewerFormatError as error:
            raise ZerosumError(f"{self.record_path} {error}") from None
        except (OSError, ValueError, RecursionError) as error:
            reason = str(error)
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise ZerosumError(f"{self.record_path} is damaged or not a zerosum run: {reason}") from None

    def forget_after(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run will play again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self.metrics.read_bytes().splitlines(keepends=True) if _is_until(line, step)]
        write_atomic(self.metrics, b"".join(kept))

    def seconds_so_far(self) -> float:
        """Training seconds that the metrics report."""
        lines = self.metrics.read_bytes().splitlines() if self.metrics.exists() else []
        for line in reversed(lines):
            with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):  # a damaged line
                seconds = float(json.loads(line)["seconds"])
                if math.isfinite(seconds) and seconds >= 0:
                    return seconds
        return 0.0


def free_path(parent: Path, stem: str) -> Path:
    """`parent/stem-1`, or with the next number that is free."""
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


def _is_until(line: bytes, step: int) -> bool:
    try:
        return bool(json.loads(line)["step"] <= step)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False  # the last line of a killed run
