from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.data import DataError, load
from zerosum.data.images.decode import BLOCK, Encoded, Row, decode


def save(path: Path, color: object = (10, 20, 30), size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)  # type: ignore[arg-type]
    return path


def first(root: Path) -> torch.Tensor:
    """The only image, (C, H, W)."""
    data = load(str(root))
    assert len(data) == 1 and data.problems == ()
    return data.x[0]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


# -- what is found ----------------------------------------------------------------------------------------------------


def test_sub_folders_are_sorted_classes_and_deeper_folders_belong_to_them(tmp_path: Path) -> None:
    for name in ("dog/2.png", "dog/old/1.png", "cat/9.PNG", "loose.png"):
        save(tmp_path / name)
    data = load(str(tmp_path))
    assert data.classes == ("cat", "dog") and data.y is not None and data.y.dtype == torch.int64
    assert data.y.tolist() == [0, 1, 1, -1]  # cat/9.PNG, dog/2.png, dog/old/1.png, loose.png
    assert data.name == str(tmp_path) and data.shape == (3, 8, 8)


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    data = load(str(tmp_path))
    assert data.y is None and data.classes == ()


def test_labels_can_be_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a" / "a.png")
    assert load(str(tmp_path), labels=False).y is None


def test_hidden_and_other_files_are_passed_over_and_links_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    save(root / "a.png")
    for name in ("._a.png", ".hidden/b.png", "notes.txt", "other.csv"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"no image")
    save(tmp_path / "elsewhere" / "c.png")
    for name in ("linked", "twice"):
        (root / name).symlink_to(tmp_path / "elsewhere")
    (root / "back").symlink_to(root)  # a loop
    (root / "dead.png").symlink_to(root / "nothing.png")
    data = load(str(root))
    assert len(data) == 3 and data.classes == ("linked", "twice")
    assert [problem.path for problem in data.problems] == ["dead.png"]


@pytest.mark.parametrize("inside", [[], ["notes.txt"], ["sub/"]])
def test_a_folder_without_images_is_refused(inside: list[str], tmp_path: Path) -> None:
    for name in inside:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("x")
    what = "; passed over 1 file without an image to read: 1 .txt (notes.txt)" if inside == ["notes.txt"] else ""
    with pytest.raises(DataError) as caught:
        load(str(tmp_path))
    assert (
        str(caught.value)
        == f"no image in {tmp_path} or its sub-folders{what}; give a folder of PNG, JPEG or other images"
    )


