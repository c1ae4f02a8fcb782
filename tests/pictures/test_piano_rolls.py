"""Piano rolls: each note is where it is heard."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from zerosum.modality import Notes
from zerosum.pictures.piano_rolls import MARGIN, PIXELS, TONE, WHOLE, rolls, scale_of, size_of, span, with_scales
from zerosum.pictures.render import renderer
from zerosum.util.notes import Note

QUARTER = Fraction(1, 4)
NOTES = Notes(("<unk>", "<eos>", "C4:1/4", "R:1/4", "E5:1/2"), 4)


def test_the_span_is_that_of_the_notes_or_two_octaves():
    assert span(("<unk>", "C4:1/4", "C7:1/4", "R:1")) == (60, 96)
    low, high = span(("C4:1/4",))
    assert high - low == 23 and low <= 60 <= high
    assert span(("C-1:1/4",)) == (0, 23) and span(("G9:1/4",))[1] == 127 and span(()) == span(("C4:1/4",))


def test_notes_are_at_their_time_and_pitch():
    melody = [Note(62, QUARTER), Note(None, QUARTER), Note(61, 2 * QUARTER), Note(62, Fraction(9)), Note(60, QUARTER)]
    (roll,) = rolls([melody], (60, 83))
    dark = roll[0] == TONE
    assert roll.shape == (1, *size_of((60, 83))) == (1, 72, 192)
    rows, columns = dark.any(1).nonzero()[:, 0], dark[-PIXELS * 3 : -PIXELS * 2].any(0).nonzero()[:, 0]
    assert rows.min() == 72 - 3 * PIXELS and rows.max() == 72 - PIXELS - 1, "the last note is beyond the picture"
    first = WHOLE // 4 - 1
    assert columns[:first].tolist() == [*range(first)] and columns[first] == WHOLE, "a gap ends each note"
    middle = dark[-PIXELS * 2 : -PIXELS].any(0).nonzero()[:, 0]
    assert middle.min() == WHOLE // 2 and middle.max() == WHOLE - 2


def test_what_is_no_note_and_what_is_out_of_reach_is_not_drawn():
    assert not (rolls([[Note(20, QUARTER)], []], (60, 83)) == TONE).any()
    picture = renderer(NOTES).picture(torch.tensor([[0, 0, 0, 1], [2, 3, 4, 1]]), None)
    assert np.asarray(picture).min() < 60


def test_scales_are_written_beside_the_rolls():
    bare = with_scales([[]], (60, 83))
    assert bare.size == (MARGIN + 192, 72 + 18)
    margin = np.asarray(bare)[:72, :MARGIN]
    assert margin.min() < 200 and scale_of((60, 83)) == "piano rolls of the first 4 whole notes, C4 to B5 upwards"


def test_rows_walks_and_films_are_of_one_size():
    ids = torch.tensor([[2, 3, 4, 1], [4, 4, 4, 1]])
    draw = renderer(NOTES)
    assert draw.picture(ids, None).size == draw.picture(ids.flip(0), None).size
    assert draw.walks(torch.stack([ids, ids.flip(0)]), None).height > 2 * 40
    assert draw.categories(torch.stack([ids, ids]), None).size == draw.walks(torch.stack([ids, ids]), None).size
    assert draw.rows([ids, ids], ["a", "b"], "note", None).width > draw.row(ids).width
