"""A table of features as data: a row for each vector, a column for each feature, and one for the class."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zerosum.data.dataset import DataError, Dataset, Field, dataset_of
from zerosum.data.request import Request
from zerosum.data.text.cells import listed, require_different, rows_of
from zerosum.data.text.lines import read_text
from zerosum.modality import Binary, Classes
from zerosum.util.files import named
from zerosum.util.text import composed, shortened

SUFFIXES = (".csv", ".tsv")
LABELS = ("label", "labels", "class", "classes", "target", "targets", "y")  # what the column of classes may be called
DELIMITERS = (",", ";", "|", "\t")
VALUES = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
ZERO = ord("0")
FIRST = 1 << 16  # bytes in which a header is looked for


def features_in(request: Request) -> Dataset:
    """Field `x`, uint8 (N, D) of 0 and 1, and `y`, the classes, where a column is called label, class, target or y.

    The first row has the names of the features. Cells are 0, 1, true or false. Classes are in the order of their
    numbers, if all are whole numbers, else of their letters; a row without one is unlabelled.

    Raises:
        DataError: the file cannot be read, has no features or no rows, a cell is something else, or columns have one
            name.
    """
    path = named(request.name)
    text = read_text(path)
    delimiter = _delimiter(text)
    rows = rows_of(path, text, delimiter)
    if not text.strip():
        raise DataError(
            f"{path} is empty; give a table of features that are 0 or 1, with their names in the first row, or of "
            "dialogues, with columns question and answer"
        )
    line, header = next(rows, (1, []))
    require_different(header, f"{path}, line {line}")
    found = [k for k, name in enumerate(header) if name.lower() in LABELS]
    if len(found) > 1:
        both = " and ".join(header[k] for k in found[:2])
        raise DataError(f"{path}: {both} could both be the classes; keep one of them, or call the other differently")
    place = found[0] if found else None
    names = tuple(composed(name) for k, name in enumerate(header) if k != place)
    if not names:
        raise DataError(f"{path}: its header has no feature; give a column for each, and their names in the first row")
    if nameless := [k for k, name in enumerate(header, 1) if not name]:
        raise DataError(f"{path}: column {nameless[0]} has no name; give it one, or remove it")
    vectors, labels = [], []
    for line, cells in rows:
        if len(cells) != len(header):
            raise DataError(
                f"{path}, line {line}: the header has {len(header)} cells, and this row {len(cells)}; part cells by "
                f"{delimiter!r} alone"
            )
        if place is not None:
            labels.append(composed(cells.pop(place)))
        vectors.append(_vector(cells, names, f"{path}, line {line}"))
    if not vectors:
        raise DataError(f"{path} holds names of features and no vectors; give a row for each")
    fields = {"x": Field(Binary(len(names), names), torch.from_numpy(np.stack(vectors)))}
    if any(labels):
        fields["y"] = _classes(labels)
    return dataset_of(request.name, fields)


def _delimiter(text: str) -> str:
    """What parts most cells of the first row."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=first.count)


def _vector(cells: list[str], names: tuple[str, ...], where: str) -> NDArray[np.uint8]:
    joined = "".join(cells)
    if len(joined) == len(cells) and not joined.strip("01"):  # fast for what most tables hold
        return np.frombuffer(joined.encode(), np.uint8) - np.uint8(ZERO)
    values = [VALUES.get(cell.lower()) for cell in cells]
    if None in values:
        k = values.index(None)
        raise DataError(
            f"{where}: the feature {shortened(names[k])} is {shortened(cells[k]) or 'empty'}, and features are 0 or 1: "
            f"make it so, or leave the column out; the column of classes is called {listed(LABELS[:3])}, and dialogues "
            "have columns question and answer"
        )
    return np.array(values, np.uint8)


def _classes(labels: list[str]) -> Field:
    known = sorted({label for label in labels if label})
    numbers = all(label.isdecimal() for label in known)
    names = tuple(sorted(known, key=int) if numbers else known)
    place = {name: k for k, name in enumerate(names)}
    return Field(Classes(names), torch.tensor([place.get(label, -1) for label in labels]))


def columns_of(path: Path) -> list[str]:
    """The cells of the first row of a table, as well as they can be told before it is read; `OSError`."""
    with path.open("rb") as file:
        start = file.read(FIRST)
    utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = start.decode("utf-16" if utf16 else "utf-8-sig", errors="replace").lstrip("\r\n")
    return [cell.strip().strip('"') for cell in re.split(r"[\r\n]", text, maxsplit=1)[0].split(_delimiter(text))]


def names_in(path: Path) -> list[str]:
    """The names or numbers of features in a file, one a line; a `DataError` where it cannot be read, or has none."""
    found = [composed(line.strip()) for line in read_text(path).splitlines() if line.strip()]
    if not found:
        raise DataError(f"{path} names no feature; write the name or the number of each on a line of its own")
    return found
