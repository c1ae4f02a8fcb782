"""Progress lines: only of what takes long, with the time left."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zerosum.util import console


def test_a_line_now_and_then_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0, 21.0, 22.0, 40.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    progress = console.Lines(Console(file=out), every=15.0)
    for done in (1000, 2000, 3000, 4000):  # at 0, 10, 20 and 21 s
        progress("features of the samples", done, 10_000)
    progress("reading", 5, 0)  # another thing, whose total is unknown
    progress("reading", 9, 0)
    assert out.getvalue().splitlines() == ["features of the samples: 3,000 of 10,000  ETA 1 min 10 s", "reading: 9"]


def test_bars_on_a_terminal_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80)
    monkeypatch.setattr(console, "errors", lambda quiet: terminal)
    with console.progress() as update:
        update("reading", 0, 0)  # the total is unknown yet
        update("reading", 3, 10)
        update("decoding", 1, 2)
        terminal.print("seen")
    shown = out.getvalue()
    assert "reading" in shown and "decoding" in shown
    assert shown.endswith("\x1b[1A\x1b[2K")  # the last bar is deleted


def test_a_quiet_console_says_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "EVERY", 0.0)
    with console.progress(quiet=True) as update:
        for done in range(3):
            update("reading", done, 3)
    assert capsys.readouterr() == ("", "")


def test_output_that_is_no_terminal_is_wide_enough_for_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert console.output().width == 120
    monkeypatch.setenv("COLUMNS", "200")
    assert console.output().width == 200


@pytest.mark.parametrize("terminal", [False, True])
def test_names_reach_no_terminal_as_commands(terminal: bool) -> None:
    """Neither escape sequences nor what Rich would take for styles and emoji, in lines, tables and bars."""
    name = "\x1b[31mcat\x07[/bold] :cat: [red]\udce4"
    shown = "␛[31mcat␇[/bold] :cat: [red]\ufffde4"
    out = io.StringIO()
    plain = console.Plain(file=out, force_terminal=terminal, width=200, no_color=True)
    plain.print(name)
    cells = Table(name)
    cells.add_row(name)
    plain.print(cells)
    plain.print(Text(name))  # from which Rich itself takes the bell
    assert out.getvalue().count(shown) == 3 and shown.replace("␇", "") in out.getvalue()
    assert not set(out.getvalue()) & set("\x07\udce4") and (terminal or "\x1b" not in out.getvalue())


def test_lines_are_printed_whatever_is_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("a\x1b]0;t\x07\nb")
    console.say(Path("\udce4"), error=True)
    assert capsys.readouterr() == ("a␛]0;t␇\nb\n", "\ufffde4\n")


def test_a_terminal_that_lacks_a_letter_shows_a_mark() -> None:
    code = "from zerosum.util.console import say, write_anything; write_anything(); say('\\u732b')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "?\n"
