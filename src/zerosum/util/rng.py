"""The state of every global random generator, as tensors; and orders that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def seed(number: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators, on every device."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number)


def shuffled(count: int, number: int) -> Tensor:
    """(count,) int64: the numbers below `count`, in the order that a seed decides, whatever was drawn before."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(number))


@contextmanager
def fork_rng(device: torch.device, number: int | None = None) -> Iterator[None]:
    """Fork PyTorch's random state, on the CPU and on `device`, seeded with `number`; restored after the block."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if number is not None:
            torch.manual_seed(number)
        yield


def torch_state(device: torch.device) -> Tensor:
    """The state of PyTorch's generator on the CPU and of that on `device`: it differs once either has been used."""
    states = [torch.get_rng_state()]
    return torch.cat([*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states)


def capture() -> dict[str, Tensor]:
    """What `restore` needs to go on exactly."""
    _, python, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    state = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor(python),
        "python_gauss": torch.tensor([] if gauss is None else [gauss], dtype=torch.float64),
        "numpy": torch.tensor([*numpy["state"]["key"].tolist(), numpy["state"]["pos"], numpy["has_gauss"]]),
        "numpy_gauss": torch.tensor([numpy["gauss"]], dtype=torch.float64),
    }
    if torch.cuda.is_available():
        state |= {f"cuda{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return state


def restore(state: Mapping[str, Tensor]) -> None:
    """Go on from a captured state; CUDA generators that this machine lacks are left out."""
    torch.set_rng_state(state["torch"])
    random.setstate((3, tuple(state["python"].tolist()), next(iter(state["python_gauss"].tolist()), None)))
    *keys, position, has_gauss = state["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, np.uint32), position, has_gauss, state["numpy_gauss"].item()))
    for i in range(torch.cuda.device_count()):
        if f"cuda{i}" in state:
            torch.cuda.set_rng_state(state[f"cuda{i}"], i)
