from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from zerosum.data import DataError, load
from zerosum.util import memory
from zerosum.util.memory import OutOfMemoryError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (PIXELS, (3, 4, 6)),
        (PIXELS.transpose(0, 3, 1, 2), (3, 4, 6)),
        (PIXELS[..., 0], (1, 4, 6)),
        (PIXELS[..., :1], (1, 4, 6)),
    ],
)
def test_images_in_every_order_of_axes(values: np.ndarray, shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    data = load(str(tmp_path / "a.npy"))
    assert data.shape == shape and data.x.dtype == torch.uint8 and len(data) == 5
    assert np.array_equal(data.x[:, 0].numpy(), PIXELS[..., 0])


def test_points_become_float32(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(7, 2))
    np.save(tmp_path / "a.npy", points)
    data = load(str(tmp_path / "a.npy"))
    assert data.x.dtype == torch.float32 and data.shape == (2,) and np.allclose(data.x.numpy(), points, atol=1e-6)


def test_samples_with_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", samples=PIXELS, labels=np.array([2, 0, -1, 1, 1]))
    data = load(str(tmp_path / "a.npz"))
    assert data.y is not None and data.y.tolist() == [2, 0, -1, 1, 1] and data.classes == ("0", "1", "2")


def test_samples_with_vectors(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 2))
    np.savez(tmp_path / "a.npz", samples=PIXELS, conditions=vectors)
    data = load(str(tmp_path / "a.npz"))
    assert data.vectors is not None and data.vectors.dtype == torch.float32 and data.y is None
    assert data.vectors.tolist() == vectors.astype(np.float32).tolist()
    assert data.condition is not None and (data.condition.size, data.condition.kind) == (2, "vector")
    assert load(str(tmp_path / "a.npz"), size=(2, 2)).vectors is not None
    assert load(str(tmp_path / "a.npz"), labels=False).vectors is None
    np.savez(tmp_path / "b.npz", samples=PIXELS, conditions=vectors[::-1])
    np.savez(tmp_path / "c.npz", samples=PIXELS)
    a, b, c = (load(str(tmp_path / name)).fingerprint for name in ("a.npz", "b.npz", "c.npz"))
    assert len({a, b, c}) == 3
    assert load(str(tmp_path / "a.npz"), labels=False).fingerprint == c  # whatever the vectors were


@pytest.mark.parametrize("column", [False, True])
def test_labels_may_be_true_or_false(column: bool, tmp_path: Path) -> None:
    y = np.array([True, False, False, True, True])
    np.savez(tmp_path / "a.npz", samples=PIXELS, labels=y[:, None] if column else y)
    data = load(str(tmp_path / "a.npz"))
    assert data.y is not None and data.y.tolist() == [1, 0, 0, 1, 1]


LARGE = np.array([0, 1, 2, 3, 2**63], np.uint64)


