"""What a file beside the images says of them: their classes, or their vectors.

`labels`, `metadata` or `captions` as .csv, .tsv, .jsonl or .json, in capitals or not, with a column `file_name`: the
column `label` names each image's class; columns that begin with `condition_` are the numbers of its vector; `text` is
a caption, of which an image may have several, a row each (`captions`). `dataset.json` as StyleGAN has it, and CelebA's
`list_attr_celeba`, whose attributes are a vector. A file of classes or vectors goes before the names of sub-folders.
"""

from __future__ import annotations

import json
import math
import os
import posixpath
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Problem, measured
from zerosum.data.text.cells import (
    DELIMITERS,
    SEPARATOR,
    class_names,
    first_cells,
    listed,
    objects,
    parsed,
    require_different,
    rows_of,
)
from zerosum.data.text.lines import read_text
from zerosum.util.text import abbreviate, composed, in_order, legible, shortened, unquoted

CAPTIONS = "captions"
TABLES = tuple(
    f"{stem}.{kind}" for stem in ("labels", "metadata", CAPTIONS) for kind in ("csv", "tsv", "jsonl", "json")
)
STYLEGAN, CELEBA = "dataset.json", ("list_attr_celeba.txt", "list_attr_celeba.csv")
FILES = (*TABLES, STYLEGAN, *CELEBA)
ALIKE = re.compile(r"(label|class|annot|attr|meta|target|caption)", re.IGNORECASE)  # names of what may be labels, too
WRITTEN = (
    ".csv",
    ".tsv",
    ".txt",
    ".json",
    ".jsonl",
    ".xml",
    ".xlsx",
    ".xls",
    ".ods",
    ".parquet",
    ".mat",
    ".npy",
    ".pkl",
)
NAME, LABEL, CONDITION, TEXT = "file_name", "label", "condition_", "text"
PART = re.compile(r"(train|training|trn|test|testing|tst|val|valid|validation|dev|eval)[ab]?", re.IGNORECASE)
NONE = ("na", "n/a", "#n/a", "<na>", "nan", "null", "none")  # how tables write that there is no label, in any case
LARGEST = torch.finfo(torch.float32).max


