"""Packages that zerosum can do without."""

from __future__ import annotations

from importlib.metadata import version

BUILDS = "https://download.pytorch.org/whl"  # an index for each build of PyTorch: cpu, cu130 ...


def install(extra: str) -> str:
    """The command that installs an extra, and leaves the PyTorch that is there in its place."""
    torch = version("torch")
    build = torch.partition("+")[2]
    index = f" --extra-index-url {BUILDS}/{build}" if build else ""
    return f"pip install 'zerosum[{extra}]' 'torch=={torch}'{index}"
