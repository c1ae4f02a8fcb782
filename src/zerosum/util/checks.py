"""What a docstring promises of an argument, held to: shapes, kinds of numbers, ranges. No check waits for a device."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from zerosum.errors import ZerosumError

Sizes = dict[str, tuple[int, ...]]  # what the letters of patterns stand for


class ArgumentError(ZerosumError, ValueError):
    """An argument is not as the function takes it; the message names it, what it is and what it should be."""


def shapes(pattern: str, known: Sizes | None = None, /, **tensors: Tensor) -> Sizes:
    """Refuse tensors that are not floating-point numbers of a shape, or are empty.

        shapes("B F", real=real, fake=fake)  # two tensors of one shape (B, F)

    Args:
        pattern: sizes, as letters or numbers. A letter is one size wherever it stands, in all tensors and in `known`; a
            last `*name` is any number of further sizes, the same in all.
        known: what some letters already stand for.
        tensors: by the names that the error is to call them.

    Returns:
        What every letter stands for.

    Raises:
        ArgumentError: the first tensor that does not fit.
    """
    found = dict(known or {})
    for name, x in tensors.items():
        floating(name, x)
        _fit(name, tuple(x.shape), pattern, found)
    return found


def whole(pattern: str, known: Sizes | None = None, /, **tensors: Tensor) -> Sizes:
    """As `shapes`, for int64."""
    found = dict(known or {})
    for name, x in tensors.items():
        if not isinstance(x, Tensor) or x.dtype != torch.int64:
            raise ArgumentError(f"{name} must be an int64 tensor, not {_kind(x)}")
        _fit(name, tuple(x.shape), pattern, found)
    return found


def floating(name: str, x: Tensor) -> None:
    """Refuse what is no tensor of floating-point numbers."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise ArgumentError(f"{name} must be a tensor of floating-point numbers, not {_kind(x)}")


def labels(name: str, y: Tensor, classes: int) -> None:
    """Refuse classes out of 0 to `classes` - 1. Looked at on the CPU alone: a GPU would have to be waited for."""
    if y.device.type == "cpu" and (int(y.min()) < 0 or int(y.max()) >= classes):
        raise ArgumentError(
            f"{name} must be classes from 0 to {classes - 1}, not from {int(y.min())} to {int(y.max())}"
        )


def number(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a number out of [low, high], or one that is none (NaN)."""
    if not low <= value <= high:
        bound = f"at least {low:g}" if high == float("inf") else f"from {low:g} to {high:g}"
        raise ArgumentError(f"{name} must be {bound}, not {value:g}")


def refuse(name: str, x: Tensor, expected: str) -> ArgumentError:
    """The error for a shape that no pattern tells: "logits must be (B,) or (B, 1), not (4, 3)"."""
    return ArgumentError(f"{name} must have the shape {expected}, not {tuple(x.shape)}")


def _fit(name: str, shape: tuple[int, ...], pattern: str, found: Sizes) -> None:
    letters, rest = _parse(pattern)
    sizes = [(size,) for size in shape[: len(letters)]]
    wanted = [(int(letter),) if letter.isdecimal() else found.get(letter) for letter in letters]
    fits = (
        len(shape) == len(letters)
        if not rest
        else len(shape) >= len(letters)
        and found.get(rest)
        in (
            None,
            shape[len(letters) :],
        )
    )
    if not fits or any(want is not None and want != size for want, size in zip(wanted, sizes, strict=False)):
        raise ArgumentError(f"{name} must have the shape {_written(letters, rest, found)}, not {shape}")
    if 0 in shape:
        raise ArgumentError(f"{name} is empty: its shape is {shape}")
    found |= {letter: size for letter, size in zip(letters, sizes, strict=True) if not letter.isdecimal()}
    if rest:
        found[rest] = shape[len(letters) :]


@cache
def _parse(pattern: str) -> tuple[tuple[str, ...], str]:
    """The letters, and the name of the rest or ""."""
    parts = pattern.split()
    return (tuple(parts[:-1]), parts[-1]) if parts and parts[-1].startswith("*") else (tuple(parts), "")


def _written(letters: tuple[str, ...], rest: str, found: Sizes) -> str:
    parts = [str(found[letter][0]) if letter in found else letter for letter in letters]
    if rest:
        parts += map(str, found[rest]) if rest in found else [rest]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _kind(x: object) -> str:
    return str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
