"""Text files as data: tokens, the vocabulary, ends of texts, encodings, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from zerosum.data import DataError, Dataset, Stream, check, load
from zerosum.data.text import lines
from zerosum.data.text.lines import LONGEST, vocabulary
from zerosum.modality import Lengths, Tokens

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "texts.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def tokens_of(data: Dataset) -> Tokens:
    assert isinstance(data.modality, Tokens)
    return data.modality


def test_words_and_their_ends(write: Write) -> None:
    data = load(str(write("b a\na  c\tb \nb\n")))
    tokens = tokens_of(data)
    assert tokens.vocabulary == ("<unk>", "<eos>", "b", "a", "c")  # by frequency
    assert (tokens.length, tokens.separator, tokens.end) == (4, " ", 1)
    assert data.x.tolist() == [[2, 3, 1, 1], [3, 4, 2, 1], [2, 1, 1, 1]] and data.x.dtype == torch.int64
    assert data.fields["lengths"].stored.tolist() == [2, 3, 1]
    assert data.fields["lengths"].modality == Lengths(3)
    assert tokens.lengths(data.x).tolist() == [2, 3, 1]
    assert tokens.write(data.x) == ["b a", "a c b", "b"]
    assert len(data) == 3 and data.problems == ()


def test_without_spaces_tokens_are_characters(write: Write) -> None:
    data = load(str(write("猫犬\n犬\n")))
    tokens = tokens_of(data)
    assert tokens.vocabulary == ("<unk>", "<eos>", "犬", "猫") and tokens.separator == ""
    assert tokens.write(data.x) == ["猫犬", "犬"]


def test_texts_of_one_length_have_no_end(write: Write) -> None:
    data = load(str(write("acb\nbca\n")))
    tokens = tokens_of(data)
    assert tokens.vocabulary == ("<unk>", "a", "b", "c") and tokens.length == 3 and tokens.end is None
    assert data.x.tolist() == [[1, 3, 2], [2, 3, 1]] and data.fields["lengths"].stored.tolist() == [3, 3]
    assert tokens.lengths(data.x).tolist() == [3, 3]


def test_rare_tokens_are_unknown(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [["b", "b", "a", "a", "c"], ["d", "a"]]
    assert vocabulary(texts, True, most=4) == ("<unk>", "<eos>", "a", "b")
    assert vocabulary(texts, False, most=3) == ("<unk>", "a", "b")
    assert vocabulary([["z", "y", "x"]], False, most=9) == ("<unk>", "x", "y", "z")  # of equal count by letter
    monkeypatch.setattr(lines, "VOCABULARY", 4)
    data = load(str(write("b b a a c\nd a\n")))
    assert tokens_of(data).write(data.x) == ["b b a a <unk>", "<unk> a"]


def test_unknown_in_a_file_is_the_token_it_is(write: Write) -> None:
    data = load(str(write("a <unk>\nb a\n")))
    assert tokens_of(data).vocabulary == ("<unk>", "a", "b") and data.x.tolist() == [[1, 0], [2, 1]]


def test_long_and_empty_lines_are_left_out_and_named(write: Write) -> None:
    long = " ".join(["w"] * (LONGEST + 1))
    data = load(str(write(f"a b\n\n{long}\n   \nb\n{'w ' * LONGEST}\n")))
    assert len(data) == 3 and tokens_of(data).length == LONGEST + 1
    assert [str(problem) for problem in data.problems] == [
        f"texts.txt, line 3: it has {LONGEST + 1} tokens, more than {LONGEST}; cut it into several lines",
        "texts.txt: 2 lines are empty",
    ]
    assert [str(problem) for problem in load(str(write("a b\n\nb\n"))).problems] == ["texts.txt: 1 line is empty"]


def test_the_end_is_refused_in_a_text(write: Write) -> None:
    with pytest.raises(DataError, match=r"texts\.txt, line 2: <eos> is kept for the end of a text; remove it"):
        load(str(write("a b\nb <eos>\n")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(write: Write, encoding: str, newline: str) -> None:
    data = load(str(write(f"é a{newline}a ü{newline}".encode(encoding))))
    assert tokens_of(data).write(data.x) == ["é a", "a ü"]


@pytest.mark.parametrize("line", ["caf{} noir", "caf{}"])  # words, and characters
def test_accents_are_no_characters_of_their_own(write: Write, line: str) -> None:
    composed, apart = line.format("\u00e9"), line.format("e\u0301")
    data = load(str(write(f"{apart}\n{composed}\n")))
    kind = tokens_of(data)
    assert kind.write(data.x) == [composed, composed]
    assert kind.split(apart) == kind.split(composed)


def test_other_encodings_are_refused_with_the_line(write: Write) -> None:
    with pytest.raises(DataError, match=r"texts\.txt, line 3: this is not UTF-8; save the file as UTF-8"):
        load(str(write("a\nb\né".encode("latin-1"))))
    with pytest.raises(DataError, match=r"texts\.txt.*not UTF-16"):
        load(str(write("ab\n".encode("utf-16") + b"a")))


@pytest.mark.parametrize("content", ["", "\n\n \n", "\ufeff"])
def test_a_file_without_text_is_refused(write: Write, content: str) -> None:
    with pytest.raises(DataError, match=r"texts\.txt holds no text: give one text a line"):
        load(str(write(content)))


def test_a_file_of_long_lines_alone_says_so(write: Write) -> None:
    with pytest.raises(DataError, match=r"texts\.txt holds no text .*line 1: it has 513 tokens, more than 512"):
        load(str(write("w" * 513)))


def test_odd_separators_within_a_line_are_white_space(write: Write) -> None:
    """Line separators of Unicode do not end a line: an editor shows one."""
    data = load(str(write("a\u2028b\nb\x0ca\n")))
    assert tokens_of(data).write(data.x) == ["a b", "b a"]


def test_the_fingerprint_is_of_content(write: Write) -> None:
    marks = [load(str(write(text))).fingerprint for text in ("a b\nb\n", "a b\nb", "a b\nc\n", "b\na b\n")]
    assert marks[0] == marks[1] and len(set(marks)) == 3


def test_images_are_asked_for_in_vain(write: Write) -> None:
    with pytest.raises(DataError, match=r"holds texts, which have no size of .*; give images, or leave --size out"):
        load(str(write("a b\n")), size=(8, 8))


def test_texts_are_drawn_whole(write: Write) -> None:
    from zerosum.batches import Sequences

    data = load(str(write("a\nb a\nc b a\nd c b a\n")))
    batch = Stream(data, 4, seed=0, batch=Sequences)()
    assert isinstance(batch, Sequences)
    assert torch.equal(tokens_of(data).lengths(batch.ids), batch.lengths) and sorted(batch.lengths) == [1, 2, 3, 4]


def test_what_a_check_says(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "VOCABULARY", 4)
    text = "\n".join(check(str(write("b b a a c\nd a\n\na\na\n"))).lines())
    assert "4 texts of" in text
    assert "vocabulary: 4 words with <unk> and <eos>; most frequent: a b\n" in text
    assert "tokens in a text: 1 to 5, median 1; 9 in all\n" in text
    assert "<unk>: 2 tokens (22.22%) are not in the vocabulary\n" in text
    assert "some texts:\n  b b a a <unk>\n  <unk> a\n  a\n  a\n" in text
    assert "duplicates: 1 of 4 repeat another: 2 = 3" in text and "texts.txt: 1 line is empty" in text


def test_text_with_nul_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a b\nc\0 d\n")
    with pytest.raises(DataError, match="line 2: it holds the character NUL"):
        load(str(tmp_path / "a.txt"))


def test_many_rare_words_are_said(tmp_path: Path):
    file = tmp_path / "rare.txt"
    words = [f"w{k}" for k in range(24_000)]
    file.write_text("\n".join(" ".join(words[k : k + 4]) for k in range(0, 24_000, 4)), encoding="utf-8")
    (note,) = load(str(file)).notes
    assert note == "17% of the tokens are none of the 20,000 most frequent words, and are <unk>"
    file.write_text("a b c\nb a c\n" * 10, encoding="utf-8")
    assert load(str(file)).notes == ()


def test_a_few_spaces_make_no_words_of_a_language_without(write: Write) -> None:
    few = load(str(write("春眠不觉晓\n处处闻啼鸟\nhello 春眠\n")))
    assert tokens_of(few).separator == "" and "春" in tokens_of(few).vocabulary
    assert few.notes == ("read as characters, though 1 of its lines have spaces",)
    assert tokens_of(few).write(few.x)[2] == "hello 春眠"
    parted = load(str(write("春眠 不觉 晓\n处处 闻 啼鸟\n花落\n")))  # by a program that parts words
    assert tokens_of(parted).separator == " " and parted.notes == ()
    names = load(str(write("anna\nmary ann\nbob\n")))
    assert tokens_of(names).separator == " "


def test_what_fills_rows_is_no_token_of_the_share_of_unknown_ones(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "VOCABULARY", 4)
    rare = "".join(f"a b rare{k}\n" for k in range(10))
    (note,) = load(str(write(f"{rare}{'a ' * 100}\n"))).notes
    assert note.startswith("8% of"), note
