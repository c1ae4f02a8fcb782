"""`zerosum translate` of files of 16 bits: each decoded once; TIFFs in colour and turned files, by hand-made ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile
from turned import turned

import zerosum
from zerosum.cli import main
from zerosum.data.dataset import Problem
from zerosum.data.images.decode import Encoded, Whole, decode, decode_whole
from zerosum.data.request import Reading
from zerosum.pictures.png import save_deep
from zerosum.workflows import translate as workflow

Pixels = np.ndarray[Any, Any]
QUICK: dict[str, Any] = {"steps": 1, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
HEIGHT, WIDTH = 9, 14  # of files as they are stored


def png(path: Path, x: Pixels, orientation: int = 1) -> None:
    """A PNG of 16 bits with the chunk eXIf before its pixels."""
    save_deep(x, path)
    content = path.read_bytes()
    said = content.index(b"tEXt") - 4  # that zerosum made it
    content = content[:said] + content[said + 12 + int.from_bytes(content[said : said + 4], "big") :]
    exif = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    place = content.index(b"IDAT") - 4
    path.write_bytes(content[:place] + chunk + content[place:])


def tiff(path: Path, x: Pixels, orientation: int = 1, order: str = "<", deflated: bool = False) -> None:
    """A TIFF 6.0 of 16 bits, (H, W, 1, 3 or 4), the fourth not multiplied into the others."""
    height, width, channels = x.shape
    pixels = x.astype(f"{order}u2").tobytes()
    pixels = zlib.compress(pixels) if deflated else pixels
    start = 8 + len(pixels) + len(pixels) % 2
    bits = start  # of the four shorts that BitsPerSample points to
    tags: list[tuple[int, int, int, int]] = [  # number, type, count, value
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, 16 if channels == 1 else bits),
        (259, 3, 1, 8 if deflated else 1),
        (262, 3, 1, 1 if channels == 1 else 2),
        (273, 4, 1, 8),
        (274, 3, 1, orientation),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
        *([(338, 3, 1, 2)] if channels == 4 else []),
    ]
    content = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, start + 8) + pixels
    content = content.ljust(start, b"\0") + struct.pack(f"{order}4H", 16, 16, 16, 16)
    content += struct.pack(f"{order}H", len(tags))
    for number, kind, count, value in tags:
        short = kind == 3 and count == 1
        content += struct.pack(
            f"{order}HHI{'HH' if short else 'I'}", number, kind, count, *([value, 0] if short else [value])
        )
    path.write_bytes(content + bytes(4))


WRITERS: dict[str, tuple[Callable[..., None], int]] = {
    "grey.png": (png, 1),
    "faint.png": (png, 2),
    "colour.png": (png, 3),
    "clear.png": (png, 4),
    "grey.tif": (tiff, 1),
    "colour.tif": (tiff, 3),
    "clear.tif": (tiff, 4),
    "big-endian.tif": (lambda *a: tiff(*a, order=">"), 3),
    "big-endian-clear.tif": (lambda *a: tiff(*a, order=">"), 4),
    "deflated.tif": (lambda *a: tiff(*a, deflated=True), 3),
    "deflated-clear.tif": (lambda *a: tiff(*a, order=">", deflated=True), 4),
}


def drawn(channels: int) -> Pixels:
    """Values that 8 bits cannot hold; where there are two or four channels, mostly opaque."""
    x = np.random.default_rng(channels).integers(0, 65_536, (HEIGHT, WIDTH, channels)).astype(np.uint16)
    if channels in (2, 4):
        x[..., -1] = 65_535
        x[2, 3, -1] = 12_345
    return x


def read(path: Path) -> Pixels:
    """Of a PNG as zerosum writes it, without filters, all 16 bits: (H, W, C)."""
    content = path.read_bytes()
    width, height, bits, colour = struct.unpack(">IIBB", content[16:26])
    place = content.index(b"IDAT")
    length = int.from_bytes(content[place - 4 : place], "big")
    rows = np.frombuffer(zlib.decompress(content[place + 4 : place + 4 + length]), np.uint8).reshape(height, -1)
    assert bits == 16
    return rows[:, 1:].copy().view(">u2").astype(np.uint16).reshape(height, width, {0: 1, 4: 2, 2: 3, 6: 4}[colour])


def require_equal(made: Pixels, x: Pixels) -> None:
    """Colours where they are seen, grey repeated, and transparency are those of the file."""
    colours = x[..., :1].repeat(3, 2) if x.shape[2] < 3 else x[..., :3]
    opaque = np.ones(x.shape[:2], bool) if x.shape[2] in (1, 3) else x[..., -1] == 65_535
    assert made.shape == (*x.shape[:2], 4 if x.shape[2] in (2, 4) else 3)
    assert np.array_equal(made[..., :3][opaque], colours[opaque])
    assert x.shape[2] in (1, 3) or np.array_equal(made[..., 3], x[..., -1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    np.save(folder / "x.npy", np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), dtype=np.uint8))
    narrow = {"network": {"width": 4}, "patch": {"width": 2}}
    zerosum.train("cyclegan", f"unpaired:invert:{folder / 'x.npy'}", folder / "run", **narrow, **QUICK)
    return folder / "run"


@pytest.fixture
def nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow._Work, "translated", lambda self, x: x)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_files_keep_every_value(run: Path, tmp_path: Path, orientation: int) -> None:
    (tmp_path / "in").mkdir()
    for name, (write, channels) in WRITERS.items():
        write(tmp_path / "in" / name, drawn(channels), orientation)
    assert main(["translate", str(run), str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    for name, (_, channels) in WRITERS.items():
        path = tmp_path / "out" / f"{name}.png"
        path = path if path.exists() else (tmp_path / "out" / name).with_suffix(".png")
        require_equal(read(path), turned(drawn(channels), orientation))


def test_what_pillow_reads_in_8_bits_is_turned_alike(tmp_path: Path) -> None:
    """The files above are what they are said to be, by another reader, in the upper bytes."""
    for name, (write, channels) in WRITERS.items():
        if channels >= 3:
            write(tmp_path / name, drawn(channels))
            with Image.open(tmp_path / name) as image:
                assert np.array_equal(np.asarray(image), drawn(channels) >> 8), name


@pytest.mark.usefixtures("nothing_changes")
def test_each_file_is_decoded_once(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one of 16 bits a colour twice, its upper and its lower bytes, as Pillow has no mode of both."""
    (tmp_path / "in").mkdir()
    written = {name: own for name, own in WRITERS.items() if "deflated" not in name}  # which libtiff decodes
    for name, (write, channels) in written.items():
        write(tmp_path / "in" / name, drawn(channels))
    for mode in ("L", "LA", "RGB", "RGBA"):
        Image.fromarray(np.asarray(Image.new(mode, (12, 10), (9,) * len(mode)))).save(tmp_path / "in" / f"{mode}.png")
    decoded: dict[str, int] = {}
    load = ImageFile.ImageFile.load

    def counting(image: ImageFile.ImageFile) -> Any:
        if image.tile:
            name = Path(str(image.fp.name)).name
            decoded[name] = decoded.get(name, 0) + 1
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counting)
    zerosum.translate(run, tmp_path / "in", tmp_path / "out")
    twice = {name for name, (_, channels) in written.items() if channels >= 3}
    assert decoded == {path.name: 1 + (path.name in twice) for path in (tmp_path / "in").iterdir()}


def test_grey_and_transparent_takes_a_range_of_values_as_grey_does(tmp_path: Path) -> None:
    """Whole, in 16 bits, and to learn from, in 8."""
    grey = np.linspace(0, 4095, 120).astype(np.uint16).reshape(10, 12, 1)
    reading = Reading(value_range=(0.0, 4095.0))
    for name, pixels in (("grey", grey), ("clear", np.concatenate([grey, np.full_like(grey, 65535)], 2))):
        save_deep(pixels, tmp_path / f"{name}.png")
        item = Encoded(name, -1, tmp_path / f"{name}.png")
        whole, small = decode_whole(item, 1, reading), decode(item, 1, (10, 12), False, reading)
        assert isinstance(whole, Whole) and (whole.pixels.min(), whole.pixels.max()) == (0, 65535)
        assert not isinstance(small, Problem) and (small.pixels.min(), small.pixels.max()) == (0, 255)
