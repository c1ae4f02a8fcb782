"""Progress with the time that is left: a live line on a terminal, a plain line now and then elsewhere; no silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zerosum.training.log_keys import Key
from zerosum.training.trainer import Trainer
from zerosum.util.console import EVERY
from zerosum.util.text import duration

LIVE = 0.2  # seconds between updates on a terminal
SLOW = 2.0  # seconds that the first step may take before its end is worth a line


class TrainingProgress:
    """A hook and a log sink: a context that shows the training steps, their rate and the newest losses."""

    def __init__(self, console: Console, steps: int):
        self.console, self.steps = console, steps
        self.values = ""
        self.first: tuple[float, int] | None = None  # when this process finished its first step, and which it was
        self.next = 0.0
        self.began = time.monotonic()  # the step that is running
        self.finished = threading.Event()
        self.bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rate]} steps/s  ETA"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[values]}", style="dim", markup=False),
            console=console,
        )

    def __enter__(self) -> TrainingProgress:
        if self.console.is_terminal:
            self.task = self.bar.add_task("", total=self.steps, rate="-", values="")
            self.bar.start()
        self.began = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.finished.set()
        if self.console.is_terminal:
            self.bar.stop()

    def _watch(self) -> None:
        """Say that a step is running, and for how long, each time that a plain line would be due without one."""
        while not self.finished.wait(EVERY):
            if (seconds := time.monotonic() - self.began) >= EVERY:
                self.console.print(f"a step is running, for {duration(seconds)} so far")

    def __call__(self, trainer: Trainer) -> None:
        now = time.monotonic()
        if self.first is None and now - self.began > SLOW:
            whole = duration((self.steps - trainer.step) * (now - self.began))
            self.console.print(f"the first step took {duration(now - self.began)}: at this pace, {whole} in all")
        self.first, self.began = self.first or (now, trainer.step), now
        last = trainer.step == self.steps
        if now < self.next and not last:
            return
        self.next = now + (LIVE if self.console.is_terminal else EVERY)
        seconds, steps = now - self.first[0], trainer.step - self.first[1]
        rate = steps / seconds if seconds > 0 else 0.0
        if self.console.is_terminal:
            self.bar.update(self.task, completed=trainer.step, rate=f"{rate:.1f}", values=self.values)
        elif steps or last:
            eta = f"ETA {duration((self.steps - trainer.step) / rate)}" if rate else ""
            self.console.print(f"step {trainer.step}/{self.steps}  {rate:.1f} steps/s  {eta}  {self.values}")

    def sink(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        """Keep each player's loss, the sum of its terms, for the line."""
        losses: dict[str, float] = {}
        for key, value in values.items():
            if key.kind == "term":
                losses[key.player] = losses.get(key.player, 0.0) + value
        self.values = "  ".join(f"{player} {value:.3f}" for player, value in losses.items())
