"""What a docstring promises of an argument, held to: shapes, kinds of numbers, ranges. No check waits for a device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
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
    if len(tensors) > 1:
        one_device(**tensors)
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


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """A number in [low, high] as a float: Python's, NumPy's, or a tensor of one number; neither NaN nor infinite."""
    found = _plain(value)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ArgumentError(f"{name} must be a number, not {_shown(value)}")
    if not low <= found <= high or not math.isfinite(found):
        bound = (
            "a finite number" if low == -math.inf else f"at least {low:g}" if high == math.inf else _between(low, high)
        )
        raise ArgumentError(f"{name} must be {bound}, not {found:g}")
    return float(found)


def _between(low: float, high: float) -> str:
    return f"from {low:g} to {high:g}"


def integer(name: str, value: Any, low: int | None = None, high: int = 2**63 - 1) -> int:
    """A whole number from `low` to `high` as an int: Python's, NumPy's, or a tensor of one; no float, bool or word.

    By default `high` is as far as PyTorch counts.
    """
    found = _plain(value)
    if isinstance(found, bool) or not isinstance(found, int):
        raise ArgumentError(f"{name} must be a whole number, not {_shown(value)}")
    if low is not None and found < low:
        raise ArgumentError(f"{name} must be at least {low}, not {found}")
    if found > high:
        raise ArgumentError(f"{name} must be at most {high}, not {_shown(found)}")
    return found


def sides(name: str, size: Any) -> tuple[int, int] | None:
    """(H, W) of a size in pixels, a side or two; None of None."""
    if size is None:
        return None
    both = [size, size] if isinstance(size, int | np.integer) else list(size) if isinstance(size, Sequence) else []
    if isinstance(size, str) or len(both) != 2:
        raise ArgumentError(f"{name} must be a side in pixels, or (height, width), not {size!r:.60}")
    height, width = (integer(name, side, 1) for side in both)
    return height, width


def switch(name: str, value: Any) -> bool:
    """True or False itself: no number, word or NumPy's, which are true where somebody meant no."""
    if not isinstance(value, bool):
        raise ArgumentError(f"{name} must be True or False, not {_shown(value)}")
    return value


def seed(value: Any, name: str = "seed") -> int:
    """A seed that PyTorch takes, as an int."""
    found = integer(name, value, high=2**128)  # what follows names both ends
    if not -(2**63) <= found < 2**64:
        raise ArgumentError(f"{found} is no seed; choose one from -2^63 to 2^64 - 1")
    return found


def truncation(value: Any) -> float:
    """A truncation of z that leaves something of it."""
    found = number("truncation", value)
    if found <= 0:
        raise ArgumentError(f"truncation must be above 0, not {value}")
    return found


def path(name: str, value: Any) -> Path:
    """A path, of a string or a `Path`; neither the empty string nor one with a NUL is one."""
    if (
        not isinstance(value, str | PathLike)
        or not isinstance(text := fspath(value), str)
        or text == ""
        or "\0" in text
    ):
        raise ArgumentError(f"{name} must be a path, as a string or pathlib.Path, not {_shown(value)}")
    return Path(text)


def text(name: str, value: Any) -> str:
    """A string, or a path as one."""
    if isinstance(value, PathLike):
        return str(path(name, value))
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be a string, not {_shown(value)}")
    return value


def one_device(**tensors: Tensor) -> None:
    """Refuse tensors that are not all on one device."""
    (first, x), *others = tensors.items()
    for name, other in others:
        if other.device != x.device:
            raise ArgumentError(f"{first} is on {x.device} and {name} on {other.device}; bring both to one device")


def tensor(name: str, value: Any) -> Tensor:
    """Real numbers as a tensor that holds them: a tensor, or a NumPy array."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return torch.from_numpy(np.ascontiguousarray(value))
    if not isinstance(value, Tensor) or value.is_complex() or value.dtype == torch.bool:
        kind = value.dtype if isinstance(value, Tensor | np.ndarray) else type(value).__name__
        raise ArgumentError(f"{name} must be a tensor or a NumPy array of real numbers, not {kind}")
    if value.device.type == "meta":
        raise ArgumentError(f"{name} is on the device meta, where tensors hold no numbers; give one with values")
    if value.layout != torch.strided:
        raise ArgumentError(f"{name} is sparse ({value.layout}); give {name}.to_dense()")
    return value


def finite(name: str, x: Tensor) -> Tensor:
    """x itself, if all of it is finite."""
    if not bool(x.isfinite().all()):
        raise ArgumentError(f"{name} holds NaN or infinite numbers; leave such samples out")
    return x


def _plain(value: Any) -> Any:
    """NumPy's numbers, and arrays and tensors of no dimensions, as Python's."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray | Tensor) and value.shape == ()):
        return value.item() if not isinstance(value, Tensor) or value.device.type != "meta" else value
    return value


def _shown(value: Any) -> str:
    """A value, or of a long one its kind."""
    said = repr(value)
    return said if len(said) <= 40 and "\n" not in said else f"a {type(value).__name__}"


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
