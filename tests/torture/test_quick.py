"""The quick form of the torture of runs; `python -m tests.torture kills`, `flips` and `disks` are the long ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("command", "said"), [
    (("kills", "--kills", 3, "--recipes", 1), "3 kills of "),
    (("flips", "--flips", 17), "17 flipped bits in "),
    (("disks", "--disks", 3), "3 disks that ran full"),
])  # fmt: skip
def test_quickly(command: tuple[object, ...], said: str) -> None:
    """A process without threads, from which others can be forked."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture", *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout and "silent" not in done.stdout and "traceback" not in done.stdout
