"""Progress with the time that is left: a live line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zerosum.training.log_keys import Key
from zerosum.training.trainer import Trainer
from zerosum.util.text import duration

LIVE, PLAIN = 0.2, 15.0  # seconds between updates


class Progressing:
    """A hook and a log sink: a context in which the rounds played, their rate and the newest losses are shown."""

    def __init__(self, console: Console, steps: int):
        self.console, self.steps = console, steps
        self.values = ""
        self.first: tuple[float, int] | None = None  # when this process saw its first round, and which it was
        self.next = 0.0
        self.bar = Progress(
            TextColumn("round"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rate]} rounds/s  ETA"),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[values]}"),
            console=console,
        )

    def __enter__(self) -> Progressing:
        if self.console.is_terminal:
            self.task = self.bar.add_task("", total=self.steps, rate="-", values="")
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def __call__(self, trainer: Trainer) -> None:
        now = time.monotonic()
        self.first = self.first or (now, trainer.step)
        last = trainer.step == self.steps
        if now < self.next and not last:
            return
        self.next = now + (LIVE if self.console.is_terminal else PLAIN)
        seconds, rounds = now - self.first[0], trainer.step - self.first[1]
        rate = rounds / seconds if seconds > 0 else 0.0
        if self.console.is_terminal:
            self.bar.update(self.task, completed=trainer.step, rate=f"{rate:.1f}", values=self.values)
        elif rounds or last:
            eta = f"ETA {duration((self.steps - trainer.step) / rate)}" if rate else ""
            self.console.print(f"round {trainer.step}/{self.steps}  {rate:.1f} rounds/s  {eta}  {self.values}")

    def sink(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        """Keep each player's loss, the sum of its terms, for the line."""
        losses: dict[str, float] = {}
        for key, value in values.items():
            if key.kind == "term":
                losses[key.player] = losses.get(key.player, 0.0) + value
        self.values = "  ".join(f"{player} {value:.3f}" for player, value in losses.items())
