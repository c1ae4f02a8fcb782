"""Reads `metrics.jsonl`: the curves of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerosum.training.log_keys import FAKE_LOGITS, REAL_LOGITS
from zerosum.util.files import is_regular, read_bytes

Values = NDArray[np.float64]

LAST = 2**53  # no run has as many steps; below, a float holds each
SPEED = "steps per second"
FORMAT_1 = {"real": REAL_LOGITS, "fake": FAKE_LOGITS}  # terms of runs whose run.json has format 1, and their names now


@dataclass(frozen=True)
class Curve:
    """One logged value over time: (T,) steps, ascending, and (T,) finite values, T > 0."""

    steps: Values
    values: Values

    @property
    def last(self) -> float:
        """The median of the last hundredth, because a single batch is noisy."""
        return float(np.median(self.values[-math.ceil(len(self.values) / 100) :]))


@dataclass(frozen=True)
class MetricsLog:
    """What `metrics.jsonl` holds."""

    curves: Mapping[str, Curve] = field(default_factory=dict)  # "player/term", and SPEED
    last_step: int = 0  # of the last line
    seconds: float = 0.0  # of training, up to there
    not_finite: Mapping[str, int] = field(default_factory=dict)  # name: the first step where it was NaN or infinite
    skipped: int = 0  # lines that cannot be read, such as the last one of a killed run


def read(path: Path) -> MetricsLog:
    """Read `metrics.jsonl`; no curves where there is none. Of a step logged twice the later line counts."""
    lines: dict[int, dict[str, Any]] = {}
    skipped = 0
    for text in read_bytes(path).splitlines() if is_regular(path) else ():
        try:
            line = json.loads(text)
            if not 0 <= (step := int(line["step"])) < LAST:
                raise ValueError
            lines[step] = line
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            skipped += bool(text.strip())
    columns: dict[str, tuple[list[float], list[float]]] = {}
    not_finite: dict[str, int] = {}
    for step in sorted(lines):
        for key, value in lines[step].items():
            if key == "step" or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            player, term = split(key)
            name = f"{player}/{FORMAT_1[term]}" if player and term in FORMAT_1 else key
            if abs(value) < 1e100:  # neither NaN nor beyond what can be drawn
                steps, values = columns.setdefault(name, ([], []))
                steps.append(step)
                values.append(value)
            else:
                not_finite.setdefault(name, step)
    curves = {name: Curve(np.array(steps, float), np.array(values, float)) for name, (steps, values) in columns.items()}
    if clock := curves.pop("seconds", None):
        passed, seconds = np.diff(clock.steps), np.diff(clock.values)
        kept = (passed > 0) & (seconds > 0)
        if kept.any():
            curves[SPEED] = Curve(clock.steps[1:][kept], passed[kept] / seconds[kept])
    return MetricsLog(curves, max(lines, default=0), float(clock.values[-1]) if clock else 0.0, not_finite, skipped)


def split(name: str) -> tuple[str, str]:
    """The player and the term of a curve; the player is "" where the value belongs to none."""
    player, slash, term = name.partition("/")
    return (player, term) if slash else ("", name)