@dataclass(frozen=True)
class Annotations:
    """The labels and the vectors of images, by their files."""

    labels: Mapping[str, str]  # the class of each file that has one
    vectors: Mapping[str, tuple[float, ...]]  # of all files, or of none
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    read: tuple[str, ...] = ()  # the files that say so
    tables: tuple[Table, ...] = ()  # these, with all that they say

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in their order: by number if all are whole numbers, else by letter."""
        return in_order(self.labels.values())

    def of(self, files: Collection[str]) -> Annotations:
        """Those of some of the images, without the classes of others."""
        kept = {file: self.labels[file] for file in files if file in self.labels}
        if not (lost := sorted(set(self.labels.values()) - set(kept.values()))):
            return self
        what = f"class {lost[0]} has" if len(lost) == 1 else f"{len(lost):,} classes have"
        named = "" if len(lost) == 1 else f": {', '.join(abbreviate(lost))}"
        note = f"{what} no image that can be read, and {'is' if len(lost) == 1 else 'are'} left out{named}"
        return replace(self, labels=kept, notes=(*self.notes, note))

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
    text: str = ""  # a caption


@dataclass(frozen=True)
class Table:
    """A file of rows."""

    path: Path
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    unit: str = "line"  # what entries are counted by
    alone: bool = False  # whether it goes before sub-folders even without a label: they are no classes then

    @property
    def tells(self) -> bool:
        """Whether it has labels or vectors; captions are neither."""
        return self.alone or LABEL in self.columns or any(map(_is_condition, self.columns))

    @property
    def has_text(self) -> bool:
        """Whether it has captions."""
        return TEXT in self.columns

    def wrong(self, line: int, what: str) -> DataError:
        return DataError(f"{self.path}, {self.unit} {line}: {what}")


def read_label_file(root: Path, files: Collection[str]) -> Annotations:
    """What one of FILES in the folder `root` says of its images `files`; without one, what its sub-folders are called.

    A row about no image is a problem, an image without a row has no label.

    Raises:
        DataError: the file cannot be read, or contradicts itself; two files have labels; or only some images a vector.
    """
    known, notes = _found(root)
    tables = [_read(path) for path in known]
    telling = [table for table in tables if _tells(table, files)]
    read = tuple(legible(table.path.name) for table in tables)
    notes += [_not_read(table) for table in tables if table not in telling and not (table.has_text and table.entries)]
    if len(telling) > 1:
        both = " and ".join(table.path.name for table in telling)
        raise DataError(f"{root} has labels in {both}; keep one of the files, or rename the other")
    if telling:
        marks = _marks(telling[0], files)
        return replace(marks, notes=(*notes, *marks.notes), read=read, tables=tuple(tables))
    # In sub-folders, the outermost is the class; images beside them have no label.
    inside = {file: composed(file.split("/")[0]) for file in files if "/" in file}
    parts = sorted(set(inside.values()))
    if len(parts) > 1 and all(map(PART.fullmatch, parts)):
        notes.append(
            f"the sub-folders {', '.join(parts)} are classes; where they are parts of one set, train on one: "
            f"{root / next((part for part in parts if part.lower().startswith('tr')), parts[0])}"
        )
    return Annotations(inside, {}, notes=tuple(notes), read=read, tables=tuple(tables))


def label_files(root: Path) -> list[Path]:
    """The files in the folder `root` that may have labels, in the order of FILES; `DataError` for a dead link."""
    return _found(root)[0]


def _tells(table: Table, files: Collection[str]) -> bool:
    """Whether it has labels or vectors. JSON of any other content looks like them, but for the names of images."""
    sure = table.unit == "line" or table.alone or table.path.stem.lower() == "labels"
    return table.tells and (sure or any(map(Names(files).get, (entry.name for entry in table.entries))))


def _found(root: Path) -> tuple[list[Path], list[str]]:
    """The files in `root` that are read, in the order of FILES, and notes on others that may have labels.

    Raises:
        DataError: one is a link to nothing, or a pipe.
    """
    found: list[tuple[int, Path]] = []
    notes = []
    for path in sorted(root.iterdir()):
        name = path.name.lower()
        if name not in FILES:
            if path.suffix.lower() in WRITTEN and ALIKE.search(path.stem) and path.is_file():
                notes.append(f"{legible(path.name)} is not read: labels are read from {', '.join(FILES)}")
            continue
        try:
            mode = path.stat().st_mode
        except OSError as error:
            what = f"is a link to {os.readlink(path)}, which is not there" if path.is_symlink() else error.strerror
            raise DataError(f"{path} {what}; mend it, or remove it") from error
        if stat.S_ISDIR(mode):
            notes.append(f"{legible(path.name)} is a folder, and no file of labels")
        elif not stat.S_ISREG(mode):
            raise DataError(f"{path} is a pipe or a device; put a file in its place, or remove it")
        else:
            found.append((FILES.index(name), path))
    return [path for _, path in sorted(found)], notes


def _marks(table: Table, files: Collection[str]) -> Annotations:
    known = Names(files, loose=table.path.name.lower() in CELEBA)
    found: dict[str, Entry] = {}
    lost: list[Entry] = []
    for entry in table.entries:
        file = known.get(entry.name)
        if file is None:
            lost.append(entry)
            continue
        before = found.setdefault(file, entry)
        if (before.label, before.vector) != (entry.label, entry.vector):
            raise table.wrong(
                entry.line,
                f"{shortened(entry.name)} has another label or vector in {table.unit} {before.line}; keep one",
            )
    if not found and not (table.alone and not lost):
        raise table.wrong(
            lost[0].line,
            f"there is no image {shortened(lost[0].name)}, nor one of any other row; "
            f"give names relative to {table.path.parent}, with their endings",
        )
    if any(entry.vector for entry in found.values()) and (without := [file for file in files if file not in found]):
        raise DataError(
            f"{table.path} has vectors for {len(found):,} of {len(files):,} images; add a row for {without[0]}, "
            "or move it away"
        )
    reason = f"{len(lost):,} of its {len(table.entries):,} rows name no image, the first in {table.unit} "
    problems = (Problem(table.path.name, f"{reason}{lost[0].line}: {lost[0].name}"),) if lost else ()
    vectors = {file: entry.vector for file, entry in found.items() if entry.vector}
    given = {file: entry.label for file, entry in found.items() if entry.label}
    blank = Counter(entry.label for entry in found.values() if entry.label.lower() in NONE)
    labels = {file: label for file, label in given.items() if label not in blank}
    notes = []
    if blank:
        written = ", ".join(f"{label} ({count:,})" for label, count in sorted(blank.items()))
        notes.append(f"{table.path.name}: read as no label: {written}; if it is a class, write its name otherwise")
    if LABEL in table.columns and not (labels or vectors):
        notes.append(f"{table.path.name}: no image has a label")
    if table.path.name.lower() in CELEBA:
        notes.append(f"{table.path.name}: the {len(table.columns) - 1} attributes are read as vectors of numbers")
    count = len(set(labels.values()))
    if measured(set(labels.values()), len(labels)):
        if vectors or len(labels) < len(files):
            lack = len(files) - len(labels)
            why = (
                "there are vectors, too" if vectors else f"{lack:,} {'image has' if lack == 1 else 'images have'} none"
            )
            raise DataError(
                f"{table.path}: {LABEL} has {count:,} different numbers for {len(labels):,} images, which are "
                f"measurements and no classes, and {why}; call the column {CONDITION}{LABEL} and give each image one, "
                "or leave it out"
            )
        notes.append(
            f"{table.path.name}: {LABEL} has {count:,} different numbers for {len(labels):,} images: these are "
            f"measurements, read as vectors of one number, as a column {CONDITION}{LABEL} would be, and no classes"
        )
        return Annotations({}, {file: (float(label),) for file, label in labels.items()}, problems, tuple(notes))
    names = class_names(set(labels.values()))
    return Annotations({file: names[label] for file, label in labels.items()}, vectors, problems, tuple(notes))


class Names:
    """The files by their names in one spelling; of a loose table also without their folders and endings."""

    def __init__(self, files: Collection[str], loose: bool = False):
        self.known = {_plain(file): file for file in files}
        self.stems = Counter[str](map(_stem, files if loose else ()))
        self.by_stem = {_stem(file): file for file in files if loose}

    def get(self, name: str) -> str | None:
        file, stem = self.known.get(_plain(name)), _stem(name)
        return file or (self.by_stem.get(stem) if self.stems[stem] == 1 else None)


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(_plain(name)))[0]


def _plain(name: str) -> str:
    """A file's name in one spelling: systems differ in separators, and in how they store accents."""
    return composed(posixpath.normpath(name.replace("\\", "/")))


