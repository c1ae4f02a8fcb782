from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zerosum.data import DataError, load

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
    assert len({a, b, c, load(str(tmp_path / "a.npz"), labels=False).fingerprint}) == 4


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
    with pytest.raises(DataError, match="ring holds points, which have no size"):
        load("ring", size=(8, 8))
    with pytest.raises(DataError, match="size 0x8 is empty"):
        load("digits", size=(0, 8))
