"""Command lines in forked processes, which start in milliseconds: the parent has imported what they need."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file

from zerosum import cli
from zerosum.workflows import session

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
Act = Callable[[str], None]  # of a file-system event


class Ended(NamedTuple):
    """How a command line ended."""

    code: int  # below 0: by a signal
    err: str  # standard error
    seconds: float
    events: int  # of the file system that it caused in the watched folder

    @property
    def said(self) -> str:
        """Its last line."""
        return self.err.strip().rpartition("\n")[2]

    @property
    def is_traceback(self) -> bool:
        return "Traceback" in self.err or self.code not in (0, 2, 3, 130, -signal.SIGKILL)


def ready() -> None:
    """Train and sample once, so that all children have what this imports. They have one thread, and draw no pictures at
    the end of a run.
    """
    torch.set_num_threads(1)
    with place(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        cli.main(["train", "cgan/toy", "--steps", "5", "--batch-size", "8", "--device", "cpu", "--out", "run"])
        cli.main(["sample", "run", "-n", "4", "--out", "x.npz"])
    session.finish = lambda *given: None  # pictures and a report, by far the most of so short a run


def run(
    *arguments: object,
    watched: Path,
    at_event: int = 0,
    act: Act = lambda event: None,
    kill_after: float | None = None,
) -> Ended:
    """A command line in a process of its own.

    Args:
        watched: a folder, whose file-system events are counted: files that are opened to be written, renamed, made ...
        at_event: before which of them, from 1 on, and before all later ones, `act` is called.
        kill_after: seconds until SIGKILL.
    """
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err, tempfile.TemporaryFile() as count:
        began = time.monotonic()
        if (child := os.fork()) == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            _count(watched, at_event, act, count.fileno())
            os._exit(_called([str(argument) for argument in arguments]))
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(status)
        events = os.fstat(count.fileno()).st_size
        return Ended(code, err.read().decode(errors="replace"), time.monotonic() - began, events)


def kill(event: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fill(event: str) -> None:
    """As if the disk were full: nothing new is written; what is there can be renamed and removed."""
    if event in ("open", "os.mkdir", "os.link", "os.symlink"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _called(arguments: list[str]) -> int:
    try:
        code = cli.main(arguments)
    except BaseException:
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _count(watched: Path, at_event: int, act: Act, count: int) -> None:
    """Count events below a folder as bytes of a file, and act from one of them on. A hook cannot be taken away."""
    root, seen = os.path.realpath(watched), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if not (writes or event in CHANGES) or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.path.abspath(os.fspath(arguments[0]))
        if path != root and not path.startswith(root + os.sep):
            return
        seen += 1
        os.write(count, b".")
        if at_event and seen >= at_event:
            act(event)

    sys.addaudithook(hook)


class Outcome(NamedTuple):
    """What a run came to: all that has to be the same however often it was stopped."""

    tensors: dict[str, dict[str, torch.Tensor]]  # by checkpoint and file
    positions: dict[str, Any]
    metrics: list[dict[str, Any]]
    files: list[str]

    def differs(self, other: Outcome) -> str:
        """What is other in `other`; "" if nothing."""
        for name in ("files", "metrics", "positions"):
            if getattr(self, name) != getattr(other, name):
                return f"{name}: {getattr(self, name)} and {getattr(other, name)}"
        for name, tensors in self.tensors.items():
            theirs = other.tensors.get(name, {})
            if tensors.keys() != theirs.keys():
                return f"tensors of {name}"
            for key, value in tensors.items():
                if not value.view(torch.uint8).equal(theirs[key].view(torch.uint8)):
                    return f"{key} of {name}"
        return ""


def outcome(folder: Path) -> Outcome:
    """Of a run directory."""
    tensors, positions = {}, {}
    for checkpoint in sorted((folder / "checkpoints").iterdir()):
        if checkpoint.name.startswith("step-"):
            positions[checkpoint.name] = json.loads((checkpoint / "checkpoint.json").read_bytes())
            tensors |= {f"{checkpoint.name}/{f.name}": _flat(load_file(f)) for f in checkpoint.glob("*.safetensors")}
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_bytes().splitlines()]
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    files = [path for path in paths if not path.startswith("samples/")]  # pictures by time
    return Outcome(tensors, positions, [line | {"seconds": 0} for line in lines], files)


def _flat(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous().reshape(-1) for name, tensor in tensors.items()}


@contextmanager
def place() -> Iterator[Path]:
    """A folder for a while, which is also the current one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def draws(seed: int) -> random.Random:
    return random.Random(seed)
