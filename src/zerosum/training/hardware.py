"""The machine: its devices by name, its fast precision, its allocator."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import Literal

import torch
from torch import nn

from zerosum.errors import ZerosumError

Precision = Literal["fp32", "bf16"]
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # glibc's malloc.h


def find(name: str | torch.device) -> torch.device:
    """The device called `name`: "cpu", "cuda", "cuda:1" ...; `ZerosumError` where it is not there."""
    if not isinstance(name, str | torch.device):
        raise ZerosumError(f"device must be a name, such as 'cpu' or 'cuda:1', not {name!r:.60}")
    try:
        device = torch.empty(0, device=name).device
    except (AssertionError, RuntimeError) as error:  # PyTorch asserts that it was built with CUDA
        first = str(error).splitlines()[0]
        raise ZerosumError(f"cannot compute on {str(name)!r}: {first}; use --device cpu") from None
    if device.type == "meta":
        raise ZerosumError("the device 'meta' holds no numbers, so nothing is computed there; use --device cpu")
    return device


def resolve_precision(precision: Precision | Literal["auto"], device: torch.device) -> Precision:
    """Resolve "auto": to "bf16" where the device multiplies it faster than float32, else to "fp32".

    Of processors these are those with AMX. On one with AVX-512's bf16 alone, it took 1.6 to 1.7 times as long as
    float32 (`python -m benchmarks.precision`).
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    return "bf16" if device.type == "cpu" and torch.cpu._is_amx_tile_supported() else "fp32"


@cache
def tune_malloc() -> None:
    """Stop glibc from returning freed blocks to the kernel, which would clear every page anew; nothing elsewhere."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_TRIM_THRESHOLD, -1)


def use_channels_last(module: nn.Module) -> None:
    """Lay the weights of two-dimensional convolutions out with their channels last; activations follow that layout."""
    for weight in module.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
