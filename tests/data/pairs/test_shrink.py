"""Pairs for super-resolution: crops of files as they are stored, shrunk by the exact kernel; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zerosum import data
from zerosum.batches import Paired
from zerosum.data.dataset import DataError, Dataset
from zerosum.data.sources import absolute, reads_files
from zerosum.modality import to_uint8
from zerosum.util.bicubic import shrunk_bytes

SIZES = {"large.png": (60, 80), "middle.png": (40, 33), "exact.png": (24, 24), "small.png": (23, 90)}


def write(folder: Path, channels: int = 3) -> dict[str, Tensor]:
    folder.mkdir(exist_ok=True)
    pixels = {}
    for name, size in SIZES.items():
        array = np.random.default_rng(len(name)).integers(256, size=(*size, channels), dtype=np.uint8)
        Image.fromarray(array if channels == 3 else array[..., 0]).save(folder / name)
        pixels[name] = torch.from_numpy(array).permute(2, 0, 1)
    return pixels


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))


def a(pairs: Dataset) -> Tensor:
    return pairs.fields["a"].stored


def b(pairs: Dataset) -> Tensor:
    return pairs.fields["b"].stored


def is_crop(crop: Tensor, image: Tensor) -> bool:
    windows = image.unfold(1, crop.shape[1], 1).unfold(2, crop.shape[2], 1)  # (C, rows, columns, h, w)
    return bool((windows == crop[:, None, None]).all(4).all(3).all(0).any())


def test_b_are_crops_of_the_files_and_a_are_those_shrunk(tmp_path: Path):
    pixels = write(tmp_path / "photos")
    pairs = data.load(f"shrink@4:{tmp_path / 'photos'}", size=(24, 24))
    counts = {"exact.png": 1, "large.png": 33, "middle.png": 9}  # four times the pixels of a crop, of one place one
    assert len(pairs) == sum(counts.values())
    assert a(pairs).shape == (43, 3, 6, 6) and b(pairs).shape == (43, 3, 24, 24)
    assert torch.equal(a(pairs), shrunk_bytes(b(pairs), 4))
    names = [name for name, count in counts.items() for _ in range(count)]
    assert all(is_crop(crop, pixels[name]) for crop, name in zip(b(pairs), names, strict=True))
    assert len({crop.numpy().tobytes() for crop in b(pairs)}) > 35
    (problem,) = pairs.problems
    assert str(problem).startswith("small.png: it has 23x90 pixels, fewer than a crop of 24x24")


def test_places_are_those_of_the_seed_and_the_name(tmp_path: Path):
    write(tmp_path / "photos")
    name = f"shrink@2:{tmp_path / 'photos'}"
    first, again, other = (data.load(name, size=(24, 24), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(b(first), b(again)) and first.fingerprint == again.fingerprint
    assert not torch.equal(b(first), b(other)) and first.fingerprint != other.fingerprint
    (tmp_path / "photos" / "exact.png").unlink()
    assert torch.equal(b(data.load(name, size=(24, 24))), b(first)[1:]), "another file moves no crop"
    thrice = data.load(name.replace("@2", "@3"), size=(24, 24))
    assert torch.equal(b(thrice), b(first)[1:]) and thrice.fingerprint != first.fingerprint


def test_few_crops_of_a_large_file_and_grey_stays_grey(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    Image.new("L", (300, 300), 80).save(tmp_path / "photos" / "flat.png")
    pairs = data.load(f"shrink:{tmp_path / 'photos'}", size=(20, 24))
    assert b(pairs).shape == (64, 1, 20, 24) and a(pairs).shape == (64, 1, 5, 6)
    assert bool((a(pairs) == 80).all())


def test_other_images_are_shrunk_whole():
    pairs = data.load("shrink@3:digits")
    whole = data.load("digits")
    assert a(pairs).shape[1:] == (1, 9, 9)
    assert torch.equal(b(pairs), whole.x[..., :27, :27])  # cut to a multiple
    assert torch.equal(a(pairs), shrunk_bytes(b(pairs), 3))
    assert a(data.load("shrink@2:digits", size=(16, 16))).shape[1:] == (1, 8, 8)
    apart = data.load("unpaired:shrink@4:digits")
    assert len(apart.fields["a"]) == len(apart.fields["b"]) == len(whole) // 2


def test_a_pair_is_drawn_together(tmp_path: Path):
    write(tmp_path / "photos")
    pairs = data.load(f"shrink@4:{tmp_path / 'photos'}", size=(24, 24))
    small, large = data.Stream(pairs, 7, seed=0, batch=Paired)()
    assert torch.equal(shrunk_bytes(to_uint8(large), 4), to_uint8(small))


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert (
        absolute("shrink@4:photos") == f"shrink@4:{tmp_path / 'photos'}"
        and absolute("shrink:digits") == "shrink:digits"
    )
    assert reads_files("shrink@4:photos") and not reads_files("shrink@4:digits")


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("shrink@5:digits", None, "2, 3 or 4 times; write shrink@4"),
        ("shrink@x:digits", None, "2, 3 or 4 times"),
        ("shrink@4:", None, "name the images"),
        ("shrink@4:photos", (98, 96), "98x96 pixels cannot be shrunk 4 times: say --size 96 96"),
        ("shrink@4:digits", (2, 2), "say --size 4 4"),
        ("shrink@4:photos", (100, 100), "no image of .*photos is as large as a crop of 100x100"),
        ("shrink@4:ring", None, "holds points"),
        ("shrnk@4:digits", None, "did you mean 'shrink'"),
        ("shrink@4:nowhere", None, "no data called 'nowhere'"),
    ],
)
def test_what_is_refused(
    name: str, size: tuple[int, int] | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        data.load(name, size=size)


def test_a_damaged_file_is_named(tmp_path: Path):
    write(tmp_path / "photos")
    path = tmp_path / "photos" / "large.png"
    path.write_bytes(path.read_bytes()[:3000])
    pairs = data.load(f"shrink@4:{tmp_path / 'photos'}", size=(24, 24))
    assert len(pairs) == 10 and [problem.path for problem in pairs.problems] == ["large.png", "small.png"]
