"""Ctrl-C and `kill` stop a run between two steps, where it can be saved exactly."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from zerosum.training.trainer import Trainer
from zerosum.util import distributed


class Interrupted(KeyboardInterrupt):
    """The user, or the machine's scheduler, asked to stop; the step is complete."""


class Interrupt:
    """A context in which SIGINT and SIGTERM wait for the end of the step; a second Ctrl-C does not.

    A launcher of several processes hands on a Ctrl-C that they have had from the terminal, too, and ends them itself
    where they do not stop: under one a second signal says nothing new.
    """

    def __init__(self) -> None:
        self.asked = False  # to stop

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
        if self.asked and not distributed.launched():
            raise KeyboardInterrupt
        self.asked = True