def _is_condition(column: str) -> bool:
    return column.startswith(CONDITION)


def _not_read(table: Table) -> str:
    """Why a file says nothing of the images."""
    if table.path.stem.lower() != CAPTIONS:
        return f"{table.path.name} has neither labels nor vectors"
    if missing := [column for column in (NAME, TEXT) if table.columns and column not in table.columns]:
        others = [column for column in table.columns if column not in (NAME, TEXT)]
        cure = f"rename one of {listed(others)}" if others else "add it"
        return f"{table.path.name} is not read, as there is no column {missing[0]}: {cure}"
    return f'{table.path.name} is not read, as it is other JSON than captions: write {{"a.png": "a red square"}}'


# -- reading ----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Table:
    name = path.name.lower()
    text = read_text(path)
    if name.endswith(".json"):
        return _json(path, text)
    if name == CELEBA[0]:
        rows = list(_celeba(path, text))
    else:
        rows = list(_json_lines(path, text) if name.endswith(".jsonl") else _csv(path, text))
    if name == CELEBA[1]:
        rows = [(line, _attributes(row)) for line, row in rows]
    columns = tuple(dict.fromkeys(column for _, row in rows for column in row))
    empty = Table(path, columns, ())
    if not rows:
        raise DataError(
            f"{path} has no rows; give each image one, with its {NAME} and its {LABEL} or {TEXT}, or remove the file"
        )
    if NAME not in columns and (joined := next((column for column in columns if NAME in column), None)):
        raise empty.wrong(1, f"{shortened(joined)} is one column; part cells by commas, semicolons or tabs")
    if path.stem.lower() == CAPTIONS and not {NAME, TEXT} <= {*columns}:
        return empty  # of another layout
    if NAME not in columns:
        raise empty.wrong(1, f"there is no column {NAME}; rename one of {listed(columns)}, or the file")
    if path.stem.lower() == "labels" and not empty.tells:
        raise empty.wrong(1, f"there is no column {LABEL} or {CONDITION}...; rename one of {listed(columns)}")
    return Table(path, columns, tuple(_entry(empty, line, row) for line, row in rows))


def _json(path: Path, text: str) -> Table:
    """Labels by name: {"a.png": 1}, [["a.png", 1]], [{"file_name": "a.png", "label": 1}], or one of these as "labels".

    A label that is a list of numbers is a vector.
    """
    document = parsed(text, f"{path}", "mend it, or remove it")
    inner = document["labels"] if isinstance(document, dict) and "labels" in document else document
    alone = inner is not document  # StyleGAN's: sub-folders are parts, even where the labels are null
    rows = list(_json_rows(path, [] if inner is None and alone else inner))
    if any(row is None for row in rows) or not (rows or alone):
        if path.stem.lower() != "labels":
            return Table(path, (), (), "entry")
        raise DataError(
            f'{path} has other JSON than labels; write {{"a.png": "cat", "b.png": "dog"}}, or rename the file'
        )
    columns = tuple(dict.fromkeys(column for row in rows if row for column in row))
    empty = Table(path, columns, (), "entry", alone)
    numbers = [column for column in columns if _is_condition(column)]
    for k, row in enumerate(rows, 1):
        if row and (own := sum(column in row for column in numbers)) < len(numbers):
            said = f"{shortened(row[NAME])} has {own} of the {len(numbers)} numbers that others have; give all as many"
            raise empty.wrong(k, said)
    return replace(empty, entries=tuple(_entry(empty, k, row) for k, row in enumerate(rows, 1) if row))


