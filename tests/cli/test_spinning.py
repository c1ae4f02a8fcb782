"""Threads that wait for each other: `zerosum` says how, before PyTorch is imported; `import zerosum` says nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zerosum.cli import SPINS

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def printed(script: str, **environment: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run([sys.executable, "-c", script], env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


AFTER = "print(*[os.environ.get(name) for name in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')], 'torch' in sys.modules)"


def test_a_command_sets_it_before_pytorch_is_loaded():
    script = f"import os, sys; from zerosum.cli import main; main(['--version']); {AFTER}"
    assert printed(script)[-3:] == [SPINS, "None", "False"]


@pytest.mark.parametrize("name", VARIABLES)
def test_what_the_user_has_set_stays(name: str):
    script = f"import os, sys; from zerosum.cli import main; main(['--version']); {AFTER}"
    value = {"GOMP_SPINCOUNT": "7", "OMP_WAIT_POLICY": "active"}[name]
    assert printed(script, **{name: value})[-3:-1] == [value if known == name else "None" for known in VARIABLES]


def test_importing_zerosum_sets_nothing():
    assert printed(f"import os, sys, zerosum, zerosum.cli; zerosum.train; {AFTER}") == ["None", "None", "True"]


def test_processes_that_a_command_begins_have_it_too():
    """As those of `reproduce --processes` are: by multiprocessing, from the start."""
    script = (
        "import multiprocessing, os\n"
        "from zerosum.cli import main\n"
        "if __name__ == '__main__':\n"
        "    main(['--version'])\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(*pool.map(os.getenv, ['GOMP_SPINCOUNT']))\n"
    )
    assert printed(script)[-1] == SPINS
