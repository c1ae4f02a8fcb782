"""The C library's allocator, told to keep what it has: every round needs the same large blocks again."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # glibc's malloc.h


@cache
def tune_malloc() -> None:
    """Stop glibc from returning freed blocks to the kernel, which would clear every page anew. Nothing elsewhere."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_TRIM_THRESHOLD, -1)