@pytest.mark.parametrize(
    ("labels", "cure"),
    [
        (np.eye(5, 3, dtype=np.uint8), "(5, 3); give 5 whole numbers from 0 on, or -1 where there is none: of one-hot"),
        (
            np.eye(5, 3),
            "(5, 3); give 5 whole numbers from 0 on, or -1 where there is none: of one-hot rows, labels.argm",
        ),
        (np.arange(5.0), "float64 (5,); give 5 whole numbers from 0 on, or -1 where there is none: labels.astype(int)"),
        (np.array(["cat"] * 5), "<U3 (5,); give 5 whole numbers from 0 on, or -1 where there is none: numpy.unique("),
        (np.array([b"cat"] * 5), "|S3 (5,); give 5 whole numbers from 0 on, or -1 where there is none: numpy.unique("),
        (-np.arange(5), "int64 (5,) from -4 to 0; give 5 whole numbers"),
        (LARGE, "uint64 (5,) from 0 to 9223372036854775808; give 5 whole numbers"),
        (np.arange(6), "int64 (6,); give 5 whole numbers"),
        (np.int64(3), "int64 (); give 5 whole numbers"),
    ],
)
def test_labels_that_are_none_say_what_they_are_and_how_to_make_them_so(
    labels: np.ndarray, cure: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", samples=PIXELS, labels=labels)
    with pytest.raises(DataError, match=re.escape(cure)):
        load(str(tmp_path / "a.npz"))


def test_archives_and_arrays_are_told_by_what_they_hold(tmp_path: Path) -> None:
    """As `numpy.load` tells them."""
    np.savez(tmp_path / "a.npz", samples=PIXELS, labels=np.arange(5) % 2)
    np.save(tmp_path / "b.npy", PIXELS)
    (tmp_path / "a.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "b.npy").rename(tmp_path / "array.npz")
    assert load(str(tmp_path / "archive.npy")).classes == ("0", "1")
    assert len(load(str(tmp_path / "array.npz"))) == 5


def test_what_stands_after_an_array_is_said(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, PIXELS)
        first = file.tell()
        np.save(file, PIXELS)
        beyond = file.tell() - first
    data = load(str(tmp_path / "a.npy"))
    assert len(data) == 5 and data.notes == (f"a.npy: {beyond} bytes after its array are not read",)


def test_points_beyond_float32_are_refused_as_such(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((3, 2), 1e300))
    with pytest.raises(DataError, match=r"points that are not finite, or beyond float32's 3.4e\+38; remove or scale"):
        load(str(tmp_path / "a.npy"))


def test_labels_that_are_all_unknown_are_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", samples=PIXELS, labels=np.full(5, -1))
    data = load(str(tmp_path / "a.npz"))
    assert data.y is None and data.classes == () and data.condition is None


def test_the_fingerprint_is_of_the_content_not_of_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez_compressed(tmp_path / "b.npz", x=PIXELS)
    np.save(tmp_path / "c.npy", PIXELS[::-1])
    a, b, c = (load(str(tmp_path / name)).fingerprint for name in ("a.npy", "b.npz", "c.npy"))
    assert a == b != c and len(a) == 16


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": np.zeros((2, 5, 4, 4), np.uint8)}, "images are uint8"),
        ({"x": np.zeros((2, 3, 4, 4), np.float32)}, "images are uint8"),
        ({"x": np.zeros(4)}, "points are float"),
        ({"x": np.zeros((0, 2))}, "no samples"),
        ({"x": np.float32(3)}, "no samples"),
        ({"x": np.array([[np.nan, 0]])}, "not finite"),
        ({"weights": np.zeros((2, 2))}, "name the samples 'samples'"),
        ({"x": PIXELS, "y": np.zeros(4, int)}, "give 5 whole numbers"),
        ({"x": PIXELS, "y": np.zeros(5)}, "give 5 whole numbers"),
        ({"x": PIXELS, "y": np.full(5, -2)}, "give 5 whole numbers"),
        ({"x": PIXELS, "conditions": np.zeros((4, 2))}, r"conditions float64 \(4, 2\); give floats \(5, K\)"),
        ({"x": PIXELS, "conditions": np.zeros(5)}, r"conditions float64 \(5,\); give floats \(5, K\)"),
        ({"x": PIXELS, "conditions": np.zeros((5, 0))}, "give floats"),
        ({"x": PIXELS, "conditions": np.zeros((5, 2), int)}, "give floats"),
        ({"x": PIXELS, "conditions": np.full((5, 2), np.nan)}, "conditions that are not finite"),
        ({"x": PIXELS, "conditions": np.full((5, 2), 1e39)}, "conditions that are not finite"),  # not in float32
        ({"x": np.array([{}], dtype=object)}, "cannot read"),
    ],
)
def test_other_arrays_are_refused(arrays: dict[str, np.ndarray], reason: str, tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=reason) as caught:
        load(str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 half a zip", b"\x93NUMPY\x01\x00"])
def test_damaged_files_are_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"cannot read {file}"):
        load(str(file))


def test_a_truncated_array_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    np.save(file, PIXELS)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"cannot read {file}"):
        load(str(file))


