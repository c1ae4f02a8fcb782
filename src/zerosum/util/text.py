"""How quantities are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 10  # entries of a long list


def abbreviate(items: Sequence[str]) -> list[str]:
    """The items, or the first of a long list and how many more there are."""
    return list(items) if len(items) <= SHOWN else [*items[:SHOWN], f"... and {len(items) - SHOWN:,} more"]


def shape_text(shape: Iterable[int]) -> str:
    """`1x28x28`."""
    return "x".join(map(str, shape))


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
