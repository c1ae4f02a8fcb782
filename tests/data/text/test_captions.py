"""Captions of a folder's images: which are read and which are problems, tokens, and how they are drawn."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from zerosum.batches import Captioned, Labelled
from zerosum.data import Stream, load
from zerosum.data.check import check
from zerosum.data.dataset import DataError, Dataset
from zerosum.data.held_out import split
from zerosum.data.several import Others, Several
from zerosum.data.text.captions import encoded, tokens
from zerosum.errors import ZerosumError
from zerosum.modality import Tokens


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six grey images, a.png to f.png, each of a shade of its own: 10, 20 ..."""
    for number, name in enumerate("abcdef", 1):
        Image.new("L", (8, 8), 10 * number).save(tmp_path / f"{name}.png")
    return tmp_path


def captioned(photos: Path, rows: list[tuple[str, str]], file: str = "captions.csv") -> Dataset:
    if file.endswith("jsonl"):
        lines = [json.dumps({"file_name": name, "text": text}, ensure_ascii=False) for name, text in rows]
    else:
        lines = ["file_name,text", *(f'{name},"{text}"' for name, text in rows)]
    (photos / file).write_text("\n".join(lines), encoding="utf-8")
    return load(str(photos))


def said(data: Dataset) -> list[list[str]]:
    """Of each image its captions."""
    field = data.captions
    assert field is not None and field.several is not None and isinstance(field.modality, Tokens)
    texts, starts = field.modality.write(field.several.values), field.several.starts.tolist()
    return [texts[a:b] for a, b in itertools.pairwise(starts)]


MANY = [("a.png", "a red bird"), ("a.png", "a bird"), ("b.png", "a blue fish"), ("c.png", "a bird"), ("d.png", "a cat")]

# ---- tokens


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A small, RED circle!", ["a", "small", ",", "red", "circle", "!"]),
        ("红色的圆在左边", list("红色的圆在左边")),
        ("一只 cat, 2 只", ["一", "只", "cat", ",", "2", "只"]),
        ("\uff46\uff55\uff4c\uff4c", ["full"]),
        ("it's <eos>", ["it", "'", "s", "<", "eos", ">"]),
        ("  \t ", []),
        ("हिन्दी में, किताब", ["हिन्दी", "में", ",", "किताब"]),  # whose vowels are marks
        ("كِتَابٌ שָׁלוֹם", ["كِتَابٌ", "שָׁלוֹם"]),
        ("İstanbul \u2764\ufe0f", ["i\u0307stanbul", "\u2764\ufe0f"]),
        ("\u0e2a\u0e31", ["\u0e2a", "\u0e31"]),  # Thai
    ],
)
def test_words_signs_and_characters_without_spaces_are_tokens(text: str, wanted: list[str]) -> None:
    assert tokens(text) == wanted


# ---- reading


@pytest.mark.parametrize("file", ["captions.csv", "metadata.csv", "metadata.jsonl", "captions.jsonl", "Captions.CSV"])
def test_captions_of_each_file_several_of_an_image(photos: Path, file: str) -> None:
    data = captioned(photos, MANY, file)
    assert said(data) == [["a red bird", "a bird"], ["a blue fish"], ["a bird"], ["a cat"], [], []]
    assert len(data) == 6 and not data.problems and not data.notes


def test_chinese_captions_are_written_without_spaces(photos: Path) -> None:
    data = captioned(photos, [("a.png", "红色的圆"), ("b.png", "蓝色的方")])
    assert said(data)[:2] == [["红色的圆"], ["蓝色的方"]]


def test_what_is_wrong_with_captions_is_named(photos: Path) -> None:
    rows = [*MANY, ("ghost.png", "a ghost"), ("e.png", " "), ("b.png", "a  BLUE fish"), ("f.png", "no " * 129)]
    data = captioned(photos, rows)
    assert [str(problem) for problem in data.problems] == [
        "captions.csv: 1 of its 9 rows name no image, the first in line 7: ghost.png",
        "captions.csv: 1 of its 9 rows have no text, the first in line 8: e.png",
        "captions.csv: 1 of its 9 rows have a text of more than 128 words, the first in line 10: f.png",
        "captions.csv: 1 of its 9 rows repeat a text of their image, the first in line 9: b.png",
    ]
    assert said(data) == [["a red bird", "a bird"], ["a blue fish"], ["a bird"], ["a cat"], [], []]
    lines = check(str(photos)).lines()
    assert "captions: 5 of 4 images, 1 to 2 each, of 2 to 3 words; vocabulary: 6" in lines
    assert "without a caption: 2 of 6 images: e.png, f.png" in lines
    assert lines[0].startswith(f"{photos}: training would use 6 images of 1x8x8; fingerprint")


