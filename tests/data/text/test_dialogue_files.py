"""Files of dialogues: what is read, what is left out and named, and what is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zerosum import data
from zerosum.data import DataError, Dataset
from zerosum.data.sources import find
from zerosum.data.text.captions import LONGEST
from zerosum.data.text.dialogue_files import dialogues_in
from zerosum.modality import Tokens

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def said(loaded: Dataset) -> list[tuple[str, str]]:
    kind = loaded.modality
    assert isinstance(kind, Tokens)
    return [*zip(*(kind.write(loaded.fields[name].stored) for name in ("question", "answer")), strict=True)]


@pytest.mark.parametrize(("name", "content"), [
    ("a.tsv", 'question\tanswer\nWhere is it?\tin the box\nwho?\tshe said "anna", and left\n'),
    ("a.csv", 'question,answer\nWhere is it?,in the box\n\nwho?,"she said ""anna"", and left"\n'),
    ("a.csv", 'answer;number;question\r\nin the box;1;Where is it?\r\n"she said ""anna"", and left";2;who?\r\n'),
    ("a.jsonl", '{"question": "where is it?", "answer": "in the box"}\n\n'
                '{"answer": "she said \\"anna\\", and left", "question": "who?", "n": 2}\n'),
])  # fmt: skip
def test_tables_and_lines_of_json(write: Write, name: str, content: str) -> None:
    path = write(name, content)
    loaded = data.load(str(path))
    quoted = [("where is it ?", "in the box"), ("who ?", 'she said " anna " , and left')]
    assert said(loaded) == quoted and not loaded.problems
    assert loaded.fields["question"].modality == loaded.fields["answer"].modality  # one vocabulary
    assert find(str(path)) == (dialogues_in, "")


def test_chinese_is_read_by_characters(write: Write) -> None:
    loaded = data.load(str(write("a.tsv", "question\tanswer\n球在哪里\uff1f\t在花园里\n谁有书\uff1f\t她有\n")))
    assert said(loaded)[0] == ("球在哪里?", "在花园里")  # signs in one form of width
    assert isinstance(loaded.modality, Tokens) and loaded.modality.separator == ""


def test_rows_that_will_not_do_are_left_out_and_named(write: Write) -> None:
    long = " ".join(["w"] * (LONGEST + 1))
    loaded = data.load(str(write("a.tsv", f"question\tanswer\na ?\tb\nc ?\t\nd ?\t{long}\ne ?\tf\n")))
    assert said(loaded) == [("a ?", "b"), ("e ?", "f")]
    assert [str(problem) for problem in loaded.problems] == [
        "a.tsv, line 3: its answer is empty",
        f"a.tsv, line 4: it has a text of {LONGEST + 1} words, more than {LONGEST}",
    ]


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("a.tsv", "", "is empty; give a table of features that are 0 or 1, with their names in the first row, or of dial"),
    ("a.tsv", "question\tanswer\n", "holds no dialogues; give a row"),
    ("a.csv", "q,a\nx,y\n", "the feature q is x, and features are 0 or 1"),
    ("a.tsv", "question,answer\nx,y\n", "line 1: there is no column question; rename one of question,answer"),
    ("a.tsv", "question\treply\nx\ty\n", "line 1: there is no column answer; rename one of reply"),
    ("a.tsv", "question\tanswer\nx\ty\tz\n", "line 2: the header has 2 cells, and this row 3; part cells by '\\t'"),
    ("a.csv", "question,answer\nx,y,z\n", "line 2: the header has 2 cells, and this row 3; part cells by ','"),
    ("a.csv", 'question,answer\nx,"y\n', "unexpected end of data; check the quotation marks"),
    ("a.tsv", "question\tanswer\n\ty\n", "holds no dialogue that can be learnt (the first problem is a.tsv, line 2"),
    ("a.tsv", "question\tanswer\na ?\tyes\nb ?\tYes\n", "every answer of "),
    ("a.tsv", "question\tanswer\na a\ta\na\ta\n", "is 'a', so there is nothing to learn; give different ones"),
    ("a.tsv", b"question\tanswer\nx\t\xff\xe0\n", "line 2: this is not UTF-8; save the file as UTF-8"),
    ("a.jsonl", "{]\n", "line 1: this is no JSON"),
    ("a.jsonl", "[1]\n", "line 1: this is no object; write {"),
    ("a.jsonl", '{"question": "a"}\n', "line 1: there is no column answer; add it"),
    ("a.csv", "question,question,answer\na,b,c\n", "line 1: two columns are called question; remove one"),
    ("a.tsv", "question\tn\tanswer\tn\na\t1\tb\t2\n", "line 1: two columns are called n; remove one"),
    ("a.jsonl", '{"question": "a", "question": "b", "answer": "c"}\n',
     "line 1: question stands there twice, with different values; keep one"),
    ("a.jsonl", '{"question": "a", "answer": "b"}\n{"question": "a \\ud83d b", "answer": "x"}\n',
     "line 2: its question has \\ud83d, half of a character; write both halves"),
    ("a.jsonl", '{"question": "a", "answer": "\\ude00"}\n', "line 1: its answer has \\ude00, half of a character"),
    ("a.jsonl", '{"question": "a", "answer": 3}\n', "line 1: its answer is no text; write it in quotation marks"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(
    write: Write, name: str, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(DataError) as refused:
        data.load(str(write(name, content)))
    assert sentence in str(refused.value), refused.value


def test_a_character_of_two_halves_is_one(write: Write) -> None:
    rows = '{"question": "a \\ud83d\\ude00", "answer": "b"}\n{"question": "c", "answer": "d"}\n'
    assert said(data.load(str(write("a.jsonl", rows)))) == [("a \U0001f600", "b"), ("c", "d")]


def test_one_dialogue_is_no_batch(write: Write) -> None:
    """Nothing differs in it."""
    with pytest.raises(DataError, match=r"every answer of .* is 'b', so there is nothing to learn"):
        data.load(str(write("a.tsv", "question\tanswer\na ?\tb\n")))