# -- another size -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(8, 8), (2, 3), (4, 6), (16, 5), (1, 1)])
def test_images_in_memory_are_brought_to_a_size(size: tuple[int, int], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS)
    own, data = load(str(tmp_path / "a.npy")), load(str(tmp_path / "a.npy"), size=size)
    assert data.shape == (3, *size) and data.x.dtype == torch.uint8
    assert (data.fingerprint == own.fingerprint) == (size == (4, 6))


def test_scaling_covers_and_crops_the_centre(tmp_path: Path) -> None:
    wide = np.zeros((1, 10, 30), np.uint8)
    wide[:, :, 10:20] = 200  # the middle square
    np.save(tmp_path / "a.npy", wide)
    square = load(str(tmp_path / "a.npy"), size=(20, 20)).x[0, 0]
    assert square[:, 3:-3].min() == 200 == square[:, 3:-3].max()


def test_points_have_no_size() -> None:
    with pytest.raises(DataError, match="ring holds points, which have no size of 8x8 pixels; give images, or leave"):
        load("ring", size=(8, 8))
    with pytest.raises(DataError, match="size 0x8 is empty"):
        load("digits", size=(0, 8))


# -- which array is what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "labels"),
    [
        ("samples", "label"),
        ("samples", "labels"),
        ("x", "y"),
        ("X", "Y"),
        ("images", "labels"),
        ("image", "label"),
        ("data", "targets"),
        ("data", "target"),
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
        ("arr_0", "arr_1"),
        ("samples", "classes"),
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_labels_are_kept_whatever_they_are_called(samples: str, labels: str, column: bool, tmp_path: Path) -> None:
    y = np.array([2, 0, 1, 1, 0], np.uint8)
    np.savez(tmp_path / "a.npz", **{samples: PIXELS, labels: y[:, None] if column else y})
    data = load(str(tmp_path / "a.npz"))
    assert data.y is not None and data.y.tolist() == y.tolist()
    assert data.notes == (f"a.npz: {samples} as samples, {labels} as labels",)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": PIXELS, "images": PIXELS}, "both x and images, which could be the same"),
        ({"x": PIXELS, "y": np.zeros(5, int), "labels": np.ones(5, int)}, "both y and labels"),
        ({"x": PIXELS, "X": PIXELS}, "both x and X"),
        (
            {"x": PIXELS, "kind": np.zeros(5, int)},
            r"kind int64 \(5,\) beside its samples x, which could be their labels",
        ),
        ({"arr_0": PIXELS, "arr_1": PIXELS}, "2 arrays without names"),
        ({"arr_0": PIXELS, "arr_1": np.zeros(5, int), "arr_2": np.zeros(5, int)}, "3 arrays without names"),
        ({"arr_0": PIXELS, "arr_1": np.zeros(4, int)}, "2 arrays without names"),
        ({"x": PIXELS, "y": np.eye(5)}, "argmax"),
    ],
)
def test_arrays_of_doubtful_meaning_are_refused_by_name(
    arrays: dict[str, np.ndarray], reason: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=reason):
        load(str(tmp_path / "a.npz"))


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=PIXELS, y_train=np.zeros(5, int), x_test=PIXELS[:2], y_test=np.zeros(2, int))
    (note,) = load(str(tmp_path / "a.npz")).notes
    assert note == (
        "a.npz: x_train as samples, y_train as labels; not read: x_test uint8 (2, 4, 6, 3), y_test int64 (2,)"
    )


# -- what an array is taken for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 48, 3), (64, 48, 4), (3, 64, 48), (64, 48, 2), (1000, 1, 3), (3, 3, 3)])
def test_one_photograph_is_not_many_grey_images(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    with pytest.raises(
        DataError, match=r"which is one image with \d channels, or \d+ grey ones of .* as x\[None\]"
    ) as told:
        load(str(tmp_path / "a.npy"))
    assert str((1, *shape)) in str(told.value) and str((shape[0], 1, *shape[1:])) in str(told.value)


def test_a_single_image_and_grey_ones_as_the_cure_says(tmp_path: Path) -> None:
    photo = np.zeros((64, 48, 3), np.uint8)
    np.save(tmp_path / "one.npy", photo[None])
    np.save(tmp_path / "many.npy", photo[:, None])
    assert load(str(tmp_path / "one.npy")).shape == (3, 64, 48)
    assert load(str(tmp_path / "many.npy")).shape == (1, 48, 3)


def test_grey_images_without_an_axis_of_channels_are_told_of(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 8, 9), np.uint8))
    assert load(str(tmp_path / "a.npy")).notes == ("a.npy (5, 8, 9) was taken for 5 grey images of 8x9",)


