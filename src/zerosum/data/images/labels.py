"""What a file beside the images says of them: `labels.csv` or `metadata.csv`, or `.jsonl`, with a column `file_name`.

The column `label` names each image's class; columns that begin with `condition_` are the numbers of its vector. Such a
file goes before the names of sub-folders.
"""

from __future__ import annotations

import csv
import io
import json
import math
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Problem
from zerosum.data.text.lines import read_text

FILES = ("labels.csv", "labels.jsonl", "metadata.csv", "metadata.jsonl")
NAME, LABEL, CONDITION = "file_name", "label", "condition_"
DELIMITERS = (",", ";", "\t")
WHOLE = re.compile(r"(-?[0-9]+)(\.0*)?")  # tables that have gaps write whole numbers as 3.0
LARGEST = torch.finfo(torch.float32).max


@dataclass(frozen=True)
class Annotations:
    """The labels and the vectors of images, by their files."""

    labels: Mapping[str, str]  # the class of each file that has one
    vectors: Mapping[str, tuple[float, ...]]  # of all files, or of none
    problems: tuple[Problem, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in their order: by number if all are whole numbers, else by letter."""
        known = sorted(set(self.labels.values()))
        return tuple(sorted(known, key=int) if all(re.fullmatch(r"-?[0-9]+", name) for name in known) else known)

    def y(self, files: Iterable[str]) -> Tensor | None:
        """(N,) int64, -1 where there is no label; None where there are no classes."""
        number: dict[str | None, int] = {name: k for k, name in enumerate(self.classes)}
        return torch.tensor([number.get(self.labels.get(file), -1) for file in files]) if number else None

    def conditions(self, files: Iterable[str]) -> Tensor | None:
        """(N, K) float32, or None."""
        return torch.tensor([self.vectors[file] for file in files]) if self.vectors else None


class Entry(NamedTuple):
    """A row about one image."""

    line: int  # where the row ends
    name: str
    label: str  # "": none
    vector: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """A file of rows."""

    path: Path
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def tells(self) -> bool:
        """Whether it has labels or vectors; captions, say, are neither."""
        return LABEL in self.columns or any(map(_is_condition, self.columns))

    def wrong(self, line: int, what: str) -> DataError:
        return DataError(f"{self.path}, line {line}: {what}")


def read_label_file(root: Path, files: Collection[str]) -> Annotations | None:
    """What one of FILES in the folder `root` says of its images `files`; None where there is none, or it has no labels.

    A row about no image is a problem, an image without a row has no label.

    Raises:
        DataError: the file cannot be read, or contradicts itself; two files have labels; or only some images a vector.
    """
    tables = [_read(root / file) for file in FILES if (root / file).is_file()]
    telling = [table for table in tables if table.tells]
    if not telling:
        return None
    if len(telling) > 1:
        both = " and ".join(table.path.name for table in telling)
        raise DataError(f"{root} has labels in {both}; keep one of the files, or rename the other")
    return _marks(telling[0], files)


def _marks(table: Table, files: Collection[str]) -> Annotations:
    known = {_plain(file): file for file in files}
    found: dict[str, Entry] = {}
    lost: list[Entry] = []
    for entry in table.entries:
        file = known.get(_plain(entry.name))
        if file is None:
            lost.append(entry)
            continue
        before = found.setdefault(file, entry)
        if (before.label, before.vector) != (entry.label, entry.vector):
            raise table.wrong(entry.line, f"{entry.name} has another label or vector in line {before.line}; keep one")
    if not found:
        raise table.wrong(
            lost[0].line,
            f"there is no image {lost[0].name}, nor one of any other row; "
            f"give names relative to {table.path.parent}, with their endings",
        )
    if len(found[next(iter(found))].vector) and (without := [file for file in files if file not in found]):
        raise DataError(
            f"{table.path} has vectors for {len(found):,} of {len(files):,} images; add a row for {without[0]}, "
            "or move it away"
        )
    names = _class_names({entry.label for entry in found.values()} - {""})
    reason = f"{len(lost):,} of its {len(table.entries):,} rows name no image, the first in line "
    return Annotations(
        {file: names[entry.label] for file, entry in found.items() if entry.label},
        {file: entry.vector for file, entry in found.items() if entry.vector},
        (Problem(table.path.name, f"{reason}{lost[0].line}: {lost[0].name}"),) if lost else (),
    )


def _class_names(labels: Collection[str]) -> dict[str, str]:
    """The class that each label means: itself, or of whole numbers written as 3.0, 3."""
    whole = {label: WHOLE.fullmatch(label) for label in labels}
    return {label: match[1] if match and all(whole.values()) else label for label, match in whole.items()}


def _plain(name: str) -> str:
    """A file's name in one spelling: systems differ in separators, and in how they store accents."""
    return unicodedata.normalize("NFC", posixpath.normpath(name.replace("\\", "/")))


def _is_condition(column: str) -> bool:
    return column.startswith(CONDITION)


# -- reading ----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Table:
    text = read_text(path)
    rows = list(_json_lines(path, text) if path.suffix == ".jsonl" else _csv(path, text))
    columns = tuple(dict.fromkeys(column for _, row in rows for column in row))
    empty = Table(path, columns, ())
    if not rows:
        raise DataError(f"{path} has no rows; give each image one, with its {NAME} and its {LABEL}, or remove the file")
    if NAME not in columns:
        raise empty.wrong(1, f"there is no column {NAME}; rename one of {', '.join(columns)}, or the file")
    if path.stem == "labels" and not empty.tells:
        raise empty.wrong(1, f"there is no column {LABEL} or {CONDITION}...; rename one of {', '.join(columns)}")
    return Table(path, columns, tuple(_entry(empty, line, row) for line, row in rows))


def _entry(table: Table, line: int, row: Mapping[str, str]) -> Entry:
    if not row.get(NAME):
        raise table.wrong(line, f"{NAME} is empty; name the image, or remove the row")
    label = row.get(LABEL, "")
    vector = [_number(table, line, column, row.get(column, "")) for column in table.columns if _is_condition(column)]
    return Entry(line, row[NAME], "" if label in ("-1", "-1.0") else label, tuple(vector))


def _number(table: Table, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise table.wrong(line, f"{column} is {text!r}; give a finite number such as -0.5, or rename the column")
    return value


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows and the lines where they end; their delimiter is the one that parts `file_name` from the other columns."""
    delimiter = next((d for d in DELIMITERS if NAME in _header(text, d)), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if not header:
                header = row
                if twice := next((column for column in row if column and row.count(column) > 1), None):
                    raise DataError(f"{path}, line {reader.line_num}: two columns are called {twice}; remove one")
                continue
            if len(row) < len(header) or any(row[len(header) :]):
                raise DataError(
                    f"{path}, line {reader.line_num}: the header has {len(header)} cells, this row {len(row)}; write "
                    f'"..." round what holds a {delimiter!r}, and leave the cell of an unlabelled image empty'
                )
            yield reader.line_num, {column: cell for column, cell in zip(header, row, strict=False) if column}
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; check the quotation marks") from error


def _header(text: str, delimiter: str) -> Sequence[str]:
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:  # quoted cells between other delimiters
        return []
    return [cell.strip() for cell in cells]


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {line}: this is no JSON ({error}); write one object a line") from error
        if not isinstance(row, dict):
            raise DataError(f'{path}, line {line}: this is no object; write {{"{NAME}": ..., "{LABEL}": ...}}')
        yield line, {key: _cell(path, line, key, value) for key, value in row.items()}


def _cell(path: Path, line: int, key: str, value: object) -> str:
    if value is None or value != value:  # JSON of tables with gaps has NaN
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    if key in (NAME, LABEL) or _is_condition(key):
        raise DataError(f"{path}, line {line}: {key} is {json.dumps(value)}; give one text or number")
    return ""
