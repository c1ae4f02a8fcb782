"""A table of features as data: a row for each vector, a column for each feature, and one for the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zerosum.data.dataset import DataError, Dataset, Field, dataset_of
from zerosum.data.request import Request
from zerosum.data.text.cells import (
    DELIMITERS,
    SEPARATOR,
    class_names,
    first_cells,
    listed,
    require_different,
    rows_of,
)
from zerosum.data.text.lines import encoding_of, read_text
from zerosum.modality import Binary, Classes
from zerosum.util.files import named
from zerosum.util.text import composed, in_order, shortened

SUFFIXES = (".csv", ".tsv")
LABELS = ("label", "labels", "class", "classes", "target", "targets", "y")  # what the column of classes may be called
VALUES = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
FIRST = 1 << 16  # bytes in which a header is looked for


def features_in(request: Request) -> Dataset:
    """Field `x`, bool (N, D), and `y`, the classes, where a column is called label, class, target or y.

    The first row has the names of the features. Cells are 0, 1, true or false. Classes are in the order of their
    numbers, if all are whole numbers, else of their letters; a row without one is unlabelled.

    Raises:
        DataError: the file cannot be read, has no features or no rows, a cell is something else, or columns have one
            name.
    """
    path = named(request.name)
    text = read_text(path)
    delimiter, text = _parted(path, text)
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
            labels.append(cells.pop(place))
        vectors.append(_vector(cells, names, f"{path}, line {line}"))
    if not vectors:
        raise DataError(f"{path} holds names of features and no vectors; give a row for each")
    fields = {"x": Field(Binary(len(names), names), torch.from_numpy(np.stack(vectors)))}
    if any(labels):
        fields["y"] = _classes(labels)
    return dataset_of(request.name, fields)


def _parted(path: Path, text: str) -> tuple[str, str]:
    """What parts the cells of a table, and the table: a tab in a .tsv, what a first line `sep=;` says, or what parts
    the first row and the second into as many cells, more than one.
    """
    if told := SEPARATOR.match(text):
        return told[1], "\n" + text[told.end() :]
    if path.suffix.lower() == ".tsv":
        return "\t", text
    lines = [line for line in text[:FIRST].splitlines() if line.strip()]
    counts = {own: [len(first_cells(line, own)) for line in lines[:2]] for own in DELIMITERS}
    even = [own for own, (first, *others) in counts.items() if first > 1 and set(others) <= {first}] if lines else []
    return (even or [max(DELIMITERS, key=lambda own: max(counts[own], default=0))])[0], text


def _vector(cells: list[str], names: tuple[str, ...], where: str) -> NDArray[np.bool_]:
    if {*cells} <= {"0", "1"}:  # what most tables hold
        return np.frombuffer("".join(cells).encode(), np.uint8) == ord("1")
    values = [VALUES.get(cell.lower()) for cell in cells]
    if None in values:
        k = values.index(None)
        raise DataError(
            f"{where}: the feature {shortened(names[k])} is {shortened(cells[k]) or 'empty'}, and features are 0 or 1: "
            f"make it so, or leave the column out; the column of classes is called {listed(LABELS[:3])}, and dialogues "
            "have columns question and answer"
        )
    return np.array(values, np.bool_)


def _classes(labels: list[str]) -> Field:
    meant = class_names({label for label in labels if label})
    names = in_order(meant.values())
    place = {label: names.index(name) for label, name in meant.items()}
    return Field(Classes(names), torch.tensor([place.get(label, -1) for label in labels]))


def columns_of(path: Path) -> list[str]:
    """The cells of the first row of a table, as well as they can be told before it is read; `OSError`."""
    with path.open("rb") as file:
        start = file.read(FIRST)
    delimiter, text = _parted(path, start.decode(encoding_of(start), errors="replace").lstrip("\r\n"))
    return first_cells(text.lstrip("\r\n"), delimiter)


def names_in(path: Path) -> list[str]:
    """The names or numbers of features in a file, one a line; a `DataError` where it cannot be read, or has none."""
    found = [composed(line.strip()) for line in read_text(path).splitlines() if line.strip()]
    if not found:
        raise DataError(f"{path} names no feature; write the name or the number of each on a line of its own")
    return found
