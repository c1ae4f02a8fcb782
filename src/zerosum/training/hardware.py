"""Devices by name."""

from __future__ import annotations

import torch

from zerosum.errors import ZerosumError


def find(name: str) -> torch.device:
    """The device called `name`: "cpu", "cuda", "cuda:1" ...; `ZerosumError` where it is not there."""
    try:
        return torch.empty(0, device=name).device
    except (AssertionError, RuntimeError) as error:  # PyTorch asserts that it was built with CUDA
        first = str(error).splitlines()[0]
        raise ZerosumError(f"cannot compute on {name!r}: {first}; use --device cpu") from None
