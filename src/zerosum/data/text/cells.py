"""What tables and JSON that people write have in common: their rows, and that a name may not stand twice in them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from zerosum.data.dataset import DataError
from zerosum.util.text import abbreviate, composed, shortened

DELIMITERS = (",", ";", "\t", "|")
SEPARATOR = re.compile(r"sep=([,;\t|])\r?\n")  # the first line, by which spreadsheets tell each other the delimiter

WHOLE = re.compile(r"(-?[0-9]+)(\.0*)?")  # tables that have gaps write whole numbers as 3.0


def class_names(labels: Collection[str]) -> dict[str, str]:
    """The class that each label means: itself, or of whole numbers written as 3.0, 3."""
    whole = {label: WHOLE.fullmatch(label) for label in labels}
    return {label: match[1] if match and all(whole.values()) else composed(label) for label, match in whole.items()}


def first_cells(text: str, delimiter: str) -> list[str]:
    """The cells of the first row, without blanks round them; none where quotation marks do not fit the delimiter."""
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:  # quoted cells between other delimiters
        return []
    return [cell.strip() for cell in cells]


def require_different(columns: Sequence[str], where: str, what: str = "columns") -> None:
    """`DataError` where two columns of a header have one name; those without a name are passed over."""
    if twice := next((column for column, count in Counter(columns).items() if column and count > 1), None):
        raise DataError(f"{where}: two {what} are called {shortened(twice)}; remove one")


def rows_of(path: Path, text: str, delimiter: str, quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table that are not empty, without blanks round their cells, and the lines where they end.

    Args:
        quoted: whether quotation marks hold cells together, or are a part of these.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    begun = 1  # the line in which a row begins
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            begun = reader.line_num + 1
            if any(row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {begun}: {error}; check the quotation marks") from error


def objects(path: Path, text: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file that has one a line, such as {"a": ..., "b": ...} for columns a and b, and their lines."""
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        row = parsed(content, f"{path}, line {line}", "write one object a line")
        if not isinstance(row, dict):
            example = ", ".join(f'"{column}": ...' for column in columns)
            raise DataError(f"{path}, line {line}: this is no object; write {{{example}}}")
        yield line, row


def listed(columns: Sequence[str] | Mapping[str, object]) -> str:
    """The names of columns in a sentence, shortened, and not too many."""
    return ", ".join(abbreviate([shortened(column) for column in columns]))


def parsed(text: str, where: str, cure: str) -> Any:
    """JSON in which no name stands twice with different values: of these a reader takes the last.

    Raises:
        DataError: one does; or it is no JSON, and `cure` says what to do.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if repr(found.setdefault(name, value)) != repr(value):  # NaN is not equal to itself
                raise DataError(f"{where}: {shortened(name)} stands there twice, with different values; keep one")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: this is no JSON ({error}); {cure}") from error
