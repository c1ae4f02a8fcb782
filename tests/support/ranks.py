"""Programs run by several processes, as `torchrun` starts them, without its half minute of patience."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def environments(world: int) -> list[dict[str, str]]:
    """Those of each process; of one alone, a plain one."""
    plain = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    own = [str(ROOT / "src"), str(TESTS / "contract"), str(TESTS / "support")]
    plain |= {"PYTHONPATH": os.pathsep.join(own), "OMP_NUM_THREADS": "1"}
    if world == 1:
        return [plain]
    group = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    group |= {"GLOO_SOCKET_IFNAME": "lo"}
    return [plain | group | {"RANK": str(r), "LOCAL_RANK": str(r)} for r in range(world)]


def begin(command: Sequence[str | Path], world: int = 2) -> list[subprocess.Popen[str]]:
    """Processes of `python COMMAND`."""
    return [
        subprocess.Popen(
            [sys.executable, *map(str, command)], env=e, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for e in environments(world)
    ]


def end(processes: Sequence[subprocess.Popen[str]], seconds: float = 250) -> list[tuple[int, str]]:
    """The exit code of each, and what it wrote to standard error."""
    try:
        errors = [process.communicate(timeout=seconds)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]


def run(command: Sequence[str | Path], world: int = 2) -> list[tuple[int, str]]:
    return end(begin(command, world))
