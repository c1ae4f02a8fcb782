"""The flags with which `make install` calls pip: `python tools/pip_flags.py`, by any Python 3.11, without a package.

On Linux without an NVIDIA GPU they add the index of PyTorch's builds without CUDA, where it answers within seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

CPU = "https://download.pytorch.org/whl/cpu"
PATIENCE = 4.0  # seconds for the index to answer


def has_gpu() -> bool:
    """Whether NVIDIA's driver lists a GPU."""
    if not shutil.which("nvidia-smi"):
        return False
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=20, check=True).stdout.strip() != b""
    return False


def answers(url: str) -> bool:
    """Whether there is an index."""
    try:
        with urlopen(Request(f"{url}/torch/", method="HEAD"), timeout=PATIENCE) as response:
            return response.status == 200
    except HTTPError:
        return False
    except OSError:  # no network, no such name, no answer
        return False


def flags(platform: str = sys.platform) -> str:
    """`--extra-index-url ...`, or nothing."""
    return f"--extra-index-url {CPU}" if platform == "linux" and not has_gpu() and answers(CPU) else ""


if __name__ == "__main__":
    print(flags())
