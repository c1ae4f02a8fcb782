"""Measures the health signals while a game is trained, and writes them to health.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from zerosum.health.history import MIN_SNAPSHOTS, Event, History, Snapshot
from zerosum.health.signals import SignalMeter
from zerosum.health.verdicts import Verdict, diagnose
from zerosum.training.trainer import Trainer

SHARE = 0.02  # of CPU time that measuring may take


def planned(begun: int, steps: int) -> frozenset[int]:
    """The steps after which a training of the steps begun + 1, ..., steps is looked at in any case: five, if it has as
    many, at equal distances.
    """
    return frozenset(begun + -(-(steps - begun) * k // MIN_SNAPSHOTS) for k in range(1, MIN_SNAPSHOTS + 1))


class Monitor:
    """A hook. It measures five times at least, whatever that costs, at equal distances, after the last step the last
    time; and beside these after steps that are multiples of `training.log_every`, as often as 2 % of this thread's CPU
    time allow (other programs and helping threads are not counted). It disturbs no random number of the training.

    Args:
        path: health.jsonl; snapshots and events are appended.
        history: what the file holds already.
        on_verdict: called with the verdict whenever it changes.
        seconds_before: of training, before this process.
    """

    def __init__(
        self,
        meter: SignalMeter,
        path: Path,
        history: History,
        on_verdict: Callable[[Verdict], None] = lambda verdict: None,
        seconds_before: float = 0.0,
    ):
        self.meter, self.path, self.history, self.on_verdict = meter, path, history, on_verdict
        self.seconds_before = seconds_before
        self.began, self.worked, self.spent = time.perf_counter(), time.thread_time(), 0.0
        self.begun: int | None = None  # the step before the first one that was watched
        self.planned: frozenset[int] = frozenset()  # steps after which it looks in any case
        self.verdict = diagnose(self.history)

    def __call__(self, trainer: Trainer) -> None:
        if self.begun is None:
            self.begun = trainer.step - 1
            self.planned = self.plan(trainer)
        due = trainer.step % trainer.training.log_every == 0
        if trainer.step in self.planned or (due and self.share <= SHARE):
            began = time.thread_time()
            snapshot = self.meter.measure(trainer, self._seconds())
            if self.begun and not self.history.snapshots:
                snapshot = replace(snapshot, signals={**snapshot.signals, "begun": float(self.begun)})
            self._add(snapshot)
            self.spent += time.thread_time() - began

    def plan(self, trainer: Trainer) -> frozenset[int]:
        """The steps after which it looks in any case."""
        return planned(self.begun or 0, trainer.training.steps)

    @property
    def share(self) -> float:
        """Of this thread's CPU time since the start: how much measuring took."""
        return self.spent / max(time.thread_time() - self.worked, 1e-9)

    def event(self, step: int, event: str, detail: str) -> None:
        """Record what happened to the run: that it diverged, or was rolled back."""
        self._add(Event(step, self._seconds(), event, detail))

    def _seconds(self) -> float:
        return self.seconds_before + time.perf_counter() - self.began

    def _add(self, line: Snapshot | Event) -> None:
        self.history.add(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
        verdict = diagnose(self.history)
        if verdict.name != self.verdict.name:
            self.on_verdict(verdict)
        self.verdict = verdict
