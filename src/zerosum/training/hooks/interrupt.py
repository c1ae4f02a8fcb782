"""Ctrl-C and `kill` stop a run between two steps, where it can be saved exactly."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from zerosum.training.trainer import Trainer


class Interrupted(KeyboardInterrupt):
    """The user, or the machine's scheduler, asked to stop; the step is complete."""


STOPPING = "\nstopping after this step (Ctrl-C again: at once, and without it)\n"


class Interrupt:
    """A context in which SIGINT and SIGTERM wait for the end of the step, and say so; a second Ctrl-C does not."""

    def __init__(self, quiet: bool = True) -> None:
        self.asked = False  # to stop
        self.quiet = quiet

    def __enter__(self) -> Interrupt:
        self.before = {}
        if threading.current_thread() is threading.main_thread():  # Python allows no handlers elsewhere
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __call__(self, trainer: Trainer) -> None:
        trainer.stopping = trainer.stopping or self.asked

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if not self.quiet:
            os.write(2, STOPPING.encode())  # no console: it may be in the middle of a line
