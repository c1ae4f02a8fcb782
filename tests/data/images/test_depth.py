"""Values of more than 8 bits: what is said of them, and what makes them black and white."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

import zerosum
from zerosum.data import DataError, check, load

RAMP = (np.arange(256).reshape(16, 16) * 16 + 15).astype(np.uint16)  # 15 to 4095: 12 bits


def expected(values: np.ndarray, low: float, high: float) -> torch.Tensor:
    scaled = ((values.astype(float) - low) / (high - low)).clip(0, 1)
    return torch.from_numpy(np.floor(scaled * 255 + 0.5).astype(np.uint8))


def png(values: np.ndarray, significant: bytes = b"") -> bytes:
    """A PNG of 16 bits: grey of (H, W), or in colour of (H, W, 3)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 0 if values.ndim == 2 else 2, 0, 0, 0)
    said = chunk(b"sBIT", significant) if significant else b""
    body = chunk(b"IHDR", head) + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(path: Path, values: np.ndarray, **tags: float) -> None:
    """A TIFF with tags by number, t281=4095."""
    own = ImageFileDirectory_v2()
    for tag, value in tags.items():
        own[int(tag[1:])] = value
    Image.fromarray(values).save(path, tiffinfo=own)


def twelve_bits(root: Path, count: int = 1) -> Path:
    for k in range(count):
        Image.fromarray(RAMP).save(root / f"{k}.png")
    return root


# -- what is said -----------------------------------------------------------------------------------------------------


def test_black_is_not_called_dark(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "a.png")
    said = "1 image of 16 bits holds values from 0 to 0; 0 became black and 65535 white"
    assert load(str(tmp_path)).notes == (said,)


def test_a_dark_range_is_said_with_the_option_that_mends_it(tmp_path: Path) -> None:
    data = load(str(twelve_bits(tmp_path, 3)))
    assert data.x.max() == 16  # as before
    assert data.notes == (
        "3 images of 16 bits hold values from 15 to 4095 of 65535, and so are dark: --value-range 0 4095 makes the "
        "largest white, if 4095 is meant by it",
    )
    assert f"note: {data.notes[0]}" in check(str(tmp_path)).lines()
    assert load(str(tmp_path)).notes == data.notes  # from the pack as well


def test_values_that_fill_their_type_are_said_without_a_cure(tmp_path: Path) -> None:
    Image.fromarray((RAMP * 16).astype(np.uint16)).save(tmp_path / "a.png")
    assert load(str(tmp_path)).notes == (
        "1 image of 16 bits holds values from 240 to 65520; 0 became black and 65535 white",
    )


def test_8_bits_are_not_spoken_of(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 3).save(tmp_path / "a.png")
    assert load(str(tmp_path)).notes == ()


