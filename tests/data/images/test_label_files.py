"""Files of labels as people have them: which are read, under which names, and what is said of all others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from grey_photos import image

from zerosum.data import DataError, Dataset, check, load


def labelled(photos: Path, content: Any, file: str) -> Dataset:
    (photos / file).write_text(content if isinstance(content, str) else json.dumps(content))
    return load(str(photos))


def names(data: Dataset) -> list[str | None]:
    assert data.y is not None
    return [None if k < 0 else data.classes[k] for k in data.y.tolist()]


CAT = {"a.png": "cat", "sub/d.png": "dog", "b.png": None}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.tsv", "file_name\tlabel\na.png\tcat\nsub/d.png\tdog\n"),
        ("Labels.CSV", "file_name,label\na.png,cat\nsub/d.png,dog\n"),
        ("METADATA.Tsv", "file_name\tlabel\na.png\tcat\nsub/d.png\tdog\n"),
        ("LABELS.JSONL", '{"file_name": "a.png", "label": "cat"}\n{"file_name": "sub/d.png", "label": "dog"}'),
        ("labels.json", CAT),
        ("labels.json", {"labels": CAT}),
        ("labels.json", list(CAT.items())),
        ("labels.json", [{"file_name": name, "label": label} for name, label in CAT.items()]),
        ("metadata.json", {name: {"label": label, "more": [1, 2]} for name, label in CAT.items()}),
        ("dataset.json", {"labels": list(CAT.items())}),
        ("Dataset.JSON", {"labels": list(CAT.items())}),
    ],
)
def test_files_of_labels_are_read_in_every_form(photos: Path, file: str, content: Any) -> None:
    data = labelled(photos, content, file)
    assert names(data) == ["cat", None, None, "dog"] and data.notes == () and data.problems == ()


# -- StyleGAN ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stylegan(tmp_path: Path) -> Path:
    """Twelve images in two parts, which are no classes."""
    for k in range(12):
        image(tmp_path / "set" / f"{k // 6:05}" / f"img{k:08}.png", k)
    return tmp_path / "set"


def test_stylegan_s_labels_and_not_its_parts_are_the_classes(stylegan: Path) -> None:
    rows = [[f"{k // 6:05}/img{k:08}.png", k % 3] for k in range(12)]
    data = labelled(stylegan, {"labels": rows}, "dataset.json")
    assert data.classes == ("0", "1", "2") and data.counts == (4, 4, 4) and data.notes == ()


@pytest.mark.parametrize("none", [None, []])
def test_stylegan_s_parts_are_no_classes_where_it_has_no_labels(stylegan: Path, none: Any) -> None:
    data = labelled(stylegan, {"labels": none}, "dataset.json")
    assert data.y is None and data.classes == ()


def test_stylegan_s_vectors(stylegan: Path) -> None:
    rows = [[f"{k // 6:05}/img{k:08}.png", [k, 0.5]] for k in range(12)]
    data = labelled(stylegan, {"labels": rows}, "dataset.json")
    assert data.y is None and data.vectors is not None and data.vectors.tolist() == [[k, 0.5] for k in range(12)]
    with pytest.raises(DataError, match=r"dataset\.json has vectors for 11 of 12 images; add a row for 00000"):
        labelled(stylegan, {"labels": rows[1:]}, "dataset.json")


# -- CelebA -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["list_attr_celeba.txt", "list_attr_celeba.csv"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_celeba_s_attributes_are_vectors(tmp_path: Path, file: str, ending: str) -> None:
    """The file lies beside the folder of the images, whose name its rows lack; the aligned PNGs have its stems."""
    for k in range(1, 4):
        image(tmp_path / "img_align_celeba" / f"{k:06}.{ending}", k)
    rows = [f"{k:06}.jpg -1 {'1' if k % 2 else '-1'}" for k in range(1, 5)]
    if file.endswith("txt"):
        content = "\n".join(["4", "Bald Smiling ", *(row.replace(" ", "  ") for row in rows)])
    else:
        content = "\n".join(["image_id,Bald,Smiling", *(row.replace(" ", ",") for row in rows)])
    data = labelled(tmp_path, content, file)
    assert data.classes == () and data.vectors is not None
    assert data.vectors.tolist() == [[-1, 1], [-1, -1], [-1, 1]]
    assert data.notes == (f"{file}: the 2 attributes are read as vectors of numbers",)
    assert [str(problem) for problem in data.problems] == [
        f"{file}: 1 of its 4 rows name no image, the first in line {6 if file.endswith('txt') else 5}: 000004.jpg"
    ]


def test_a_line_of_celeba_s_that_is_too_short_is_refused(tmp_path: Path) -> None:
    image(tmp_path / "1.jpg")
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt, line 3: 2 attributes have names, and this line has 1"):
        labelled(tmp_path, "1\nBald Smiling\n1.jpg -1\n", "list_attr_celeba.txt")


def test_an_attribute_of_celeba_s_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    image(tmp_path / "1.jpg")
    with pytest.raises(DataError, match=r"celeba\.txt, line 2: two attributes are called Bald; remove one"):
        labelled(tmp_path, "1\nBald Bald\n1.jpg -1 1\n", "list_attr_celeba.txt")


# -- what is not read -------------------------------------------------------------------------------------------------


def test_a_link_to_nothing_is_refused(photos: Path) -> None:
    (photos / "labels.csv").symlink_to("gone/labels.csv")
    with pytest.raises(DataError, match=r"labels\.csv is a link to gone/labels\.csv, which is not there; mend"):
        load(str(photos))


def test_a_pipe_is_refused_and_not_waited_for(photos: Path) -> None:
    os.mkfifo(photos / "metadata.csv")
    with pytest.raises(DataError, match=r"metadata\.csv is a pipe or a device; put a file in its place"):
        load(str(photos))


@pytest.mark.parametrize(
    ("file", "content", "note"),
    [
        ("labels.xlsx", "PK", "labels.xlsx is not read: labels are read from labels.csv, labels.tsv, "),
        ("annotations.json", "{}", "annotations.json is not read: "),
        ("class_names.txt", "cat\n", "class_names.txt is not read: "),
        ("train_labels.npy", "x", "train_labels.npy is not read: "),
        ("metadata.csv", "file_name,artist\na.png,me\n", "metadata.csv has neither labels nor vectors"),
        ("metadata.json", {"author": "me", "year": 2020}, "metadata.json has neither labels nor vectors"),
        ("dataset.json", {"images": [{"id": 1}], "annotations": []}, "dataset.json has neither labels nor vectors"),
        ("metadata.json", 7, "metadata.json has neither labels nor vectors"),
    ],
)
def test_what_is_not_read_is_named_and_sub_folders_are_the_classes(
    photos: Path, file: str, content: Any, note: str
) -> None:
    data = labelled(photos, content, file)
    assert data.classes == ("sub",) and data.notes[-1].startswith(note)
    assert any(line.startswith(f"note: {note}") for line in check(str(photos)).lines())


def test_a_folder_called_so_is_named(photos: Path) -> None:
    image(photos / "labels.csv" / "e.png")
    data = load(str(photos))
    assert data.classes == ("labels.csv", "sub") and data.notes == ("labels.csv is a folder, and no file of labels",)


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '{"a.png": {"b": 1}}', "7", '["a.png"]', "[]"])
def test_json_that_has_no_labels_is_refused_where_it_is_called_so(photos: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"labels\.json(: this is no JSON| has other JSON than labels; write)"):
        labelled(photos, content, "labels.json")


def test_a_label_in_json_that_is_given_twice_is_refused_by_its_entry(photos: Path) -> None:
    with pytest.raises(DataError, match=r"labels\.json, entry 2: \./a\.png has another label or vector in entry 1"):
        labelled(photos, [["a.png", 1], ["./a.png", 2]], "labels.json")


def test_a_class_has_one_spelling_of_its_accents(photos: Path) -> None:
    data = labelled(photos, "file_name,label\na.png,caf\u00e9\nb.png,cafe\u0301\nc.png,th\u00e9\n", "labels.csv")
    assert data.classes == ("caf\u00e9", "th\u00e9")


def test_sub_folders_that_differ_in_the_spelling_of_accents_are_one_class(tmp_path: Path) -> None:
    for name in ("caf\u00e9/1.png", "cafe\u0301/2.png", "th\u00e9/3.png"):
        image(tmp_path / name)
    data = load(str(tmp_path))
    assert data.classes == ("caf\u00e9", "th\u00e9") and data.counts == (2, 1)


# -- no label, no class -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", ["NA", "nan", "NaN", "NULL", "null", "None", "N/A", "<NA>", "#N/A"])
@pytest.mark.parametrize("file", ["labels.csv", "labels.json"])
def test_how_tables_write_that_there_is_no_label(photos: Path, none: str, file: str) -> None:
    rows = {"a.png": "cat", "b.png": none, "c.png": "", "sub/d.png": "dog"}
    table = "\n".join(["file_name,label", *(f"{name},{label}" for name, label in rows.items())])
    data = labelled(photos, rows if file.endswith("json") else table, file)
    assert names(data) == ["cat", None, None, "dog"]
    assert data.notes == (f"{file}: read as no label: {none} (1); if it is a class, write its name otherwise",)


def test_folders_may_be_called_so(tmp_path: Path) -> None:
    for name in ("None", "some"):
        image(tmp_path / name / "1.png")
    assert load(str(tmp_path)).classes == ("None", "some")


def test_a_class_whose_images_are_all_broken_is_left_out_and_said(tmp_path: Path) -> None:
    image(tmp_path / "good" / "1.png")
    for name in ("bad/1.png", "bad/2.png", "worse/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no")
    data = load(str(tmp_path))
    assert data.classes == ("good",) and data.counts == (1,)
    assert data.notes == ("2 classes have no image that can be read, and are left out: bad, worse",)
    for file in (tmp_path / "worse").iterdir():
        file.unlink()
    assert load(str(tmp_path)).notes == ("class bad has no image that can be read, and is left out",)


def numbers(tmp_path: Path, values: list[Any], column: str = "label") -> Dataset:
    for k in range(len(values)):
        image(tmp_path / f"{k:03}.png", k)
    rows = [f"{k:03}.png,{value}" for k, value in enumerate(values)]
    return labelled(tmp_path, "\n".join([f"file_name,{column}", *rows]), "labels.csv")


@pytest.mark.parametrize(
    "values",
    [
        [k / 7 for k in range(20)],  # a number for each
        [20 + k % 15 / 10 for k in range(60)],  # temperatures to a tenth of a degree
        [1e-3 * k for k in range(1, 4)],
        [1990 + k for k in range(15)],  # years
    ],
)
def test_measurements_are_a_condition_and_no_classes(tmp_path: Path, values: list[float]) -> None:
    data = numbers(tmp_path, values)
    assert data.classes == () and data.condition is not None and data.condition.kind == "vector"
    assert data.vectors is not None and data.vectors[:, 0].tolist() == pytest.approx(values)
    (note,) = data.notes
    assert note.startswith(
        f"labels.csv: label has {len(set(values))} different numbers for {len(values)} images: these"
    )


@pytest.mark.parametrize(
    "values",
    [
        [k % 100 for k in range(200)],  # a hundred classes by number
        [1 + k % 10 / 2 for k in range(30)],  # ratings by half stars
        [0, 1, 2],
        [f"v{k}.5" for k in range(20)],
        ["inf", "1.5", "2.5"],
    ],
)
def test_numbers_that_name_classes_stay_classes(tmp_path: Path, values: list[Any]) -> None:
    data = numbers(tmp_path, values)
    assert len(data.classes) == len({*map(str, values)}) and data.vectors is None
    assert not [note for note in data.notes if "have a single image" not in note]


def test_measurements_of_some_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"19 different numbers for 19 images, .* and 1 image has none; call"):
        numbers(tmp_path, ["", *(k / 7 for k in range(1, 20))])


def test_a_label_may_look_like_a_formula_as_spreadsheets_quote_it(photos: Path) -> None:
    data = labelled(photos, "file_name,label\na.png,'=1+1\nb.png,'tis\nc.png,=1+1\n", "labels.csv")
    assert names(data) == ["=1+1", "'tis", "=1+1", None]


def test_labels_are_legible(photos: Path) -> None:
    data = labelled(photos, {"a.png": "\x1b[31mred\n", "b.png": "K\udce4"}, "labels.json")
    assert data.classes == ("K�e4", "␛[31mred")


# -- dialects and slips -----------------------------------------------------------------------------------------------

CELLS = (("file_name", "label"), ("a.png", "cat"), ("sub/d.png", "dog"))


@pytest.mark.parametrize(
    ("before", "delimiter"), [("sep=;\r\n", ";"), ("sep=,\n", ","), ("sep=\t\r\n", "\t"), ("", ";"), ("", "|")]
)
def test_the_delimiter_may_be_told_or_seen(photos: Path, before: str, delimiter: str) -> None:
    rows = "".join(f"{delimiter.join(row)}\r\n" for row in CELLS)
    assert names(labelled(photos, before + rows, "labels.csv")) == ["cat", None, None, "dog"]


def test_lines_are_counted_with_that_of_the_delimiter(photos: Path) -> None:
    with pytest.raises(DataError, match="line 3: the header has 2 cells, this row 1"):
        labelled(photos, "sep=;\nfile_name;label\na.png\n", "labels.csv")


@pytest.mark.parametrize("between", [" ", ":", "~"])
def test_cells_that_nothing_parts_are_one_column(photos: Path, between: str) -> None:
    with pytest.raises(DataError, match=f"file_name{between}label is one column; part cells by commas"):
        labelled(photos, "".join(f"{between.join(row)}\n" for row in CELLS), "labels.csv")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_an_encoding_without_a_mark_is_told_by_its_nuls(photos: Path, encoding: str) -> None:
    (photos / "labels.csv").write_bytes("".join(f"{','.join(row)}\n" for row in CELLS).encode(encoding))
    with pytest.raises(DataError, match=r"line 1: it holds the character NUL.*save the file as UTF-8"):
        load(str(photos))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.json", '{"a.png": "cat", "b.png": "cat", "a.png": "dog"}'),
        ("labels.json", '{"labels": {"a.png": 1, "a.png": 1.5}}'),
        ("dataset.json", '{"labels": [["a.png", {"label": 1, "label": 2}]]}'),
        ("labels.jsonl", '{"file_name": "a.png", "label": 1}\n{"file_name": "b.png", "label": 1, "label": 2}'),
    ],
)
def test_a_name_that_stands_twice_with_different_values_is_refused(photos: Path, file: str, content: str) -> None:
    with pytest.raises(DataError, match="stands there twice, with different values; keep one"):
        labelled(photos, content, file)


def test_a_name_may_stand_twice_with_one_value(photos: Path) -> None:
    assert names(labelled(photos, '{"a.png": "cat", "a.png": "cat"}', "labels.json")) == ["cat", None, None, None]


@pytest.mark.parametrize("other", [[0.5], 3, None])
def test_vectors_of_unequal_length_are_named(photos: Path, other: Any) -> None:
    content = {"labels": [["a.png", [0.5, 1]], ["b.png", other]]}
    with pytest.raises(DataError, match=r"entry 2: b.png has [01] of the 2 numbers that others have; give all as many"):
        labelled(photos, content, "dataset.json")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.csv", "file_name,label\na.png,\nb.png,-1\n"),
        ("labels.json", {"a.png": None, "b.png": -1}),
        ("labels.csv", "file_name,label\na.png,NA\n"),
    ],
)
def test_labels_that_are_all_empty_are_said(photos: Path, file: str, content: Any) -> None:
    data = labelled(photos, content, file)
    assert data.y is None and f"{file}: no image has a label" in data.notes


def test_a_number_of_many_digits_is_a_name(photos: Path) -> None:
    """Python reads no number of more than 4,300."""
    long = "1" * 5000
    data = labelled(photos, f"file_name,label\na.png,{long}\nb.png,2\nc.png,10\n", "labels.csv")
    assert data.classes == ("10", long, "2")
    assert max(map(len, check(str(photos)).lines())) < 500


@pytest.mark.parametrize("parts", [("train", "test", "val"), ("Training", "Validation"), ("trainA", "testA")])
def test_sub_folders_that_are_called_like_parts_of_a_set_are_said(tmp_path: Path, parts: tuple[str, ...]) -> None:
    for k, part in enumerate(parts):
        image(tmp_path / part / "cat" / "a.png", k)
    data = load(str(tmp_path))
    assert data.classes == tuple(sorted(parts))
    (note,) = data.notes
    assert note.endswith(f"are classes; where they are parts of one set, train on one: {tmp_path / parts[0]}")


@pytest.mark.parametrize("label", ["{},5", "{}.5%", "2020-01-{:02}", "a cat, number {}", "id{}"])
def test_a_class_for_each_image_is_said(tmp_path: Path, label: str) -> None:
    for k in range(12):
        image(tmp_path / "photos" / f"{k}.png", k)
    rows = [f'{k}.png,"{label.format(max(k, 1))}"\n' for k in range(12)]
    data = labelled(tmp_path / "photos", f"file_name,label\n{''.join(rows)}", "labels.csv")
    assert len(data.classes) == 11 and data.notes[0].startswith("10 of the 11 classes have a single image: ")


def test_few_classes_of_few_images_are_not_remarked(photos: Path) -> None:
    assert labelled(photos, "file_name,label\na.png,x\nb.png,y\nc.png,z\n", "labels.csv").notes == ()


@pytest.mark.parametrize("number", [10**400, 1e39, float("inf")])
def test_numbers_that_no_float32_holds_are_refused(photos: Path, number: float) -> None:
    rows = [[name, [number, 1]] for name in ("a.png", "b.png", "c.png", "sub/d.png")]
    with pytest.raises(DataError, match=r"entry 1: condition_0 is .*; give a finite number"):
        labelled(photos, {"labels": rows}, "dataset.json")