def test_axes_that_could_be_either_are_told_of(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 3, 8, 3), np.uint8))
    assert load(str(tmp_path / "a.npy")).notes == ("a.npy (5, 3, 8, 3) was taken for (N, C, H, W): 3 channels of 8x3",)


@pytest.mark.parametrize("dtype", [np.uint16, np.int64, np.float32, np.float64, ">u2", ">f8", np.float16])
@pytest.mark.parametrize("order", ["C", "F"])
def test_images_of_other_numbers_are_taken_with_a_range(dtype: object, order: str, tmp_path: Path) -> None:
    values = np.asarray(PIXELS.astype(dtype), order=order)
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=r"with values from \d+ to 255; images are uint8; .* --value-range LOW HIGH"):
        load(str(tmp_path / "a.npy"))
    data = load(str(tmp_path / "a.npy"), value_range=(0, 255))
    assert np.array_equal(data.x.numpy(), PIXELS.transpose(0, 3, 1, 2))
    assert data.notes[-1].endswith("to 255; 0 became black and 255 white")
    assert load(str(tmp_path / "a.npy"), value_range=(0, 100)).notes[-1].endswith("values beyond were cut off")


def test_bytes_are_stretched_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 1, 4, 4), 20, np.uint8))
    assert load(str(tmp_path / "a.npy"), value_range=(0, 40)).x.unique().tolist() == [128]


def test_a_range_of_points_or_with_nan_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    with pytest.raises(DataError, match="holds points, and --value-range is of images"):
        load(str(tmp_path / "a.npy"), value_range=(0, 1))
    np.save(tmp_path / "b.npy", np.full((4, 1, 4, 4), np.nan))
    with pytest.raises(DataError, match="not finite"):
        load(str(tmp_path / "b.npy"), value_range=(0, 1))


def test_the_order_of_bytes_and_axes_of_points_does_not_matter(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(7, 2))
    for k, values in enumerate((points, np.asfortranarray(points), points.astype(">f8"), points.astype("<f4"))):
        np.save(tmp_path / f"{k}.npy", values)
        np.savez_compressed(tmp_path / f"{k}.npz", x=values)
        for ending in ("npy", "npz"):
            assert np.allclose(load(str(tmp_path / f"{k}.{ending}")).x.numpy(), points, atol=1e-6)


def test_points_beyond_float32_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1e39, 0.0]]))
    with pytest.raises(DataError, match="not finite"):
        load(str(tmp_path / "a.npy"))


# -- hostile files ----------------------------------------------------------------------------------------------------


def npy(header: str | bytes, content: bytes = bytes(64), version: bytes = b"\x01\x00") -> bytes:
    head = header.encode() if isinstance(header, str) else header
    return b"\x93NUMPY" + version + len(head).to_bytes(2 if version[0] == 1 else 4, "little") + head + content


