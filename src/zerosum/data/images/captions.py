"""The captions of a folder's images: the column `text` of the file that names them, a row for each caption."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from zerosum.data.dataset import Problem
from zerosum.data.images.labels import Entry, Names, Table
from zerosum.data.text.captions import LONGEST, tokens
from zerosum.util.text import shortened


@dataclass(frozen=True)
class Captions:
    """What is said of the images of a folder."""

    of: dict[str, list[list[str]]]  # by file: its captions, as tokens
    problems: tuple[Problem, ...]


def read_captions(tables: Iterable[Table], files: Collection[str]) -> Captions:
    """The captions of all files, of the tables that have any; rows that say nothing, or of no image, are problems."""
    found: dict[str, list[list[str]]] = {}
    problems: list[Problem] = []
    for table in tables:
        if table.has_text:
            problems += _read(table, Names(files), found)
    return Captions(found, tuple(problems))


def _read(table: Table, names: Names, found: dict[str, list[list[str]]]) -> list[Problem]:
    lost, empty, long, repeated = list[Entry](), list[Entry](), list[Entry](), list[Entry]()
    for entry in table.entries:
        file, text = names.get(entry.name), tokens(entry.text)
        if file is None:
            lost.append(entry)
        elif not text:
            empty.append(entry)
        elif len(text) > LONGEST:
            long.append(entry)
        elif text in (own := found.setdefault(file, [])):
            repeated.append(entry)
        else:
            own.append(text)
    told = table.tells and bool(lost)  # they are named with the labels
    kinds = (
        ([] if told else lost, "name no image"),
        (empty, "have no text"),
        (long, f"have a text of more than {LONGEST} words"),
        (repeated, "repeat a text of their image"),
    )
    return [_problem(table, rows, what) for rows, what in kinds if rows]


def _problem(table: Table, rows: Sequence[Entry], what: str) -> Problem:
    first = rows[0]
    where = f"{len(rows):,} of its {len(table.entries):,} rows {what}, the first in {table.unit} {first.line}"
    return Problem(table.path.name, f"{where}: {shortened(first.name)}")
