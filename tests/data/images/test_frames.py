"""Files of several pages or frames: the first, which is said, or all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

import zerosum
from zerosum.data import check, load

ENDINGS = {"tif": {}, "gif": {}, "webp": {"lossless": True}, "png": {}, "avif": {"quality": 100}}


def several(path: Path, values: list[int], **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 4, (16, 16), np.uint8)
    pages = [Image.fromarray(noise + np.uint8(value)) for value in values]
    pages[0].save(path, save_all=True, append_images=pages[1:], **options)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_first_is_taken_and_the_others_are_told_of_or_all(ending: str, tmp_path: Path) -> None:
    several(tmp_path / f"a.{ending}", [10, 60, 200], **ENDINGS[ending])
    data = load(str(tmp_path))
    assert len(data) == 1 and abs(int(data.x[0, 0].float().mean()) - 11) <= 2
    assert data.notes == (f"a.{ending} has 3 pages or frames: the first is used; --frames all takes all",)
    whole = load(str(tmp_path), frames="all")
    means = whole.x[:, 0].float().mean((1, 2)).tolist()
    assert len(whole) == 3 and np.allclose(means, [11.5, 61.5, 201.5], atol=3)
    assert whole.notes == (f"a.{ending} has 3 pages or frames: each is an image",)
    assert whole.problems == ()


def test_frames_of_a_grey_gif_are_grey(tmp_path: Path) -> None:
    several(tmp_path / "a.gif", [10, 60, 200])
    assert load(str(tmp_path), frames="all").shape == (1, 16, 16)


def test_each_frame_has_its_file_s_label(tmp_path: Path) -> None:
    several(tmp_path / "cat" / "a.tif", [10, 60])
    several(tmp_path / "dog" / "b.gif", [100, 150, 200])
    Image.new("L", (16, 16)).save(tmp_path / "dog" / "c.png")
    data = load(str(tmp_path), frames="all")
    assert data.counts == (2, 4) and data.classes == ("cat", "dog")
    several(tmp_path / "cat" / "a.tif", [10, 60, 70])
    (tmp_path / "labels.csv").write_text("file_name,label\ncat/a.tif,x\ndog/b.gif,y\n")
    assert load(str(tmp_path), frames="all").counts == (3, 3)
    assert "classes: x (3), y (3); unlabelled: 1" in check(str(tmp_path), frames="all").lines()


def test_frames_are_told_apart_by_name(tmp_path: Path) -> None:
    several(tmp_path / "a.tif", [10, 60, 10])
    assert check(str(tmp_path), frames="all").duplicates == (("a.tif", "a[3].tif"),)


def test_previews_and_masks_in_a_tiff_are_no_images(tmp_path: Path) -> None:
    preview = ImageFileDirectory_v2()
    preview[254] = 1
    pages = [Image.new("L", (16, 16), 9), Image.new("L", (4, 4), 9), Image.new("L", (16, 16), 90)]
    pages[1].encoderinfo = {"tiffinfo": preview}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    data = load(str(tmp_path), frames="all")
    assert data.x[:, 0, 0, 0].tolist() == [9, 90]
    assert check(str(tmp_path)).data.notes[0].startswith("a.tif has 2 pages")


def test_a_file_that_is_damaged_further_on_keeps_its_first_frame(tmp_path: Path) -> None:
    path = several(tmp_path / "a.gif", [10, 60, 200])
    path.write_bytes(path.read_bytes()[:-300])
    assert load(str(tmp_path)).x[0, 0].float().mean() < 13
    assert len(load(str(tmp_path), frames="all")) >= 1


def test_a_frame_that_is_a_bomb_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.new("L", (16, 16), 9), Image.new("L", (100, 100), 9)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = load(str(tmp_path), frames="all")
    assert len(data) == 1 and [problem.path for problem in data.problems] == ["a[2].tif"]
    assert "exceeds limit" in data.problems[0].reason


def test_pages_of_pairs_belong_together(tmp_path: Path) -> None:
    several(tmp_path / "a" / "x.tif", [10, 60])
    several(tmp_path / "b" / "x.tif", [100, 150])
    data = load(f"pairs:{tmp_path}", frames="all")
    means = [field.stored.float().mean((1, 2, 3)).round().tolist() for field in data.fields.values()]
    assert np.allclose(means, [[11.5, 61.5], [101.5, 151.5]], atol=1) and len(data.notes) == 2


def test_many_frames_are_in_their_order(tmp_path: Path) -> None:
    several(tmp_path / "a.webp", list(range(0, 250)), lossless=True)
    means = load(str(tmp_path), frames="all").x[:, 0].float().mean((1, 2))
    assert len(means) == 250 and bool((means.diff() > 0).all())


def test_a_run_on_all_frames_classifies_all_of_a_file(tmp_path: Path) -> None:
    for name, value in (("cat", 10), ("dog", 200)):
        several(tmp_path / "data" / name / "a.tif", [value + k for k in range(6)])
    run = zerosum.train(
        "acgan", str(tmp_path / "data"), tmp_path / "run", steps=2, batch_size=4, size=16, frames="all", quiet=True
    )
    assert run.record.data.count == 12 and run.record.data.reading.frames == "all"
    assert zerosum.resume(run.path, steps=3, quiet=True).step == 3
    found = zerosum.classify(run.path, tmp_path / "data" / "dog" / "a.tif")
    assert found.files[:2] == ("a.tif", "a[2].tif") and len(found.files) == 6
    assert len(zerosum.classify(run.path, tmp_path / "data", frames="first").files) == 2
