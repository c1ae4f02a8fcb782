"""Labels and vectors of a folder's images from a file beside them."""

from __future__ import annotations

import json
import os
import time
import unicodedata
from pathlib import Path

import pytest
import torch
from grey_photos import NAMES, image

from zerosum.data import DataError, Dataset, check, load


def labelled(photos: Path, text: str | bytes, file: str = "labels.csv") -> Dataset:
    (photos / file).write_bytes(text.encode() if isinstance(text, str) else text)
    return load(str(photos))


def names(data: Dataset) -> list[str | None]:
    """The class of each image, in the order of their files."""
    assert data.y is not None and data.y.dtype == torch.int64
    return [None if k < 0 else data.classes[k] for k in data.y.tolist()]


# -- labels -----------------------------------------------------------------------------------------------------------


def test_a_file_names_the_classes_and_goes_before_sub_folders(photos: Path) -> None:
    assert load(str(photos)).classes == ("sub",)
    data = labelled(photos, "file_name,label\nsub/d.png,dog\na.png,cat\nc.png,dog\n")
    assert data.classes == ("cat", "dog") and names(data) == ["cat", None, "dog", "dog"]
    assert data.x[:, 0, 0, 0].tolist() == [0, 1, 2, 3] and data.problems == ()


@pytest.mark.parametrize("file", ["labels.csv", "metadata.csv"])
@pytest.mark.parametrize(
    "text",
    [
        "file_name,label\na.png,cat\nb.png,\n",
        "label,file_name\ncat,a.png\n,b.png\n",
        "\ufefffile_name,label\na.png,cat\nb.png,\n",  # a byte-order mark
        "file_name;label\r\na.png;cat\r\nb.png;\r\n",  # as spreadsheets write it in half of Europe
        "file_name\tlabel\ra.png\tcat\rb.png\t\r",
        '"file_name";"label"\n"a.png";"cat"\n',
        'file_name,label,note\n"a.png",cat,"1,5 and ""more"""\n./b.png,-1,x\n',
        "file_name, label\n a.png , cat \n\n,\n",  # spaces, and empty rows
        "file_name,label,,\na.png,cat,,\n",  # empty columns
        "file_name,label\na.png,cat\na.png,cat\n",  # a row twice
        "file_name,label\na.png,cat\nb.png,",  # no end of the last line
        "file_name,label\na.png,cat\n.\\b.png,\n",  # another system's separator
        "file_name,label\na.png,cat\n".encode("utf-16"),
    ],
)
def test_tables_in_every_dialect(photos: Path, file: str, text: str | bytes) -> None:
    assert names(labelled(photos, text, file)) == ["cat", None, None, None]