def test_a_folder_with_no_readable_image_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=rf"none of the 2 images of {tmp_path} can be read; the first is a\.png: not an"
    ):
        load(str(tmp_path))
    assert list((cache / "packs").iterdir()) == []


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "open" / "a.png")
    save(tmp_path / "closed" / "b.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith(closed):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # as root no folder is unreadable
    closed = "/closed"
    data = load(str(tmp_path))
    assert len(data) == 1 and [str(problem) for problem in data.problems] == ["closed/: Permission denied"]
    closed = tmp_path.name
    with pytest.raises(DataError, match=f"cannot read the folder {tmp_path}: Permission denied; check its permissions"):
        load(str(tmp_path))


# -- broken files -----------------------------------------------------------------------------------------------------


def test_broken_files_among_good_ones_are_named_and_counted_and_never_black(tmp_path: Path) -> None:
    Image.fromarray(noise(64, 64)).save(tmp_path / "whole.jpg")
    Image.fromarray(noise(64, 64)).save(tmp_path / "whole.png")
    for kind in ("jpg", "png"):
        content = (tmp_path / f"whole.{kind}").read_bytes()
        (tmp_path / f"cut.{kind}").write_bytes(content[: len(content) // 2])
        (tmp_path / f"head.{kind}").write_bytes(content[:20])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("hello")
    data = load(str(tmp_path))
    reasons = {Path(problem.path).name: problem.reason for problem in data.problems}
    assert sorted(reasons) == ["cut.jpg", "cut.png", "empty.png", "head.jpg", "head.png", "text.jpg"]
    assert reasons["empty.png"] == "the file is empty" and "truncated" in reasons["cut.jpg"]
    assert reasons["text.jpg"] == "not an image, or damaged from its first bytes on"
    assert len(data) == 2 and data.x.float().mean((1, 2, 3)).min() > 100
    assert load(str(tmp_path)).problems == data.problems  # from the pack as well


def test_one_broken_image_among_a_thousand(tmp_path: Path) -> None:
    for k in range(1000):
        save(tmp_path / f"{k:04}.bmp", (k % 256, k // 256, 7), (4, 4))
    (tmp_path / "0500.bmp").write_bytes(b"BM")
    data = load(str(tmp_path))
    assert len(data) == 999 > BLOCK and [Path(problem.path).name for problem in data.problems] == ["0500.bmp"]
    expected = [(k % 256, k // 256, 7) for k in range(1000) if k != 500]
    assert [tuple(pixel) for pixel in data.x[:, :, 0, 0].tolist()] == expected  # each in its place


def test_a_decompression_bomb_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "good.png")
    save(tmp_path / "large.png", size=(40, 40))  # between the limit and its double: Pillow only warns
    save(tmp_path / "huge.png", size=(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = load(str(tmp_path))
    assert [Path(problem.path).name for problem in data.problems] == ["huge.png", "large.png"]
    assert all("exceeds limit" in problem.reason for problem in data.problems)


def test_a_format_that_runs_other_programs_is_not_opened(tmp_path: Path) -> None:
    save(tmp_path / "good.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    assert [Path(problem.path).name for problem in load(str(tmp_path)).problems] == ["a.png"]


# -- modes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, [255]),
        ("L", 100, [100]),
        ("LA", (100, 255), [100]),
        ("LA", (0, 0), [255]),  # transparent: white, not black
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 255), [1, 2, 3]),
        ("RGBA", (0, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (0, 100, 255, 51), [204, 224, 255]),  # 20 % over white
        ("I;16", 65535, [255]),
        ("I;16", 32896, [128]),  # scaled by 257, not clipped
        ("I;16", 300, [1]),
    ],
)
def test_modes(mode: str, color: object, expected: list[int], tmp_path: Path) -> None:
    save(tmp_path / "a.png", color, mode=mode)
    pixels = first(tmp_path)
    assert pixels.dtype == torch.uint8 and pixels.shape == (len(expected), 8, 8)
    assert bool((pixels == torch.tensor(expected, dtype=torch.uint8).view(-1, 1, 1)).all()), pixels[:, 0, 0]


def test_cmyk(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", (0, 255, 255, 0), mode="CMYK")
    assert first(tmp_path)[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("palette", "channels"), [([9, 9, 9, 80, 80, 80], 1), ([9, 9, 9, 80, 0, 0], 3)])
def test_a_palette_is_grey_if_all_its_colours_are(palette: list[int], channels: int, tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette(palette)
    image.save(tmp_path / "a.png")
    assert first(tmp_path)[:, 0, 0].tolist() == palette[3 : 3 + channels]


def test_a_transparent_palette_lies_over_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 80, 0, 0])
    image.save(tmp_path / "a.png", transparency=1)
    assert first(tmp_path)[:, 0, 0].tolist() == [255, 255, 255]


def test_float_and_32_bit_pixels_without_an_agreed_range_are_problems(tmp_path: Path) -> None:
    save(tmp_path / "half.tif", 0.5, mode="F")
    save(tmp_path / "wild.tif", 7.5, mode="F")
    save(tmp_path / "long.tif", 70_000, mode="I")
    save(tmp_path / "nan.tif", float("nan"), mode="F")
    data = load(str(tmp_path))
    assert data.x.flatten().unique().tolist() == [128]
    assert [Path(problem.path).name for problem in data.problems] == ["long.tif", "nan.tif", "wild.tif"]
    reasons = [problem.reason for problem in data.problems]
    assert reasons[0] == (
        "I pixels from 70000 to 70000, outside [0, 65535]; say which are black and white, as in --value-range 0 70000"
    )
    assert "not finite" in reasons[1] and reasons[2].endswith(
        "outside [0, 1]; say which are black and white, as in --value-range 0 7.5"
    )


def test_grey_and_coloured_files_together_become_colour(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 50, mode="L")
    save(tmp_path / "b.png", (1, 2, 3))
    assert load(str(tmp_path)).x[:, :, 0, 0].tolist() == [[50, 50, 50], [1, 2, 3]]


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 8), (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, 8, 8))  # the left half is black
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: the left becomes the top
    image.save(tmp_path / "a.jpg", exif=exif, quality=100)
    image.save(tmp_path / "b.png", exif=exif)
    data = load(str(tmp_path))
    assert data.shape == (3, 16, 8)
    assert data.x[:, :, :7].max() < 30 and data.x[:, :, 9:].min() > 225


# -- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([(20, 30), (20, 30)], (20, 30)),
        ([(256, 1)], (256, 1)),
        ([(257, 257)], (64, 64)),
        ([(20, 30), (30, 20)], (64, 64)),
    ],
)
def test_the_size_without_a_wish(sizes: list[tuple[int, int]], shape: tuple[int, int], tmp_path: Path) -> None:
    for k, (height, width) in enumerate(sizes):
        save(tmp_path / f"{k}.png", size=(width, height))
    assert load(str(tmp_path)).shape == (3, *shape)


def test_a_wished_size_is_covered_and_cropped_in_the_centre(tmp_path: Path) -> None:
    image = Image.new("L", (300, 100), 0)
    image.paste(200, (100, 0, 200, 100))
    image.save(tmp_path / "a.png")
    pixels = load(str(tmp_path), size=(20, 20)).x[0, 0]
    assert pixels.shape == (20, 20) and pixels[:, 2:-2].min() > 190
    wide = load(str(tmp_path), size=(10, 30)).x[0, 0]
    assert wide.shape == (10, 30) and wide[:, :8].max() < 10 and wide[:, 12:18].min() > 190


def test_a_large_jpeg_is_decoded_small_and_stays_close_to_the_plain_way(tmp_path: Path) -> None:
    smooth = Image.fromarray(noise(8, 8)).resize((1024, 1024), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95)
    pixels = load(str(tmp_path), size=(32, 32)).x[0]
    plain = np.asarray(Image.open(tmp_path / "a.jpg").resize((32, 32), Image.Resampling.LANCZOS)).transpose(2, 0, 1)
    assert float((pixels.float() - torch.from_numpy(plain.astype(np.float32))).abs().mean()) < 2


# -- the pack ---------------------------------------------------------------------------------------------------------


def test_the_second_load_decodes_nothing_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(3):
        save(tmp_path / "data" / "ab"[k % 2] / f"{k}.png", (k, k, k))
    one = load(str(tmp_path / "data"))
    monkeypatch.setattr("zerosum.data.images.decode.decode", None)
    monkeypatch.setattr("zerosum.data.images.decode.probe", None)
    two = load(str(tmp_path / "data"))
    assert torch.equal(one.x, two.x) and one.fingerprint == two.fingerprint and one.classes == two.classes
    assert one.y is not None and two.y is not None and torch.equal(one.y, two.y)
    (tmp_path / "data").rename(tmp_path / "moved")
    assert load(str(tmp_path / "moved")).fingerprint == one.fingerprint


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    for name in ("one", "two", "other"):
        save(tmp_path / name / "a.png", (5, 5, 9 if name == "other" else 5))
    os.utime(tmp_path / "two" / "a.png", (1, 1))
    one, two, other = (load(str(tmp_path / name)).fingerprint for name in ("one", "two", "other"))
    assert one == two != other


def test_a_changed_added_or_removed_file_makes_a_new_pack(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (1, 1, 1))
    assert load(str(tmp_path)).x[:, 0, 0, 0].tolist() == [1]
    save(tmp_path / "b.png", (2, 2, 2))
    assert load(str(tmp_path)).x[:, 0, 0, 0].tolist() == [1, 2]
    save(tmp_path / "a.png", (3, 3, 3))
    os.utime(tmp_path / "a.png", (1, 1))
    assert load(str(tmp_path)).x[:, 0, 0, 0].tolist() == [3, 2]
    (tmp_path / "b.png").unlink()
    assert load(str(tmp_path)).x[:, 0, 0, 0].tolist() == [3]
    assert load(str(tmp_path), size=(4, 4)).shape == (3, 4, 4)


@pytest.mark.parametrize("damage", ["truncate", "longer", "empty", "remove", "folder"])
def test_a_damaged_pack_is_rebuilt(damage: str, tmp_path: Path, cache: Path) -> None:
    save(tmp_path / "a.png", (1, 2, 3))
    before = load(str(tmp_path))
    expected, mark = before.x.clone(), before.fingerprint
    (path,) = cache.glob("packs/*")
    content = path.read_bytes()
    changed = {"truncate": content[:-1], "longer": content + b"0", "empty": b""}
    path.unlink()  # the mapped file stays as it is for the data set that has it open
    if damage in changed:
        path.write_bytes(changed[damage])
    elif damage == "folder":
        (path / "x").mkdir(parents=True)
    after = load(str(tmp_path))
    assert torch.equal(after.x, expected) and after.fingerprint == mark
    assert path.read_bytes() == content


def test_a_full_disk_names_the_folder_and_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=rf"{cache / 'packs'}: No space left on device; free some space there or set"):
        load(str(tmp_path))
    assert list((cache / "packs").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "data" / "a.png")
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set ZEROSUM_CACHE to another folder"):
        load(str(tmp_path / "data"))


def test_loaders_at_the_same_time_agree(tmp_path: Path, cache: Path) -> None:
    for k in range(20):
        save(tmp_path / f"{k:02}.png", (k, k, k))
    together = threading.Barrier(4)

    def loaded(_: int) -> str:
        together.wait()
        return load(str(tmp_path)).fingerprint

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(loaded, range(4))) == {load(str(tmp_path)).fingerprint}
    assert len(list((cache / "packs").iterdir())) == 1


