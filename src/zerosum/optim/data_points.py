"""How many data points a sampler's posterior is of, where its options leave that to the data."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from zerosum.optim import SGHMC


def for_data(options: Any, count: int) -> Any:
    """`options`, a dataclass instance, in which every SGHMC without a number of data points has `count`."""
    if isinstance(options, SGHMC):
        return replace(options, data_points=count) if options.data_points is None else options
    inner = {f.name: getattr(options, f.name) for f in fields(options)}
    changed = {name: for_data(value, count) for name, value in inner.items() if is_dataclass(value)}
    changed = {name: value for name, value in changed.items() if value is not inner[name]}
    return replace(options, **changed) if changed else options