@pytest.mark.parametrize("file", ["labels.jsonl", "metadata.jsonl"])
def test_json_lines(photos: Path, file: str) -> None:
    rows = [
        {"file_name": "a.png", "label": 10, "text": ["any", "thing"]},
        {"file_name": "b.png", "label": None},
        {"label": 2.0, "file_name": "c.png"},
        {"file_name": "sub\\d.png"},
    ]
    text = "\r\n".join(json.dumps(row) for row in rows) + "\n\n" + '{"file_name": "b.png", "label": NaN}'
    data = labelled(photos, text, file)
    assert data.classes == ("2", "10") and names(data) == ["10", None, "2", None]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("10", "9", "2", ""), ("2", "9", "10")),
        (("10.0", "9.0", "2", ""), ("2", "9", "10")),  # whole numbers of a table with gaps
        (("10.5", "9.0", "10.5", "9.0"), ("10.5", "9.0")),
        (("10", "9", "b", "-1"), ("10", "9", "b")),
        (("007", "10", "-1.0", "-2"), ("-2", "007", "10")),
        (("狗", "猫", "été", "été"), ("été", "狗", "猫")),
    ],
)
def test_classes_are_sorted_by_number_or_else_by_letter(
    photos: Path, labels: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    rows = [f"{name},{label}" for name, label in zip(NAMES, labels, strict=True)]
    data = labelled(photos, "\n".join(["file_name,label", *rows]))
    assert data.classes == classes
    known = [label.removesuffix(".0") if "9" in classes else label for label in labels]
    assert names(data) == [label if label in classes else None for label in known]


def test_sub_folders_are_sorted_alike(tmp_path: Path) -> None:
    for name in ("10", "9", "0"):
        image(tmp_path / name / "a.png", int(name))
    data = load(str(tmp_path))
    assert data.classes == ("0", "9", "10")
    assert data.y is not None and data.y.tolist() == [0, 2, 1]  # 0/a.png, 10/a.png, 9/a.png


def test_an_accent_is_one_in_every_spelling(tmp_path: Path) -> None:
    image(tmp_path / unicodedata.normalize("NFD", "é.png"))
    image(tmp_path / "x.png")
    data = labelled(tmp_path, unicodedata.normalize("NFC", "file_name,label\né.png,yes\n"))
    assert sorted(map(str, names(data))) == ["None", "yes"]


def test_an_empty_column_is_no_label_at_all(photos: Path) -> None:
    data = labelled(photos, "file_name,label\na.png,\nb.png,\n")
    assert data.y is None and data.classes == () and data.condition is None


def test_captions_are_no_labels(photos: Path) -> None:
    data = labelled(photos, "file_name,text\na.png,a photo of a cat\n", "metadata.csv")
    assert data.classes == ("sub",)
    data = labelled(photos, "file_name,label\na.png,cat\n", "labels.csv")
    assert data.classes == ("cat",)


def test_rows_about_no_image_are_one_problem(photos: Path) -> None:
    data = labelled(photos, "file_name,label\nx.png,owl\na.png,cat\ny.png,owl\nlabels.csv,owl\n")
    assert data.classes == ("cat",)
    (problem,) = data.problems
    assert str(problem) == "labels.csv: 3 of its 4 rows name no image, the first in line 2: x.png"


def test_a_broken_image_keeps_no_place_among_the_labels(photos: Path) -> None:
    (photos / "b.png").write_bytes(b"no image")
    data = labelled(photos, "file_name,label\na.png,1\nb.png,2\nc.png,3\n")
    assert names(data) == ["1", "3", None] and [problem.path for problem in data.problems] == ["b.png"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("labels.csv", "", "labels.csv has no rows; give each image one, with its file_name and its label"),
        ("labels.csv", "file_name,label\n", "labels.csv has no rows"),
        (
            "labels.csv",
            "name,label\na.png,1\n",
            "labels.csv, line 1: there is no column file_name; rename one of name",
        ),
        (
            "metadata.csv",
            "id\n1\n",
            "metadata.csv, line 1: there is no column file_name; rename one of id, or",
        ),
        ("labels.csv", "file_name,class\na.png,1\n", r"line 1: there is no column label or condition_\.\.\.; rename"),
        ("labels.csv", "file_name,label,label\na.png,1,2\n", "line 1: two columns are called label; remove one"),
        (
            "labels.csv",
            "file_name,label\na.png,1\nb.png\n",
            "labels.csv, line 3: the header has 2 cells, this row 1",
        ),
        ("labels.csv", "file_name,label\na,b.png,1\n", r'line 2: the header has 2 cells, this row 3; write "'),
        ("labels.csv", "file_name,label\na.png,1\n,2\n", "line 3: file_name is empty; name the image"),
        ("labels.csv", "file_name,label\na.png,1\n./a.png,2\n", r"line 3: \./a.png has another label .* line 2; keep"),
        ("labels.csv", "file_name,label\na.png,1\na.png,\n", "line 3: a.png has another label or vector in line 2"),
        ("labels.csv", "file_name,label\na,1\nb,2\n", "line 2: there is no image a, nor one of any other row; give"),
        ("labels.csv", 'file_name,label\na.png,1\n"b.png,1\n', "line 3: unexpected end of data; check the quotation"),
        ("labels.csv", b"file_name,label\na.png,1\nb.png,\xe9t\xe9\n", "line 3: this is not UTF-8; save the file as"),
        ("labels.csv", b"\xff\xfea", "labels.csv: this is not UTF-16; save the file as UTF-8"),
        (
            "labels.jsonl",
            '{"file_name": "a.png", "label": 1}\n{"file',
            "labels.jsonl, line 2: this is no JSON .* one",
        ),
        ("labels.jsonl", "[1, 2]\n", r'line 1: this is no object; write {"file_name": \.\.\., "label": \.\.\.}'),
        ("labels.jsonl", '{"file_name": "a.png", "label": [1]}', r"line 1: label is \[1\]; give one text or number"),
        ("labels.jsonl", "[" * 100_000, "line 1: this is no JSON"),
        ("labels.jsonl", '{"label": 1}', "line 1: there is no column file_name; rename one of label, or the file"),
        ("labels.csv", "file_name,condition_x\na.png,1\n", "has vectors for 1 of 4 images; add a row for b.png"),
        ("labels.csv", "file_name,condition_x\na.png,\n", "line 2: condition_x is ''; give a finite number such as"),
        ("labels.csv", "file_name;condition_x\na.png;0,5\n", "line 2: condition_x is '0,5'; give a finite number"),
        ("labels.csv", "file_name,condition_x\na.png,inf\n", "line 2: condition_x is 'inf'"),
        ("labels.csv", "file_name,condition_x\na.png,1e39\n", "line 2: condition_x is '1e39'"),  # not in float32
        ("labels.csv", "file_name,condition_x\na.png,1\na.png,2\n", "line 3: a.png has another label or vector"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(photos: Path, file: str, text: str | bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        labelled(photos, text, file)
    assert str(photos / file) in str(caught.value)


def test_two_files_of_labels_are_refused(photos: Path) -> None:
    (photos / "labels.csv").write_text("file_name,label\na.png,1\n")
    with pytest.raises(DataError, match=rf"{photos} has labels in labels.csv and metadata.csv; keep one of the files"):
        labelled(photos, "file_name,label\na.png,1\n", "metadata.csv")


def test_a_file_that_may_not_be_read_is_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "labels.csv").write_text("file_name,label\na.png,1\n")
    real = Path.read_bytes

    def closed(path: Path) -> bytes:
        if path.name == "labels.csv":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", closed)  # as root every file can be read
    with pytest.raises(DataError, match=r"cannot read .*labels.csv: Permission denied; check its permissions"):
        load(str(photos))


def test_a_folder_with_labels_but_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no image in {tmp_path}"):
        labelled(tmp_path, "file_name,label\na.png,1\n")


# -- the pack and the fingerprint -------------------------------------------------------------------------------------


def test_other_labels_decode_nothing_and_are_other_data(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load(str(photos)).fingerprint
    one = labelled(photos, "file_name,label\na.png,cat\n")
    monkeypatch.setattr("zerosum.data.images.decode.decode", None)
    monkeypatch.setattr("zerosum.data.images.decode.probe", None)
    stat = (photos / "labels.csv").stat()
    two = labelled(photos, "file_name,label\na.png,dog\n")
    os.utime(photos / "labels.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (names(one)[0], names(two)[0]) == ("cat", "dog") and torch.equal(one.x, two.x)
    three = labelled(photos, "file_name,label\nb.png,dog\n")
    (photos / "labels.csv").rename(photos / "metadata.csv")
    assert load(str(photos)).fingerprint == three.fingerprint
    assert len({plain, one.fingerprint, two.fingerprint, three.fingerprint}) == 4


def test_ten_thousand_rows_are_read_in_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerosum.data.images import labels

    files = [f"{k % 7}/{k}.png" for k in range(10_000)]
    rows = [f"{file},{k % 100},{k / 7}" for k, file in enumerate(files)]
    (tmp_path / "labels.csv").write_text("\n".join(["file_name,label,condition_x", *rows]))
    start = time.process_time()
    marks = labels.read_label_file(tmp_path, files)
    assert time.process_time() - start < 2
    assert marks is not None and len(marks.classes) == 100 and len(marks.vectors) == 10_000
    assert torch.equal(marks.y(files), torch.arange(10_000) % 100)


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_columns_of_conditions_are_vectors_and_the_folders_no_classes(photos: Path) -> None:
    rows = [f"{name},{k / 2},{k},{-k}" for k, name in enumerate(NAMES)]
    data = labelled(photos, "\n".join(["file_name,condition_size,age,condition_angle", *rows]))
    assert data.y is None and data.classes == ()
    assert data.vectors is not None and data.vectors.dtype == torch.float32
    assert data.vectors.tolist() == [[k / 2, -k] for k in range(4)]
    assert data.condition is not None and (data.condition.size, data.condition.kind) == (2, "vector")
    other = labelled(photos, "\n".join(["file_name,condition_size,age,condition_angle", *rows[1:], "a.png,.25,0,0"]))
    assert other.fingerprint != data.fingerprint != data.without_labels().fingerprint


def test_vectors_of_json_lines(photos: Path) -> None:
    rows = [json.dumps({"file_name": name, "condition_x": k, "label": "ab"[k % 2]}) for k, name in enumerate(NAMES)]
    data = labelled(photos, "\n".join(rows), "metadata.jsonl")
    assert data.vectors is not None and data.vectors.tolist() == [[0], [1], [2], [3]]
    assert data.classes == ("a", "b") and data.condition is not None and data.condition.kind == "classes"


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_tells_classes_vectors_and_who_has_no_label(photos: Path) -> None:
    rows = [f"{name},{'dog' if k > 1 else ''},{k - 1.5},7" for k, name in enumerate(NAMES)]
    (photos / "labels.csv").write_text("\n".join(["file_name,label,condition_x,condition_y", *rows, "x.png,dog,0,0"]))
    report = check(str(photos))
    assert report.classes == {"dog": 2}
    assert report.lines()[1:] == [
        "classes: dog (2); unlabelled: 2",
        "conditions: vectors of 2, with values in [-1.5, 1.5], [7, 7]",
        "sizes: 4x4 (4)",
        "modes: L (4)",
        "left out: 1",
        "  labels.csv: 1 of its 5 rows name no image, the first in line 6: x.png",
    ]
