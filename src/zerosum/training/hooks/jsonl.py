"""metrics.jsonl: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from zerosum.training.log_keys import Key


class JsonLines:
    """Appends whole lines to a file, each flushed at once, so that a killed run loses at most its last line."""

    def __init__(self, path: Path):
        self.path = path

    def __call__(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        line: dict[str, float] = {"step": step, "seconds": round(seconds, 3)}
        line |= {str(key): float(f"{value:.6g}") for key, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