def test_the_images_are_mapped_not_read_and_writes_stay_in_memory(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (1, 2, 3))
    data = load(str(tmp_path))
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert ".pack" in maps.read_text()
    data.x.zero_()
    assert load(str(tmp_path)).x[0, :, 0, 0].tolist() == [1, 2, 3]


def test_progress_is_told_to_the_end_in_the_caller_s_thread(tmp_path: Path) -> None:
    for k in range(5):
        save(tmp_path / f"{k}.png")
    told: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((what, done, total))

    load(str(tmp_path), progress=progress)
    for what in ("looking at images", "decoding images"):
        assert [entry[1:] for entry in told if entry[0] == what] == [(k, 5) for k in range(1, 6)]


def test_pixels_of_one_size_are_exact(tmp_path: Path) -> None:
    Image.fromarray(noise(5, 7)).save(tmp_path / "a.png")
    row = decode(Encoded("a.png", 3, tmp_path / "a.png"), 3, (5, 7))
    assert isinstance(row, Row) and row.label == 3 and np.array_equal(row.pixels.transpose(1, 2, 0), noise(5, 7))


def test_nothing_but_the_report_is_printed_of_damaged_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As libtiff would by itself, and Pillow's logger."""
    photos = tmp_path / "photos"
    photos.mkdir()
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    for kind in ("TIFF", "JPEG", "PNG", "WEBP", "GIF", "JPEG2000"):
        for k, packed in enumerate(("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits") if kind == "TIFF" else ("",)):
            content = BytesIO()
            Image.fromarray(pixels).save(content, kind, **({"compression": packed} if packed else {}))
            for place in (8, 200):
                damaged = bytearray(content.getvalue())
                for at in draw.integers(place, len(damaged), 30):
                    damaged[at] = draw.integers(256)
                (photos / f"{kind}{k}{place}").write_bytes(damaged)
    save(photos / "good.png")
    data = load(str(photos))
    assert len(data.problems) > 8
    assert capfd.readouterr() == ("", "")
