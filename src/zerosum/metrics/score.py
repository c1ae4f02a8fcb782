"""One number that a metric gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Better = Literal["lower", "higher", "none"]
Standing = Literal["", "better than real data", "no better than noise", "noise wins"]


@dataclass(frozen=True)
class Score:
    """A value with its interval and its reference scores."""

    value: float
    better: Better = "none"
    interval: tuple[float, float] | None = None  # 95 % confidence
    note: str = ""  # how the interval was computed, or why there is none
    references: dict[str, float] = field(default_factory=dict)  # the same score of "real" data, of "noise"
    reference_intervals: dict[str, tuple[float, float]] = field(default_factory=dict)  # of those that have one
    standing: Standing | None = None  # beside them, at equal numbers of samples; None where it was not asked
