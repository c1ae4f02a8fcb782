"""The directory of a run: what it holds, and the rules for writing there.

`run.json` (`run.record.Record`), `metrics.jsonl`, `health.jsonl`, `samples/`, `checkpoints/step-N/`, the pictures
`samples.png`, `film.gif`, `neighbours.png`, `interpolation.png` and, where z has codes, `codes.png`, `report.html`; on
demand `evaluation.json` and `health.png`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from zerosum.errors import ZerosumError
from zerosum.run import commands
from zerosum.run.artifacts import ARTIFACTS
from zerosum.run.migrations import MIGRATIONS
from zerosum.run.record import Record
from zerosum.training import checkpoint
from zerosum.util import files, formats
from zerosum.util.files import write_atomic

LOCK = ".lock"
CHECKSUM = "checksum"  # of all else in run.json


class RunDirectory:
    """The paths of a run, and the rules for writing there."""

    def __init__(self, path: Path):
        self.path, self.record_path = path, path / "run.json"
        self.checkpoints, self.samples = path / "checkpoints", path / "samples"
        self.metrics, self.health = path / "metrics.jsonl", path / "health.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains here; the lock falls with the process, however it ends.

        Raises:
            ZerosumError: another process has it; or something that is no file, or no folder, stands in its place.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ZerosumError(f"{self.path} is no folder, nor can one be made there; choose another --out") from None
        for path in (self.path / LOCK, self.record_path, self.metrics, self.health):
            _require(path, stat.S_ISREG, "file")
        for path in (self.checkpoints, self.samples):
            _require(path, stat.S_ISDIR, "folder")
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ZerosumError(
                f"{self.path} is in use: another process is training there; wait until it ends, or choose another --out"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def require_there(self) -> None:
        """`ZerosumError` where the directory was moved or deleted meanwhile: what is written would go to a new one."""
        if not self.record_path.exists():
            raise ZerosumError(
                f"{self.path} was moved or deleted while it was trained: `zerosum resume` goes on from its last "
                "checkpoint where it lies now"
            )

    def create(self, record: Record) -> None:
        """Begin a run here; refused where there is one, or anything that a run would write over or take for its own."""
        if self.record_path.exists():
            raise ZerosumError(
                f"{self.path} already holds a run; go on with it by `{self.command('resume')}`, or choose another --out"
            )
        for name in dict.fromkeys(artifact.path.split("/")[0] for artifact in ARTIFACTS):
            if os.path.lexists(self.path / name):
                files.remove(self.path / LOCK)  # nothing of a run stays in somebody's folder
                raise ZerosumError(
                    f"{self.path / name} is there already, and a run writes its own: choose another --out"
                )
        self.write(record)

    def command(self, name: str, flags: str = "") -> str:
        """A command on this run, to copy; of one whose run.json cannot be read without a --recipe that it may need."""
        recipe = ""
        with suppress(ZerosumError):
            recipe = self.read().recipe
        return commands.command(name, self.path, recipe, flags)

    def write(self, record: Record) -> None:
        """Write `run.json`, in one piece, with a checksum."""
        fields = {"format": formats.newest(MIGRATIONS), **TypeAdapter(Record).dump_python(record, mode="json")}
        text = json.dumps({**fields, CHECKSUM: _checksum(fields)}, indent=2, ensure_ascii=False)
        write_atomic(self.record_path, text.encode())

    def tidy(self) -> None:
        """Remove what killed processes left half-written; by the one process that trains here."""
        for folder in (self.path, self.samples, self.checkpoints):
            files.remove_leftovers(folder)
        checkpoint.settle(self.checkpoints)

    def unmake(self) -> None:
        """Delete what a run that never began has written here, and the directory if there is nothing else."""
        folders = (self.checkpoints, self.samples, self.path / "tensorboard")
        for path in (*folders, self.record_path, self.metrics, self.health, self.path / LOCK):
            files.remove(path)
        with suppress(OSError):  # somebody's files are there
            self.path.rmdir()

    def read(self) -> Record:
        """`run.json`, in the newest format and validated."""
        try:
            document = json.loads(files.read_bytes(self.record_path))
            if isinstance(document, dict) and CHECKSUM in document:  # older versions wrote none
                checksum = document.pop(CHECKSUM)
                if checksum != _checksum(document):
                    raise ZerosumError(
                        f'{self.record_path} is not as it was written: if you edited it, delete its line "{CHECKSUM}", '
                        "else it is damaged, and a copy of it belongs in its place"
                    )
            # As JSON, where a word or true is no number, and lists are tuples.
            return TypeAdapter(Record).validate_json(json.dumps(formats.upgrade(document, MIGRATIONS)), strict=True)
        except (FileNotFoundError, NotADirectoryError):
            raise ZerosumError(
                f"{self.path} holds no run (no run.json there); `zerosum list` shows the runs below this folder"
            ) from None
        except formats.NewerFormatError as error:
            raise ZerosumError(f"{self.record_path} {error}") from None
        except PermissionError as error:
            raise ZerosumError(
                f"{self.record_path} cannot be read: {error.strerror}; let this user read it (chmod, chown)"
            ) from None
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
        kept = [line for line in files.read_bytes(self.metrics).splitlines(keepends=True) if _is_until(line, step)]
        write_atomic(self.metrics, b"".join(kept))

    def seconds_so_far(self) -> float:
        """Training seconds that the metrics report."""
        lines = files.read_bytes(self.metrics).splitlines() if self.metrics.exists() else []
        for line in reversed(lines):
            with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):  # a damaged line
                seconds = float(json.loads(line)["seconds"])
                if math.isfinite(seconds) and seconds >= 0:
                    return seconds
        return 0.0

    @property
    def was_trained(self) -> bool:
        """Whether the metrics, or anything that is no checkpoint by its name, tell of steps that were played."""
        logged = self.metrics.exists() and self.metrics.stat().st_size > 0
        return logged or (self.checkpoints.is_dir() and any(self.checkpoints.iterdir()))


def new_path(parent: Path, stem: str) -> Path:
    """A new folder `parent/stem-1`, or with the next number that is free; no other process gets the same."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = parent / f"{stem}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _require(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """`ZerosumError` where `path` is there and is not of a kind: a pipe, say, which would be waited for."""
    with suppress(FileNotFoundError):
        if not is_kind(path.stat().st_mode):
            raise ZerosumError(f"{path} is no {kind}, as a run has there; move it away")


def _checksum(fields: Mapping[str, Any]) -> str:
    """Of the content of run.json, however it is laid out: 64 hex digits."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _is_until(line: bytes, step: int) -> bool:
    try:
        return bool(json.loads(line)["step"] <= step)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False  # the last line of a killed run
