"""Progress where nobody watches: a plain line now and then."""

from __future__ import annotations

import time

from rich.console import Console

from zerosum.util.text import duration

EVERY = 15.0  # seconds between lines


class Lines:
    """A callback of (what is being done, done so far, total), as `data.load` takes it; total 0 is unknown."""

    def __init__(self, console: Console, every: float = EVERY):
        self.console, self.every = console, every
        self.what, self.first, self.start, self.shown = "", 0, 0.0, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.what:
            self.what, self.first, self.start, self.shown = what, done, now, now
        if now - self.shown < self.every:
            return
        self.shown = now
        rate = (done - self.first) / (now - self.start)
        left = f"  ETA {duration((total - done) / rate)}" if total and rate else ""
        self.console.print(f"{what}: {done:,}{f' of {total:,}' if total else ''}{left}")
