"""Command lines in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_gan.py"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}

Call = Callable[..., tuple[int, str, str]]


def spawn(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start a command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "zerosum", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
        **options,  # type: ignore[call-overload]
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process: (exit code, standard error)."""
    _, err = process.communicate(timeout=240)
    return process.returncode, err