def test_half_of_a_character_becomes_the_sign_of_one(photos: Path) -> None:
    rows = ['{"file_name": "a.png", "text": "a \\ud83d bird"}', '{"file_name": "b.png", "text": "a fish"}']
    (photos / "captions.jsonl").write_text("\n".join(rows))
    data = load(str(photos))
    assert said(data)[0] == ["a \ufffd bird"] and str(data.captions.modality).encode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("captions.csv", "image,caption\na.png,a cat\n", "there is no column file_name: rename one of image, caption"),
        ("captions.csv", "file_name,caption\na.png,a cat\n", "there is no column text: rename one of caption"),
        ("captions.csv", "name,text\na.png,a cat\n", "there is no column file_name: rename one of name"),
        ("captions.csv", "file_name\na.png\n", "there is no column text: add it"),
        ("captions.json", '{"images": [{"id": 1}], "annotations": []}', "it is other JSON than captions: write {"),
    ],
)
def test_a_captions_file_of_another_layout_is_a_note(photos: Path, name: str, content: str, why: str) -> None:
    (photos / name).write_text(content)
    data = load(str(photos))
    (note,) = data.notes
    assert data.captions is None and note.startswith(f"{name} is not read, as {why}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("captions.json", '{"a.png": ["a red bird", "a bird"], "b.png": "a fish"}'),
        ("captions.json", '[["a.png", ["a red bird", "a bird"]], ["b.png", "a fish"]]'),
        (
            "captions.json",
            '[{"file_name": "a.png", "text": ["a red bird", "a bird"]}, {"file_name": "b.png", "text": "a fish"}]',
        ),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "text": ["a red bird", "a bird"]}\n{"file_name": "b.png", "text": "a fish"}',
        ),
    ],
)
def test_lists_of_captions_and_names_with_captions(photos: Path, name: str, content: str) -> None:
    (photos / name).write_text(content)
    data = load(str(photos))
    assert said(data)[:2] == [["a red bird", "a bird"], ["a fish"]] and data.y is None


def test_a_text_that_is_none_is_refused(photos: Path) -> None:
    (photos / "captions.jsonl").write_text('{"file_name": "a.png", "text": {"en": "a bird"}}\n')
    with pytest.raises(DataError, match=r"line 1: text is \{.*give one text"):
        load(str(photos))


def test_an_open_quotation_mark_is_named_where_its_row_begins(photos: Path) -> None:
    rows = ['"a bird"', '"a fish', '"a cat"', '"a dog"']
    named = [f"{file}.png,{text}" for file, text in zip("abcd", rows, strict=True)]
    (photos / "captions.csv").write_text("\n".join(["file_name,text", *named]))
    with pytest.raises(DataError, match=r"captions.csv, line 3: .*check the quotation marks"):
        load(str(photos))


def test_captions_that_are_all_the_same_are_said_by_check(photos: Path) -> None:
    captioned(photos, [("a.png", "a bird"), ("b.png", "a bird")])
    assert any(line.startswith("note: all captions are the same") for line in check(str(photos)).lines())
    captioned(photos, [("a.png", "a bird"), ("b.png", "a fish")])
    assert not any("are the same" in line for line in check(str(photos)).lines())


def test_labels_and_captions_of_one_file(photos: Path) -> None:
    (photos / "metadata.csv").write_text("file_name,label,text\na.png,cat,a cat\na.png,cat,one cat\nb.png,dog,a dog\n")
    data = load(str(photos))
    assert data.classes == ("cat", "dog") and said(data)[:2] == [["a cat", "one cat"], ["a dog"]]


# ---- the fingerprint


def test_captions_change_the_fingerprint_only_for_who_reads_them(photos: Path) -> None:
    plain = load(str(photos))
    data, small = captioned(photos, MANY), load(str(photos), size=(4, 4))
    assert data.fingerprint != plain.fingerprint and data.without_captions().fingerprint == plain.fingerprint
    assert data.without_captions().captions is None and plain.without_captions() is plain
    other = captioned(photos, MANY[:-1])
    assert other.fingerprint != data.fingerprint and other.uncaptioned == data.uncaptioned
    (photos / "captions.csv").unlink()
    assert load(str(photos), size=(4, 4)).fingerprint == small.without_captions().fingerprint
    assert split(data, ["b"]).kept.without_captions().fingerprint == split(plain, ["b"]).kept.fingerprint


# ---- drawing


def rows_of(batch: Captioned) -> list[int]:
    """Which images were drawn: 0 is a.png."""
    return [round((float(x.mean()) + 1) * 127.5 / 10) - 1 for x in batch.x]


def test_captions_are_of_their_images_and_wrong_ones_of_others(photos: Path) -> None:
    data = captioned(photos, MANY)
    own, stream = said(data), Stream(data, 4, seed=3, batch=Captioned)
    kind = data.fields["text"].modality
    assert isinstance(kind, Tokens)
    drawn = set()
    for _ in range(100):
        batch = stream()
        assert sorted(rows_of(batch)) == [0, 1, 2, 3], "images without a caption are not drawn"
        for row, text, wrong in zip(rows_of(batch), kind.write(batch.text), kind.write(batch.wrong), strict=True):
            assert text in own[row] and wrong not in own[row]
            drawn.add((row, text, wrong))
    assert {text for row, text, _ in drawn if row == 0} == {"a red bird", "a bird"}, "each of several comes"
    assert {wrong for row, _, wrong in drawn if row == 1} == {"a red bird", "a bird", "a cat"}