def test_whole_numbers_of_32_bits(tmp_path: Path) -> None:
    values = (RAMP // 16).astype(np.int32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert "--value-range 0 255" in load(str(tmp_path)).notes[0]
    assert torch.equal(load(str(tmp_path), value_range=(0, 255)).x[0, 0], torch.from_numpy(values.astype(np.uint8)))


# -- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0, 4095), (1000, 2000), (-100, 5000), (0, 0.5)])
@pytest.mark.parametrize("kind", ["16 bits", "32 bits", "floats"])
def test_a_range_is_stretched_and_what_is_beyond_cut_off(low: float, high: float, kind: str, tmp_path: Path) -> None:
    values = RAMP.astype({"16 bits": np.uint16, "32 bits": np.int32, "floats": np.float32}[kind])
    Image.fromarray(values).save(tmp_path / "a.tif")
    data = load(str(tmp_path), value_range=(low, high))
    assert torch.equal(data.x[0, 0], expected(values, low, high))
    assert data.notes[0].startswith(f"1 image of {kind} holds values from 15 to 4095; {low:g} became black")
    assert ("cut off in 1" in data.notes[0]) == (low > 15 or high < 4095)


def test_floats_outside_0_to_1_are_refused_with_the_cure_and_taken_with_it(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"outside \[0, 1\]; say .* --value-range -1 1"):
        load(str(tmp_path))
    assert torch.equal(load(str(tmp_path), value_range=(-1, 1)).x[0, 0], expected(values, -1, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_refused_with_any_range(value: float, tmp_path: Path) -> None:
    values = np.full((16, 16), 0.5, np.float32)
    values[3, 3] = value
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="not finite"):
        load(str(tmp_path), value_range=(0, 1))


def test_colour_of_16_bits_keeps_its_lower_byte_where_that_counts(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (16, 20, 3)).astype(np.uint16)
    values[0, 0] = 4095
    (tmp_path / "a.png").write_bytes(png(values))
    plain = load(str(tmp_path))
    assert plain.x.max() == 15 and "to 4095 of 65535, and so is dark: --value-range 0 4095" in plain.notes[0]
    stretched = load(str(tmp_path), value_range=(0, 4095))
    assert torch.equal(stretched.x[0], expected(values.transpose(2, 0, 1), 0, 4095))


def test_a_range_of_16_bits_leaves_files_of_8_alone_and_one_of_8_does_not(tmp_path: Path) -> None:
    twelve_bits(tmp_path)
    Image.new("L", (16, 16), 20).save(tmp_path / "8-bit.png")
    assert load(str(tmp_path), value_range=(0, 4095)).x[:, 0, 0, 0].tolist() == [1, 20]
    (tmp_path / "0.png").unlink()
    assert load(str(tmp_path), value_range=(0, 40)).x.unique().tolist() == [128]


@pytest.mark.parametrize("wrong", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_range_without_a_width_is_refused(wrong: tuple[float, float], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--value-range .* has no width"):
        load(str(twelve_bits(tmp_path)), value_range=wrong)


@pytest.mark.parametrize("name", ["digits", "ring"])
def test_what_is_no_file_has_no_range(name: str) -> None:
    with pytest.raises(DataError, match="--value-range is of images in your own files"):
        load(name, value_range=(0, 1))


def test_pairs_are_stretched_on_both_sides(tmp_path: Path) -> None:
    for side in "ab":
        (tmp_path / side).mkdir()
        twelve_bits(tmp_path / side, 2)
    data = load(f"pairs:{tmp_path}", value_range=(0, 4095))
    assert all(field.stored.max() == 255 for field in data.fields.values())
    assert [note[:2] for note in data.notes] == ["a:", "b:"]


# -- what files say ---------------------------------------------------------------------------------------------------


def test_a_png_says_how_many_bits_count(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(RAMP, b"\x0c"))
    data = load(str(tmp_path))
    assert torch.equal(data.x[0, 0], expected(RAMP, 0, 4095))
    assert data.notes[0].endswith("0 became black and 4095 white, as the file says")
    assert torch.equal(load(str(tmp_path), value_range=(0, 8190)).x[0, 0], expected(RAMP, 0, 8190))


def test_bits_that_are_scaled_as_png_wants_them_are_left_so(tmp_path: Path) -> None:
    """The standard scales the 12 bits to 16; a dark image of those must not become a bright one."""
    for name, values in (("bright", RAMP * 16), ("dark", (RAMP // 256) * 16)):
        (tmp_path / f"{name}.png").write_bytes(png(values.astype(np.uint16), b"\x0c"))
    assert load(str(tmp_path)).x.amax((1, 2, 3)).tolist() == [255, 1]


def test_a_png_in_colour_says_it_too(tmp_path: Path) -> None:
    values = np.stack([RAMP, RAMP // 2, RAMP // 4], 2)
    (tmp_path / "a.png").write_bytes(png(values, b"\x0c\x0c\x0c"))
    assert torch.equal(load(str(tmp_path)).x[0], expected(values.transpose(2, 0, 1), 0, 4095))


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_a_tiff_says_its_largest_value(kind: type, tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", RAMP.astype(kind), t281=4095)
    assert torch.equal(load(str(tmp_path)).x[0, 0], expected(RAMP, 0, 4095))


def test_a_float_tiff_says_its_range(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", RAMP.astype(np.float32), t340=0.0, t341=4095.0)
    assert torch.equal(load(str(tmp_path)).x[0, 0], expected(RAMP, 0, 4095))


def test_a_tiff_whose_pixels_exceed_what_it_says_is_not_believed(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", RAMP, t281=1000)
    assert load(str(tmp_path)).x.max() == 16


def test_a_tiff_of_12_bits(tmp_path: Path) -> None:
    first, second = RAMP.reshape(-1, 2).T.astype(np.int64)
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()
    entries = [
        (256, 3, 16),
        (257, 3, 16),
        (258, 3, 12),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, 16),
    ]
    entries.append((279, 4, len(packed)))
    body = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        body += struct.pack("<HHI", tag, kind, 1) + struct.pack("<I", value)
    head = b"II*\0" + struct.pack("<I", 8 + len(packed))
    (tmp_path / "a.tif").write_bytes(head + packed + body + bytes(4))
    assert torch.equal(load(str(tmp_path)).x[0, 0], expected(RAMP, 0, 4095))


def test_a_tiff_whose_0_is_white(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", RAMP, t281=4095, t262=0)
    with Image.open(tmp_path / "a.tif") as opened:
        if opened.tag_v2[262] != 0:
            pytest.skip("this Pillow writes another PhotometricInterpretation")
    assert torch.equal(load(str(tmp_path)).x[0, 0], 255 - expected(RAMP, 0, 4095))


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_keeps_its_range_when_it_is_resumed_and_evaluated(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for k in range(8):
        Image.fromarray(np.roll(RAMP, 7 * k)).save(root / f"{k}.png")
    quick = {"size": 16, "batch_size": 4, "quiet": True, "value_range": (0, 4095)}
    run = zerosum.train("dcgan", str(root), tmp_path / "run", steps=2, **quick)
    recorded = json.loads((run.path / "run.json").read_text())["data"]
    assert recorded["reading"] == {"value_range": [0.0, 4095.0], "frames": "first", "alpha": "white"}
    assert recorded["fingerprint"] == load(str(root), size=(16, 16), value_range=(0, 4095)).fingerprint
    assert zerosum.resume(run.path, steps=3, quiet=True).step == 3
    told = zerosum.evaluate(run.path, metrics=["kernel"], extractor="pixels", samples=8)
    assert told.against == str(root) and any("0 became black and 4095 white" in note for note in told.notes)
    assert not any("has changed" in note for note in told.notes)
