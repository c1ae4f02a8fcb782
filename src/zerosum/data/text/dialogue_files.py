"""A file of dialogues as data: a table with a question and an answer in each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from zerosum.data.dataset import QUESTION, DataError, Dataset, Field, Problem, dataset_of
from zerosum.data.request import Request
from zerosum.data.text.captions import LONGEST, modality, tokens
from zerosum.data.text.cells import DELIMITERS, first_cells, listed, objects, require_different, rows_of
from zerosum.data.text.lines import read_text
from zerosum.util.files import named
from zerosum.util.text import SURROGATE, shortened

ANSWER = "answer"
COLUMNS = (QUESTION, ANSWER)
SUFFIXES = (".tsv", ".csv", ".jsonl")


def dialogues_in(request: Request) -> Dataset:
    """Fields `answer` and `question`, int64 (N, length), of a .tsv, .csv or .jsonl file with columns of these names.

    Tokens are words in small letters, signs, and characters of languages without spaces, as those of captions, in one
    vocabulary. Rows that lack one of the two, or are too long, are left out and named.

    Raises:
        DataError: the file cannot be read, has no such columns or one of them twice, half of a character, no row that
            will do, or the same answer in all.
    """
    path = named(request.name)
    text = read_text(path)
    rows = list(_json_lines(path, text) if path.suffix.lower() == ".jsonl" else _table(path, text))
    if not rows:
        raise DataError(f"{path} holds no dialogues; give a row with a {QUESTION} and an {ANSWER} for each")
    found, problems = [], []
    for line, row in rows:
        both = [tokens(row[column]) for column in COLUMNS]
        if empty := [column for column, own in zip(COLUMNS, both, strict=True) if not own]:
            problems.append(Problem(f"{path.name}, line {line}", f"its {empty[0]} is empty"))
        elif (most := max(map(len, both))) > LONGEST:
            reason = f"it has a text of {most:,} words, more than {LONGEST}"
            problems.append(Problem(f"{path.name}, line {line}", reason))
        else:
            found.append(both)
    if not found:
        raise DataError(f"{path} holds no dialogue that can be learnt (the first problem is {problems[0]})")
    if all(answer == found[0][1] for _, answer in found):
        said = shortened(" ".join(found[0][1]))
        raise DataError(f"every answer of {path} is {said!r}, so there is nothing to learn; give different ones")
    kind = modality([text for both in found for text in both])
    ids = torch.tensor([[kind.ids(text) for text in both] for both in found])  # (N, 2, length)
    fields = {ANSWER: Field(kind, ids[:, 1].contiguous()), QUESTION: Field(kind, ids[:, 0].contiguous())}
    return dataset_of(request.name, fields, tuple(problems))


def _table(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Rows and the lines where they end; what parts cells is a tab in a .tsv, else what parts the two columns."""
    known = ("\t",) if path.suffix.lower() == ".tsv" else DELIMITERS
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = next((own for own in known if {*COLUMNS} <= {*first_cells(first, own)}), known[0])
    quoted = delimiter != "\t"  # texts between tabs quote as they speak
    header: list[str] = []
    for line, row in rows_of(path, text, delimiter, quoted):
        if not header:
            header = row
            _require(path, line, header)
            require_different(header, f"{path}, line {line}")
        elif len(row) != len(header):
            lacks = f"give it the others, each behind a {delimiter!r}" if len(row) < len(header) else ""
            cure = lacks or f"part cells by {delimiter!r} alone" + (", and quote others" if quoted else "")
            raise DataError(f"{path}, line {line}: the header has {len(header)} cells, and this row {len(row)}; {cure}")
        else:
            yield line, dict(zip(header, row, strict=True))


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    for line, row in objects(path, text, COLUMNS):
        _require(path, line, row)
        if wrong := [column for column in COLUMNS if not isinstance(row[column], str)]:
            raise DataError(f"{path}, line {line}: its {wrong[0]} is no text; write it in quotation marks")
        if half := [column for column in COLUMNS if SURROGATE.search(row[column])]:
            code = ascii(SURROGATE.findall(row[half[0]])[0])[1:-1]
            raise DataError(f"{path}, line {line}: its {half[0]} has {code}, half of a character; write both halves")
        yield line, row


def _require(path: Path, line: int, columns: Mapping[str, object] | list[str]) -> None:
    """`DataError` where a column is missing."""
    if missing := [column for column in COLUMNS if column not in columns]:
        others = [column for column in columns if column not in COLUMNS]
        cure = f"rename one of {listed(others)}" if others else "add it"
        raise DataError(f"{path}, line {line}: there is no column {missing[0]}; {cure}")
