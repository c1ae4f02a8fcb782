"""Texts as a picture: a line for each, in blocks with names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.modality import Tokens
from zerosum.pictures.fonts import SIZE
from zerosum.pictures.render import renderer
from zerosum.pictures.text_sheet import NARROWEST, sheet

LINE = SIZE * 3 // 2
TOKENS = Tokens(("a", "b", "<eos>", "<unk>"), 3)


def lines(picture: Image.Image) -> list[bool]:
    """Of each line, whether anything is written there."""
    x = np.asarray(picture.convert("L"))[SIZE // 2 : -(SIZE // 2)]
    return [bool((x[top : top + LINE] < 255).any()) for top in range(0, len(x), LINE)]


def test_a_text_is_a_line_and_a_gap_parts_blocks() -> None:
    assert lines(sheet([["one", "two"], ["three"]])) == [True, True, False, True]
    assert lines(sheet([["one"], ["two"]], ["first", "second"], "a note")) == [True] * 2 + [
        False,
        True,
        True,
        False,
        True,
    ]


def test_a_long_text_goes_on_below_and_an_empty_one_is_a_dash() -> None:
    assert lines(sheet([["word " * 40]])) == [True] * 3
    empty = np.asarray(sheet([[""]]).convert("L"))
    assert 0 < (empty < 255).sum() < 30


def test_a_sheet_is_never_so_narrow_that_a_page_shows_huge_letters() -> None:
    assert sheet([["a"]]).width == NARROWEST + 2 * SIZE < sheet([["wide " * 14]]).width


def test_what_no_font_can_write_is_written_as_code_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerosum.pictures.fonts._file", lambda characters: None)
    assert sheet([["\u732b"]]) == sheet([["U+732B"]])


def test_samples_of_texts_are_drawn_as_text() -> None:
    ids, draw = torch.tensor([[0, 1, 2], [1, 1, 1], [2, 2, 2]]), renderer(TOKENS)
    assert draw.picture(ids, None) == draw.row(ids) == sheet([["a b", "b b b", ""]])
    assert draw.rows([ids[:1], ids[1:]], ["x", "y"], "n", None) == sheet([["a b"], ["b b b", ""]], ["x", "y"], "n")
    assert draw.walks(ids[:, None], None) == sheet([["a b", "b b b", ""]])
    assert draw.nearest is None
