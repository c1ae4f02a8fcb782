"""Consoles, and progress: bars that vanish on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.text import Text

from zerosum.util.text import duration, printable

EVERY = 15.0  # seconds between plain lines
WIDTH = 120  # least columns of output that no terminal bounds


class Plain(Console):
    """A console that takes text as it is: no brackets or colons mean styles, and no character steers the terminal."""

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)  # before its width is measured

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def output() -> Console:
    """Standard output; where it is no terminal, wide enough for every column of a table."""
    console = Plain()
    return console if console.is_terminal else Plain(width=max(console.width, WIDTH))


def errors(quiet: bool = False) -> Console:
    """Standard error, where progress and notes go."""
    return Plain(stderr=True, quiet=quiet)


def say(text: object, error: bool = False) -> None:
    """Print a line to standard output or standard error, whatever characters are in it."""
    print(printable(str(text)), file=sys.stderr if error else sys.stdout)


def write_anything() -> None:
    """Let standard output and error write what their encoding lacks as `?`, where they would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A context that gives a callback of (what is being done, done so far, total), as `data.load` takes it.

    A total of 0 is unknown. The display goes to standard error.
    """
    console = errors(quiet)
    if not console.is_terminal:
        yield Lines(console)
        return
    what = TextColumn("{task.description}", markup=False)
    columns = (what, BarColumn(bar_width=24), TimeRemainingColumn(compact=True))
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as bars:

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield update


class Lines:
    """The callback of `progress` where nobody watches: a line every so many seconds, with the time left."""

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