def described(shape: str = "(2, 2)", dtype: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


HOSTILE = {
    "a shape beyond any memory": npy(described("(99999999999999999999999, 3)")),
    "a shape beyond 64 bits": npy(described("(18446744073709551617, 2)")),
    "a product that overflows": npy(described("(4294967296, 4294967296)")),
    "a negative shape": npy(described("(-2, -2)")),
    "a shape of truth": npy(described("(True, 2)")),
    "a shape of text": npy(described("('2', 2)")),
    "a shape that is a number": npy(described("4")),
    "a shape of floats": npy(described("(2.0, 2)")),
    "a hundred axes": npy(described(f"({'1, ' * 100})")),
    "deep brackets": npy("(" * 5000),
    "deep signs": npy("-" * 9000 + "1"),
    "open quotation": npy("{'descr': '''<f4"),
    "indentation": npy("{\n  'descr'\n 1"),
    "bytes": npy(b"\xff\xfe\x00" * 10),
    "no dictionary": npy("[1, 2, 3]\n"),
    "other keys": npy("{'descr': '<f4'}\n"),
    "a list as a key": npy("{[1]: 2}\n"),
    "no type": npy(described(dtype="'nothing'")),
    "a type that is a number": npy(described(dtype="7")),
    "a type that is a list": npy(described(dtype="[1, 2]")),
    "objects": npy(described(dtype="'|O'")),
    "fields": npy(described(dtype="[('a', '<f4'), ('b', '<f4')]"), bytes(32)),
    "fields in fields": npy(described(dtype="[('a', [('b', '|O')])]")),
    "arrays in arrays": npy(described(dtype="('<f4', (1000000, 1000000))")),
    "empty text": npy(described(dtype="'|S0'")),
    "raw bytes": npy(described(dtype="'|V4'")),
    "dates": npy(described(dtype="'<M8[D]'")),
    "complex numbers": npy(described(dtype="'<c8'")),
    "huge text": npy(described(dtype="'<U2147483647'")),
    "huge number of bytes": npy(described(dtype="'<f99999999999'")),
    "version 3": npy(described(), version=b"\x03\x00"),
    "version 9": npy(described(), version=b"\x09\x00"),
    "a huge header": npy(" " * 60_000 + described()),
    "a header of 4 GB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + described().encode(),
    "no header": b"\x93NUMPY",
    "an order that is no truth": npy(described(order="'maybe'")),
    "a null byte": npy("{'descr': '<f4\0'}"),
    "missing values": npy(described("(1000, 1000)")),
}


@pytest.mark.parametrize("where", ["npy", "npz"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_headers_are_refused_in_a_sentence(kind: str, where: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{where}"
    if where == "npy":
        path.write_bytes(HOSTILE[kind])
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("samples.npy", HOSTILE[kind])
    with pytest.raises(DataError, match=f"cannot read {path}") as told:
        load(str(path))
    assert len(str(told.value)) < 500 and "\n" not in str(told.value)


def test_hostile_archives_are_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = npy(described(), np.zeros(4, np.float32).tobytes())
    made = []

    def archive(name: str, members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with zipfile.ZipFile(path, "w", compression) as file:
                for member, content in members:
                    file.writestr(member, content)
        made.append(path)
        return path

    archive("text.npz", [("samples.npy", b"this is text")])
    archive("none.npz", [])
    archive("other.npz", [("samples.txt", b"this is text")])
    archive("folder.npz", [("samples.npy/", b"")])
    archive("twice.npz", [("x.npy", whole), ("x.npy", whole)])
    archive("lzma.npz", [("x.npy", whole)], zipfile.ZIP_LZMA)
    archive("bz2.npz", [("x.npy", whole)], zipfile.ZIP_BZIP2)
    archive("more.npz", [("x.npy", whole + bytes(9))])
    flipped = archive("flipped.npz", [("x.npy", whole)])
    content = bytearray(flipped.read_bytes())
    content[content.index(whole) + len(whole) - 1] ^= 1  # the checksum of the archive finds it
    flipped.write_bytes(content)
    secret = archive("secret.npz", [("x.npy", whole)])
    content = bytearray(secret.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1  # encrypted
    secret.write_bytes(content)
    for path in made:
        with pytest.raises(DataError, match=f"cannot read {path}") as told:
            load(str(path))
        assert "\n" not in str(told.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros((100, 3, 256, 256), np.uint8))  # 20 MB, of 20 kB
    monkeypatch.setattr(memory, "available", lambda device=None: 10_000_000)
    with pytest.raises(OutOfMemoryError, match=r"a\.npz would take about 39 MB of memory"):
        load(str(path))


def test_only_what_is_used_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=PIXELS, other=np.zeros(100_000_000, np.uint8))
    monkeypatch.setattr(memory, "available", lambda device=None: 10_000_000)
    assert len(load(str(path))) == 5
