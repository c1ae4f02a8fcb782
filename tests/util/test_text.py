"""How quantities are written for people."""

from __future__ import annotations

import os

import pytest

from zerosum.util.text import (
    SHOWN,
    abbreviate,
    duration,
    encodable,
    from_encodable,
    legible,
    printable,
    shape_text,
    shortened,
)


@pytest.mark.parametrize(("shape", "text"), [((1, 28, 28), "1x28x28"), ((2,), "2"), ((), "")])
def test_shapes(shape: tuple[int, ...], text: str) -> None:
    assert shape_text(shape) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(41.6, "42 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (18_600, "5 h 10 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_long_list_ends_in_how_many_are_left_out() -> None:
    items = [str(i) for i in range(SHOWN + 1_200)]
    assert abbreviate(items[:SHOWN]) == items[:SHOWN]
    assert abbreviate(items) == [*items[:SHOWN], "... and 1,200 more"]


# -- text from outside ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Kätzchen 猫 👩\u200d🔬", "Kätzchen 猫 👩\u200d🔬"),  # joiners are part of words and pictures
        ("K\udce4tzchen", "K\ufffde4tzchen"),  # Latin-1 in an old archive
        ("a\x1b[31mb\n\t\r\x7f", "a␛[31mb␊␉␍␡"),
        ("\x9b31m", "\ufffd31m"),  # an escape sequence's beginning in one character
        ("a\u2028b\u202egnp.exe", "a\ufffdb\ufffdgnp.exe"),  # another end of a line; turned writing
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_names_become_legible_text(name: str, text: str) -> None:
    assert legible(name) == text == legible(text)
    text.encode()


def test_names_that_differ_go_on_differing_and_are_found_again() -> None:
    names = [f"K{chr(0xDC00 + byte)}" for byte in range(0x80, 0x100)]
    assert len(set(map(legible, names))) == len(names)
    assert [from_encodable(encodable(name)) for name in names] == names
    assert os.fsencode(from_encodable(encodable(os.fsdecode(b"br\xfcchig\x1b")))) == b"br\xfcchig\x1b"


def test_whole_outputs_keep_their_lines() -> None:
    assert printable("a\tb\n\x1b]0;title\x07\r") == "a\tb\n␛]0;title␇␍"


def test_a_sentence_quotes_the_ends_of_what_is_long() -> None:
    assert shortened("cat.png") == "cat.png"
    assert shortened("a" * 500 + ".png") == "a" * 60 + "..." + "a" * 26 + ".png"
