"""What rules found, in words."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def in_words(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    finite = "" if value.isfinite().all() else " with numbers that are not finite"
    return f"{value.dtype} of the shape {tuple(value.shape)}{finite}"


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