def _json_rows(path: Path, inner: Any) -> Iterator[dict[str, str] | None]:
    """The rows of a document, as those of a table; None for what is no row."""
    column = TEXT if path.stem.lower() == CAPTIONS else LABEL  # what a name alone is given
    if isinstance(inner, dict):
        inner = list(map(list, inner.items()))
    for k, row in enumerate(inner if isinstance(inner, list) else [None], 1):
        if isinstance(row, dict) and NAME in row:
            for one in _each_text(row):
                yield {key: _cell(path, k, key, value) for key, value in one.items()}
        elif isinstance(row, list) and len(row) == 2 and isinstance(row[0], str):
            name, label = row
            if column == LABEL and isinstance(label, list) and label and all(isinstance(x, int | float) for x in label):
                yield {NAME: name} | {f"{CONDITION}{i}": str(+x) for i, x in enumerate(label)}
            elif isinstance(label, dict) and any(key == LABEL or _is_condition(key) for key in label):
                yield {NAME: name} | {key: _cell(path, k, key, value) for key, value in label.items()}
            elif label is None or isinstance(label, str | int | float):
                yield {NAME: name, column: _cell(path, k, column, label)}
            elif column == TEXT and isinstance(label, list) and all(isinstance(text, str) for text in label):
                for one in _each_text({NAME: name, TEXT: label}):
                    yield {key: _cell(path, k, key, value) for key, value in one.items()}
            else:
                yield None
        else:
            yield None


def _celeba(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """CelebA's attributes: a line with the count, one with their names, then a file and -1 or 1 of each in a line."""
    header: list[str] = []
    for line, content in enumerate(text.splitlines(), 1):
        cells = content.split()
        if len(cells) < 2:  # the count, or nothing
            continue
        if not header:
            header = cells
            require_different(header, f"{path}, line {line}", "attributes")
            continue
        if len(cells) != len(header) + 1:
            raise DataError(
                f"{path}, line {line}: {len(header)} attributes have names, and this line has {len(cells) - 1}; mend "
                "it, or remove the file"
            )
        yield line, _attributes(dict(zip(("image_id", *header), cells, strict=True)))


def _attributes(row: Mapping[str, str]) -> dict[str, str]:
    """A row of CelebA's attributes: all but the name are numbers of the vector."""
    first, *_ = row
    return {NAME: row[first]} | {f"{CONDITION}{key}": value for key, value in row.items() if key != first}


def _entry(table: Table, line: int, row: Mapping[str, str]) -> Entry:
    if not row.get(NAME):
        raise table.wrong(line, f"{NAME} is empty; name the image, or remove the row")
    label = legible(unquoted(row.get(LABEL, "")))
    vector = [_number(table, line, column, row.get(column, "")) for column in table.columns if _is_condition(column)]
    text = legible(unquoted(row.get(TEXT, "")))
    return Entry(line, legible(row[NAME]), "" if label in ("-1", "-1.0") else label, tuple(vector), text)


def _number(table: Table, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise table.wrong(
            line, f"{shortened(column)} is {shortened(text)!r}; give a finite number such as -0.5, or rename the column"
        )
    return value


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows and the lines where they end; their delimiter is the one that parts `file_name` from the other columns."""
    if told := SEPARATOR.match(text):
        text = "\n" + text[told.end() :]
    delimiter = told[1] if told else next((d for d in DELIMITERS if NAME in first_cells(text, d)), ",")
    header: list[str] = []
    for line, row in rows_of(path, text, delimiter):
        if not header:
            header = row
            require_different(header, f"{path}, line {line}")
            continue
        if len(row) < len(header) or any(row[len(header) :]):
            raise DataError(
                f"{path}, line {line}: the header has {len(header)} cells, this row {len(row)}; write "
                f'"..." round what holds a {delimiter!r}, and leave the cell of an unlabelled image empty'
            )
        yield line, {column: cell for column, cell in zip(header, row, strict=False) if column}


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in objects(path, text, (NAME, LABEL)):
        for one in _each_text(row):
            yield line, {key: _cell(path, line, key, value) for key, value in one.items()}


def _each_text(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A row for each caption, where a row has a list of them; an empty list is no caption."""
    texts = row.get(TEXT)
    if not isinstance(texts, list):
        yield row
        return
    for text in texts or [""]:
        yield {**row, TEXT: text}


def _cell(path: Path, line: int, key: str, value: object) -> str:
    if value is None or value != value:  # JSON of tables with gaps has NaN
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    told = (NAME, LABEL, TEXT) if path.stem.lower() == CAPTIONS else (NAME, LABEL)
    if key in told or _is_condition(key):
        raise DataError(
            f"{path}, line {line}: {shortened(key)} is {shortened(json.dumps(value))}; give one text or number"
        )
    return ""
