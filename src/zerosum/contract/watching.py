"""Two ways to watch what a computation does: on which device, and which operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class ElsewhereError(Exception):
    """A tensor was made on another device; the message names the operation and the device."""


class OnlyOn(TorchDispatchMode):
    """Fails at the first operation that makes a tensor (not a single number) on another device."""

    def __init__(self, device: str):
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = device

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            if tensor.shape and tensor.device.type != self.device:
                raise ElsewhereError(f"{function} made a tensor on {tensor.device}")
        return out


class Written(TorchDispatchMode):
    """Writes down every operation with its shapes and its plain numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lines: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        self.lines.append(f"{function} {_plain(args)} {_plain(kwargs or {})}")
        return out


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _tensors(inner)


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else str(value)