def test_captions_are_drawn_evenly(photos: Path) -> None:
    data = captioned(photos, [("a.png", f"a {word}") for word in ("cat", "dog", "cow")] + [("b.png", "an owl")])
    stream, kind = Stream(data, 1, seed=0, batch=Captioned), data.fields["text"].modality
    assert isinstance(kind, Tokens)
    texts = [kind.write(stream().text)[0] for _ in range(1200)]
    counts = [texts.count(f"a {word}") for word in ("cat", "dog", "cow")]
    assert sum(counts) == 600 and min(counts) > 160


def test_a_resumed_stream_draws_the_same_captions(photos: Path) -> None:
    data = captioned(photos, MANY)
    stream = Stream(data, 3, seed=1, batch=Captioned)
    for _ in range(5):
        stream()
    state, ahead = stream.state(), [stream() for _ in range(7)]
    again = Stream(data, 3, seed=1, batch=Captioned)
    again.restore(state)
    assert all(torch.equal(a, b) for one in ahead for a, b in zip(one, again(), strict=True))
    with pytest.raises(DataError, match="the data has changed"):
        Stream(captioned(photos, MANY[:-1]), 3, seed=1, batch=Captioned).restore(state)


def test_ranks_share_out_what_one_would_draw(photos: Path) -> None:
    data = captioned(photos, MANY)
    whole = Stream(data, 4, seed=1, batch=Captioned)
    parts = [Stream(data, 2, seed=1, batch=Captioned, rank=rank, world=2) for rank in range(2)]
    for _ in range(5):
        both = [part() for part in parts]
        for own, *others in zip(whole(), *both, strict=True):
            assert torch.equal(own, torch.cat(others))


def test_held_out_images_take_their_captions_along(photos: Path) -> None:
    kept, held_out = split(captioned(photos, MANY), ["a", "e"])
    assert said(kept) == [["a blue fish"], ["a bird"], ["a cat"], []] and said(held_out) == [
        ["a red bird", "a bird"],
        [],
    ]


def test_data_without_captions_is_refused_by_name(photos: Path) -> None:
    with pytest.raises(DataError, match=r"has no captions, but the game learns from them; write a captions\.csv"):
        Stream(load(str(photos)), 2, seed=0, batch=Captioned)
    with pytest.raises(DataError, match="has no labels"):
        Stream(captioned(photos, MANY), 2, seed=0, batch=Labelled)


@pytest.mark.parametrize("rows", [[("a.png", "a cat")], [("a.png", "a cat"), ("b.png", "a cat")]])
def test_captions_that_are_all_one_leave_none_that_is_wrong(photos: Path, rows: list[tuple[str, str]]) -> None:
    with pytest.raises(DataError, match="has all the captions that there are, so that none is wrong for it"):
        Stream(captioned(photos, rows), 1, seed=0, batch=Captioned)


def test_a_value_that_is_nearly_all_there_are_is_still_not_drawn_for_its_own() -> None:
    values = torch.tensor([[0]] * 99 + [[1]])
    others = Others(Several(values, torch.arange(101)), torch.arange(100), torch.device("cpu"))
    drawn = others(torch.zeros(500, dtype=torch.int64), torch.randint(1 << 40, (500, 4, 2)))
    assert (values[drawn] == 1).all()


# ---- a text that somebody writes

KIND = Tokens(("<unk>", "<eos>", "a", "bird", "red", "white"), 4)


def test_a_text_is_encoded_as_captions_are() -> None:
    assert encoded(KIND, "A red  BIRD") == [2, 4, 3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty: write a word at least"),
        (" \n", "the text is empty"),
        ("a brid", "has the word 'brid'; did you mean bird"),
        ("a xyz qqq", "has the word 'xyz', 'qqq'; it knows a, bird, red, white"),
        ("a <unk>", "has the word '<', 'unk', '>'"),
        ("a red white bird", "the text has 4 words, and none that was learnt from has more than 3"),
    ],
)
def test_a_text_that_nothing_can_be_made_of_is_refused(text: str, message: str) -> None:
    with pytest.raises(ZerosumError, match=message):
        encoded(KIND, text)


def test_what_older_runs_learnt_in_parts_is_read_in_parts() -> None:
    kind = Tokens(("<unk>", "<eos>", "a", "\u2764", "\ufe0f"), 6)
    assert encoded(kind, "a \u2764\ufe0f") == [2, 3, 4, 1, 1, 1]
    characters = Tokens(("<unk>", "e", "\u0301"), 2, "")
    assert characters.split("\u00e9") == ["e", "\u0301"]
