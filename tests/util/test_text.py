"""How quantities are written for people."""

from __future__ import annotations

import pytest

from zerosum.util.text import SHOWN, abbreviate, duration, shape_text


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
