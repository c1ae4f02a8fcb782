"""Ctrl-C, `kill` and a terminal that is closed stop a run between two steps, where it can be saved exactly."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from zerosum.training.trainer import Trainer
from zerosum.util import distributed


class Interrupted(KeyboardInterrupt):
    """The user, or the machine's scheduler, asked to stop; the step is complete."""


STOPPING = "\nstopping after this step (Ctrl-C again: at once, and without it)\n"


class Interrupt:
    """A context in which SIGINT, SIGTERM and SIGHUP wait for the end of the step, and say so; a second Ctrl-C does not.

    Where SIGHUP was ignored before, as by `nohup`, it goes on to be. A launcher of several processes hands on a Ctrl-C
    that they have had from the terminal, too, and ends them itself where they do not stop: under one a second signal
    says nothing new.
    """

    def __init__(self, quiet: bool = True) -> None:
        self.asked = False  # to stop
        self.quiet = quiet

    def __enter__(self) -> Interrupt:
        self.before = {}
        if threading.current_thread() is threading.main_thread():  # Python allows no handlers elsewhere
            for number in _signals():
                self.before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __call__(self, trainer: Trainer) -> None:
        trainer.stopping = trainer.stopping or self.asked

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT and not distributed.launched():
            raise KeyboardInterrupt
        said, self.asked = self.asked, True
        if number not in (signal.SIGINT, signal.SIGTERM):
            _mute_lost_terminals()
        if not (self.quiet or said):
            os.write(2, STOPPING.encode())  # no console: it may be in the middle of a line


def _signals() -> list[signal.Signals]:
    asked = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        asked.append(signal.SIGHUP)
    return asked


def _mute_lost_terminals() -> None:
    """Send to nowhere what would be printed on a terminal that was closed: writing there is an error."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
