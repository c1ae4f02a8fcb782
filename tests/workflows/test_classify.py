"""What is said of classified images, from known probabilities."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from zerosum.cli.commands.classify import confusions, remarks
from zerosum.data.dataset import Problem
from zerosum.workflows.classify import Classification, write

CLASSES = ("cat", "猫", "a,b")
FOUND = Classification(
    run="run",
    step=7,
    images="photos",
    files=("cat/1.png", "猫/1.png", "猫/2.png", "3.png", "dog/1.png", "cat/2.png"),
    classes=CLASSES,
    probabilities=torch.tensor([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0.4, 0.6]]),
    labels=("cat", "猫", "猫", None, "dog", "cat"),
)


def test_errors_are_counted_where_the_class_is_known_to_the_classifier() -> None:
    assert FOUND.predictions.tolist() == [0, 0, 1, 2, 0, 2]
    assert FOUND.confusion.tolist() == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert (FOUND.judged, FOUND.errors, FOUND.accuracy) == (4, 2, 0.5)
    assert FOUND.foreign == {"dog": 1}


def test_without_labels_nothing_is_right_or_wrong() -> None:
    found = replace(FOUND, labels=(None,) * 6)
    assert (found.judged, found.errors, found.accuracy, found.foreign) == (0, 0, None, {})


@pytest.mark.parametrize("labelled", [True, False])
def test_the_table_reads_back(tmp_path: Path, labelled: bool) -> None:
    path = tmp_path / "新" / "p.csv"
    write(FOUND if labelled else replace(FOUND, labels=(None,) * 6), path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file_name", *(["label"] if labelled else []), "prediction", "probability", *CLASSES]
    assert [row["file_name"] for row in rows] == list(FOUND.files)
    assert [row["prediction"] for row in rows] == ["cat", "cat", "猫", "a,b", "cat", "a,b"]
    assert [float(row["probability"]) for row in rows] == pytest.approx([0.7, 0.6, 1, 1, 1, 0.6])
    assert [float(rows[1][name]) for name in CLASSES] == pytest.approx([0.6, 0.3, 0.1])
    if labelled:
        assert [row["label"] for row in rows] == ["cat", "猫", "猫", "", "dog", "cat"]


def test_what_people_read() -> None:
    lines = remarks(replace(FOUND, problems=(Problem("x.png", "broken"),), notes=("colour was turned grey",)))
    assert lines[0] == "6 images: cat (3), a,b (2), 猫 (1)"
    assert lines[1:] == [
        "note: colour was turned grey",
        "note: the classifier knows no class dog (1); these images do not count below",
        "left out: 1",
        "  x.png: broken",
    ]
    shown = confusions(FOUND)
    cells = [list(map(str, column.cells)) for column in shown.columns]
    assert cells == [["cat", "猫"], ["2", "2"], ["1", "1"], ["50.0", "50.0"], ["a,b (1)", "cat (1)"]]


def test_of_many_classes_the_worst_are_shown() -> None:
    size = 30
    probabilities = torch.eye(size)
    probabilities[7] = probabilities[8]
    names = tuple(f"c{k}" for k in range(size))
    found = replace(FOUND, classes=names, files=names, labels=names, probabilities=probabilities)
    shown = confusions(found)
    assert "c7" in map(str, shown.columns[0].cells)
    assert len(list(shown.columns[0].cells)) == 20
    assert shown.caption == "the 20 of 30 classes with the most errors"
