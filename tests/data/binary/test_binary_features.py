"""Binary vectors as data: drawn ones, tables and arrays, and what is none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zerosum.data import DataError, load
from zerosum.data.binary.table import names_in
from zerosum.modality import Binary, Classes


def write(path: Path, content: str, encoding: str = "utf-8") -> str:
    path.write_bytes(content.encode(encoding))
    return str(path)


# -- drawn ------------------------------------------------------------------------------------------------------------


def test_bits_are_two_classes_that_differ_in_their_features() -> None:
    data = load("bits")
    assert data.spec.fields == {"x": Binary(128), "y": Classes(("benign", "malicious"))}
    assert data.counts == (6_000, 6_000) and data.x.dtype == torch.bool
    x = data.spec.fields["x"].load(data.x)
    far = (x[data.y == 0].mean(0) - x[data.y == 1].mean(0)).abs()
    assert far.max() > 0.3 and far.min() < 0.05, "some features tell both apart, some do not"
    pairs = torch.corrcoef(x[data.y == 1].T).fill_diagonal_(0).nan_to_num()
    assert pairs.abs().max() > 0.2, "a mixture: features of a class depend on each other"


def test_bits_follow_from_the_seed_alone() -> None:
    one, same, other = (load("bits", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one.x, same.x) and one.fingerprint == same.fingerprint
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    with pytest.raises(DataError, match="bits:test"):
        load("bits:test")


# -- tables -----------------------------------------------------------------------------------------------------------


def test_a_table_has_names_of_features_and_classes(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", "reads,Label,writes,sends\n1,malware,0,1\n0,clean,0,0\n1,,1,1\n"))
    assert data.modality == Binary(3, ("reads", "writes", "sends")) and data.classes == ("clean", "malware")
    assert data.x.tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 1]] and data.y is not None
    assert data.y.tolist() == [1, 0, -1], "a row without a class is unlabelled"


def test_classes_of_numbers_are_in_their_order(tmp_path: Path) -> None:
    rows = "".join(f"1,{k}\n" for k in (10, 9, 2))
    assert load(write(tmp_path / "a.csv", f"f,y\n{rows}")).classes == ("2", "9", "10")


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.tsv", "f\tg\tlabel\n1\t0\ta\n0\t1\tb\n", "utf-8"),
        ("a.csv", "f;g;label\n1;0;a\n0;1;b\n", "utf-8"),
        ("a.csv", "\ufefff,g,label\r\n1,0,a\r\n0,1,b\r\n", "utf-8"),
        ("a.csv", "f,g,label\n1,0,a\n0,1,b\n", "utf-16"),
        ("a.csv", "f,g,label\nTrue,false,a\n0.0,1.0,b\n\n", "utf-8"),
        ("a.csv", '"f","g","label"\n"1","0","a"\n"0","1","b"\n', "utf-8"),
        ("a.csv", "sep=;\nf;g;label\n1;0;a\n0;1;b\n", "utf-8"),
    ],
)
def test_tables_as_programs_write_them(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    data = load(write(tmp_path / name, content, encoding))
    assert data.x.tolist() == [[1, 0], [0, 1]] and data.modality == Binary(2, ("f", "g"))
    assert data.classes == ("a", "b")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("f,g,label\n1,2,a\n", r"line 2: the feature g is 2, and features are 0 or 1: make it so"),
        ("f,g,label\n1,,a\n", r"line 2: the feature g is empty"),
        ("f,g,label\n10,,a\n", r"line 2: the feature f is 10"),
        ("f,g,label\n,11,a\n", r"line 2: the feature f is empty"),
        ("hash,g,label\nab12,1,a\n", r"the feature hash is ab12.*leave the column out"),
        ("q,a\nwho?,me\n", r"dialogues have columns question and answer"),
        ("f,g,label\n1,0\n", r"line 2: the header has 3 cells, and this row 2"),
        ("f,f,label\n1,0,a\n", r"two columns are called f"),
        ("f,label,y\n1,0,a\n", r"label and y could both be the classes"),
        ("f,,label\n1,0,a\n", r"column 2 has no name"),
        ("f,g,label\n", r"holds names of features and no vectors"),
        ("label\na\n", r"its header has no feature"),
        ("", r"is empty; give a table of features .* or of dialogues, with columns question and answer"),
        ('f,"g,label\n1,0,a\n', r"check the quotation marks"),
    ],
)
def test_what_is_no_table_of_features_is_named(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        load(write(tmp_path / "a.csv", content))
    assert "a.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_names_of_features_may_have_other_signs(tmp_path: Path) -> None:
    calls = "La/b;->x(Lc;)V", "Ld/e;->y(I)V"
    data = load(write(tmp_path / "a.csv", f"{calls[0]},{calls[1]},label\n1,0,a\n0,1,b\n"))
    assert data.modality == Binary(2, calls)
    data = load(write(tmp_path / "a.tsv", "f(a,b)\tg(c,d)\tlabel\n1\t0\ta\n0\t1\tb\n"))
    assert data.modality == Binary(2, ("f(a,b)", "g(c,d)"))


def test_classes_with_gaps_are_whole_numbers(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", "f,label\n1,1.0\n0,0.0\n1,\n"))
    assert data.classes == ("0", "1") and data.y is not None and data.y.tolist() == [1, 0, -1]


def test_words_of_a_bag_may_be_called_answer(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", "answer,money,label\n1,0,ham\n0,1,spam\n"))
    assert data.modality == Binary(2, ("answer", "money"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", "f,label\n1,a\n")

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot read .*a\.csv: Permission denied; check its permissions"):
        load(path)


def test_dialogues_are_still_read_as_such(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", "question,answer\nwho,me\nwhat,that\n"))
    assert "answer" in data.fields
    with pytest.raises(DataError, match="there is no column answer"):
        load(write(tmp_path / "b.csv", "question,reply\nwho,me\n"))


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    same, other = "f,g,label\n1,0,a\n0,1,b\n", "f,h,label\n1,0,a\n0,1,b\n"
    marks = [load(write(tmp_path / f"{k}.csv", text)).fingerprint for k, text in enumerate((same, same, other))]
    assert marks[0] == marks[1] != marks[2]


def test_names_of_features_in_a_file(tmp_path: Path) -> None:
    assert names_in(Path(write(tmp_path / "a.txt", "reads\r\n\n  sends \n"))) == ["reads", "sends"]
    with pytest.raises(DataError, match="names no feature"):
        names_in(Path(write(tmp_path / "b.txt", "\n")))


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_])
def test_arrays_with_labels_are_binary_vectors(tmp_path: Path, dtype: Any) -> None:
    x = np.array([[1, 0, 1], [0, 0, 1]], dtype)
    np.savez(tmp_path / "a.npz", samples=x, labels=np.array([1, 0]))
    data = load(str(tmp_path / "a.npz"))
    assert data.modality == Binary(3) and data.x.dtype == torch.bool and data.x.tolist() == x.astype(int).tolist()
    assert data.classes == ("0", "1")


def test_bools_are_binary_vectors_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[True, False], [False, True]]))
    assert load(str(tmp_path / "a.npy")).x.tolist() == [[1, 0], [0, 1]]


def test_other_numbers_are_no_features(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", samples=np.array([[0, 1], [7, 1]]), labels=np.array([1, 0]))
    with pytest.raises(DataError, match=r"with the value 7, and features are 0 or 1: make others so, as `counts > 0`"):
        load(str(tmp_path / "a.npz"))
    np.save(tmp_path / "b.npy", np.array([[True, False]]))
    with pytest.raises(DataError, match="--value-range is of images"):
        load(str(tmp_path / "b.npy"), value_range=(0.0, 1.0))
    np.save(tmp_path / "c.npy", np.zeros((4, 4), np.uint8))  # may be one grey image
    with pytest.raises(DataError, match="a single grey image is saved as"):
        load(str(tmp_path / "c.npy"))
