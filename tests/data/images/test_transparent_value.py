"""PNGs without an opacity of their own, of which one value, or one colour, is transparent: the chunk tRNS."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from turned import turned

from zerosum.data import load
from zerosum.data.images.decode import Encoded, Row, Whole, decode, decode_whole
from zerosum.data.request import Reading

KEEP = Reading(alpha="keep")
PLACE = 2, 3  # of the transparent pixel; those beside it differ by the lower byte of one channel


def png(x: np.ndarray, bits: int, clear: np.ndarray, orientation: int = 1) -> bytes:
    """Of (H, W, C), 1 or 3 channels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, channels = x.shape
    rows = b"".join(b"\0" + row.astype(f">u{bits // 8}").tobytes() for row in x)
    head = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 3: 2}[channels], 0, 0, 0)
    exif = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    chunks = {b"IHDR": head, b"tRNS": clear.astype(">u2").tobytes(), b"eXIf": exif, b"IDAT": zlib.compress(rows)}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*own) for own in chunks.items()) + chunk(b"IEND", b"")


def drawn(channels: int, bits: int) -> np.ndarray:
    x = np.random.default_rng(channels).integers(0, 2**bits - 2, (5, 7, channels))
    for beside in range(channels):
        x[3, beside] = x[PLACE]
        x[3, beside, beside] += 1
    return x


def opacity(x: np.ndarray, top: int) -> np.ndarray:
    last = np.full(x.shape[:2], top)
    last[PLACE] = 0
    return last


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_it_is_laid_over_white_or_kept(bits: int, channels: int, orientation: int) -> None:
    x = drawn(channels, bits)
    item = Encoded("a.png", 0, png(x, bits, x[PLACE], orientation))
    last = turned(opacity(x, 255)[..., None], orientation)[..., 0]
    size = last.shape
    kept, white = decode(item, 4, size, reading=KEEP), decode(item, channels, size)
    assert isinstance(kept, Row) and isinstance(white, Row)
    assert np.array_equal(kept.pixels[3], last)
    assert (white.pixels[:, last == 0] == 255).all()
    colours = np.broadcast_to(kept.pixels[:channels], white.pixels.shape)
    assert np.array_equal(white.pixels[:, last > 0], colours[:, last > 0])
    expected = turned(x, orientation).transpose(2, 0, 1) / (2**bits - 1) * 255
    assert np.abs(colours[:, last > 0] - expected[:, last > 0]).max() <= 1  # colours are cut off, grey is rounded


@pytest.mark.parametrize("channels", [1, 3])
def test_whole_images_have_it_in_16_bits(channels: int) -> None:
    x = drawn(channels, 16)
    item = Encoded("a.png", 0, png(x, 16, x[PLACE]))
    kept, white = decode_whole(item, 4, KEEP), decode_whole(item, channels)
    assert isinstance(kept, Whole) and isinstance(white, Whole) and white.opacity is not None
    assert np.array_equal(white.opacity, opacity(x, 65535)) and np.array_equal(kept.pixels[3], opacity(x, 65535))
    assert (white.pixels[:, 2, 3] == 65535).all() and kept.opacity is None
    seen = opacity(x, 1) > 0
    assert np.array_equal(white.pixels.transpose(1, 2, 0)[seen], x[seen])
    none = decode_whole(Encoded("a.png", 0, png(x, 16, x.max((0, 1)) + 1)), channels)
    assert isinstance(none, Whole) and none.opacity is None


@pytest.mark.parametrize("ends", [(0.0, 4095.0), (0.0, 255.0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_range_of_values_changes_colours_alone(channels: int, ends: tuple[float, float]) -> None:
    """By the stored value, also where others become the same shade; and as without transparency."""
    x = drawn(channels, 16)
    reading = Reading(value_range=ends, alpha="keep")
    row = decode(Encoded("a.png", 0, png(x, 16, x[PLACE])), 4, x.shape[:2], reading=reading)
    other = decode(Encoded("a.png", 0, png(x, 16, x.max((0, 1)) + 1)), 4, x.shape[:2], reading=reading)
    assert isinstance(row, Row) and isinstance(other, Row)
    assert np.array_equal(row.pixels[3], opacity(x, 255)) and (other.pixels[3] == 255).all()
    assert np.array_equal(row.pixels[:3], other.pixels[:3])


def test_a_folder_of_them_is_rgba_where_that_is_kept(tmp_path: Path) -> None:
    x = drawn(3, 16)
    (tmp_path / "a.png").write_bytes(png(x, 16, x[PLACE]))
    assert np.array_equal(load(str(tmp_path), alpha="keep").x[0, 3].numpy(), opacity(x, 255))
    assert (load(str(tmp_path)).x[0, :, 2, 3] == 255).all()
