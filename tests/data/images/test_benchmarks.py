"""The sets of super-resolution: from an archive or a folder, at their own sizes, and what is missing is said."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zerosum.data.dataset import DataError
from zerosum.data.images.benchmarks import images


def png(height: int, width: int, channels: int) -> bytes:
    pixels = np.random.default_rng(height).integers(256, size=(height, width, channels), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, "png")
    return file.getvalue()


FIVE = {f"img_{n}.png": png(20 + n, 30, 1 if n == 2 else 3) for n in range(5)}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZEROSUM_DATA", raising=False)


def archive(root: Path, files: dict[str, bytes]) -> Path:
    path = root / "sr" / "Set5.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def test_an_archive_and_a_folder_hold_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    extra = {"README.txt": b"hello", "__MACOSX/._img_0.png": b"x", ".hidden.png": b"x"}
    archive(tmp_path, FIVE | extra)
    zipped = images("Set5", tmp_path)
    assert [tuple(image.pixels.shape) for image in zipped] == [(1 if n == 2 else 3, 20 + n, 30) for n in range(5)]
    folder = tmp_path / "data" / "sr" / "Set5"
    folder.mkdir(parents=True)
    for name, content in FIVE.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path / "data"))
    for one, other in zip(zipped, images("Set5"), strict=True):
        assert one.name == other.name and bool((one.pixels == other.pixels).all())


def test_what_is_missing_is_said(tmp_path: Path):
    with pytest.raises(DataError, match=r"Set14 are not here: put them as sr/Set14\.zip.* \$ZEROSUM_DATA"):
        images("Set14", tmp_path)
    path = archive(tmp_path, dict(list(FIVE.items())[:4]))
    with pytest.raises(DataError, match=r"Set5\.zip has 4 images, and Set5 has 5"):
        images("Set5", tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"cannot read .*Set5\.zip"):
        images("Set5", tmp_path)
    archive(tmp_path, FIVE | {"img_3.png": FIVE["img_3.png"][:80]})
    with pytest.raises(DataError, match=r"cannot read img_3\.png"):
        images("Set5", tmp_path)
