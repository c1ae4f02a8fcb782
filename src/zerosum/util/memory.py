"""How much memory is left, and failures to get some, in words that a user can act on."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zerosum.errors import ZerosumError

if TYPE_CHECKING:
    import torch

FAILURES = (  # what PyTorch, NumPy and the C++ library say where memory is short, or nobody could have as much
    "can't allocate memory",
    "Cannot allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "Storage size calculation overflowed",
    "maximum supported dimension",
    "array is too big",
    "failed to map segment from shared object",  # a library that is loaded late
)
SHARE = 0.9  # of what is free that one thing may take: the rest is for what is not counted


class OutOfMemoryError(ZerosumError):
    """Something does not fit into memory; the message names it and the cure."""


def available(device: torch.device | None = None) -> int | None:
    """Bytes that this process may still take: of the machine, its control group, its own limit, or of a GPU; None if
    nobody says.
    """
    if device is not None and device.type == "cuda":
        import torch  # a second, which the command line spares where it can

        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    known = [_of_machine(), _of_group(Path("/sys/fs/cgroup")), _of_process()]
    return min((left for left in known if left is not None), default=None)


def require(
    needed: int, what: str, cure: str | Callable[[], str], device: torch.device | None = None, count: int = 0
) -> None:
    """`OutOfMemoryError` where `needed` bytes do not fit into what is available, of a GPU where `device` is one.

    Args:
        cure: what to do; a function of it is called where it is needed alone.
        count: of how many things, where twice as many would need twice as much: the message then says how many fit.
    """
    left = available() if device is None else available(device)
    if left is not None and needed > SHARE * left:
        fit = f"; {int(SHARE * left * count / needed):,} fit" if count else ""
        raise OutOfMemoryError(
            f"{what} would take about {size(needed)} of memory, and {size(left)} are free{fit}: "
            f"{cure if isinstance(cure, str) else cure()}"
        )


def require_disk(out: Path, each: int, count: int, what: str, flag: str, single: bool = False) -> None:
    """`OutOfMemoryError` where so much does not fit on the disk that `out` is to be on; it says how many may.

    Args:
        each: bytes of one of `count` things, at least.
        what: the things, for the message.
        flag: what asks for fewer.
        single: each is a file of its own, which takes a block of the disk.
    """
    place = next(folder for folder in out.absolute().parents if folder.is_dir())
    if single and sys.platform != "win32":
        each = max(each, os.statvfs(place).f_frsize)
    if each * count > (free := shutil.disk_usage(place).free):
        raise OutOfMemoryError(
            f"{what} would take {size(each * count)} or more in {place}, where {size(free)} are free: "
            f"{free // each:,} may fit ({flag})"
        )


def fitting(beside: int, each: float, device: torch.device | None = None) -> int | None:
    """How many things of `each` bytes fit `beside` so many other bytes; None if nobody says."""
    left = available() if device is None else available(device)
    return None if left is None or each <= 0 else max(0, int((SHARE * left - beside) / each))


def is_failure(error: BaseException) -> bool:
    """Whether it is an allocation that failed, be it Python's, NumPy's, the system's, or PyTorch's on any device."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    kinds = RuntimeError | OverflowError | ValueError | ImportError
    return isinstance(error, MemoryError | OutOfMemoryError) or (
        isinstance(error, kinds) and any(words in str(error) for words in FAILURES)
    )


def size(count: int) -> str:
    """`1.5 TB`, `3.2 GB`, `40 MB`."""
    if count >= 1e12:
        return f"{count / 1e12:,.1f} TB"
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6)):,} MB"


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # no Linux: what there is in all, of which nobody says how much is free
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, OSError, ValueError):
            return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def _of_group(root: Path) -> int | None:
    """What a container may still take, by version 2 or 1 of control groups; pages of read files can be given back."""
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, now = (root / limit).read_text().strip(), int((root / used).read_text())
            stat = dict(line.split() for line in (root / used).with_name("memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if most == "max" or int(most) > 1 << 60:  # version 1 writes a huge number for none
            return None
        return max(0, int(most) - now + int(stat.get(cache, 0)))
    return None


def _of_process() -> int | None:
    """What `ulimit -v` leaves."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return None
    try:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return most
    return max(0, most - now)
